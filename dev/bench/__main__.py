"""Measurements of speed and memory: ``make bench``, or ``python -m bench PART...``.

A part is a module of this package with a function `measure()`, which prints its figures; :data:`PARTS` names them.
"""

import sys
from importlib import import_module

from lab.errors import LabError
from lab.host.console import say
from lab.servers.postgres import Postgres

PARTS = ("incoming", "lane", "rows", "importing", "memory", "backlog")


def main(*names):
    """Measure and print.

    :param names: names of parts; by default all of them
    :raises LabError: for an unknown name
    """
    if unknown := set(names) - set(PARTS):
        raise LabError(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    with Postgres():
        for name in names or PARTS:
            part = import_module(f"bench.{name}")
            say(f"\n{part.__doc__.splitlines()[0]}")
            part.measure()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except LabError as error:
        sys.exit(str(error))
