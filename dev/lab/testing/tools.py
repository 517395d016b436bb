"""The tests of the addon's tools/ without Odoo, in seconds."""

import os
import subprocess
import sys

from lab.errors import LabError
from lab.host.paths import ROOT
from lab.odoo.source import ADDON

TESTS = ADDON / "tests" / "tools"
# Some tests wait for their servers, so there are more workers than processors; but each has to import everything first.
_SIDE_BY_SIDE = ("-n", "3", "--dist", "worksteal")
# The tests use the methods of unittest: pytest has no assert statements to explain.
_OPTIONS = ("-q", "-p", "lab.testing.without_odoo", "--assert", "plain")


def run(file=None, *words):
    """Run the tests and print the outcome.

    :param file: one file of tests or a folder; all of them by default
    :param words: further arguments for pytest, such as ``-k secrets``
    :returns: pytest's exit code
    :raises LabError: when the file is not one of these tests
    """
    if file and TESTS not in (ROOT / file).resolve().parents:
        raise LabError(f"{file} is not below {TESTS.relative_to(ROOT)}: use make test-unit FILE={file}, with Odoo.")
    which = [file] if file else [*_SIDE_BY_SIDE, TESTS]
    command = [sys.executable, "-m", "pytest", *_OPTIONS, *map(str, which), *words]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "dev")}, check=False
    ).returncode
