"""Installing the whole lab, step by step; a step does nothing if its result is there already."""

import subprocess
import sys

from lab.errors import LabError
from lab.host import locks, packages, venv
from lab.host.console import check, last_found, say
from lab.host.paths import LAB, PYTHON, ROOT
from lab.odoo import download
from lab.servers import tls
from lab.testing import corpora


def setup(templates=()):
    """Install, download and prepare all that tests need.

    :param templates: the template databases to build; by default only base: tests build the others
    :raises LabError: when something outside the checkout is missing; the message says what to do about it
    """
    environment()
    _databases(templates)
    say(f"{'':11}The lab is ready.")


def environment():
    """Do the same without databases."""
    LAB.mkdir(exist_ok=True)
    with locks.exclusive("setup", when_busy=lambda: say("Another setup runs in this checkout: waiting for it.")):
        with check("Debian packages") as remarks:
            remarks.append(f"installed {' '.join(packages.install_missing()) or 'nothing, all there'}")
        with check("Odoo", download.progress) as remarks:
            remarks.append(download.fetch())
        with check(
            "Python packages", last_found(venv.LOG, r"((?:Collecting|Installing collected packages:) \S+)")
        ) as remarks:
            remarks.append("installed" if venv.build() else "up to date")
        with check("sample messages of other projects, for the tests") as remarks:
            remarks.append(corpora.fetch())
        with check("certificates") as remarks:
            remarks.append("made" if tls.make() else "up to date")


def _databases(templates):
    # This needs the environment's Python: only there is PostgreSQL's client library installed.
    command = [PYTHON, "-m", "lab", "databases", *templates]
    if subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT / "dev"), **_system_environment()}, check=False
    ).returncode:
        raise LabError("The template databases could not be built: see above.")


def _system_environment():
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


if sys.version_info < (3, 9):
    raise SystemExit("The lab needs Python 3.9 or newer to start, and 3.11 for Odoo.")
