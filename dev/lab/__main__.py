"""The command line of the lab: ``PYTHONPATH=dev python3 -m lab <command>``."""

import sys

from lab.commands import main

sys.exit(main(sys.argv[1:]))
