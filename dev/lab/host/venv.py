"""The lab's Python environment, .lab/venv."""

import shutil
import subprocess
import sys

from lab.errors import LabError
from lab.host import stamps
from lab.host.paths import HERE, LOGS, PYTHON, ROOT, VENV
from lab.host.processes import run

# The log of pip.
LOG = LOGS / "pip.log"
_LISTS = (HERE / "odoo" / "requirements.txt", ROOT / "requirements.txt", HERE / "testing" / "requirements.txt")


def build():
    """Create or update the environment if one of the lists of packages changed; tell whether it was changed.

    :raises LabError: when this is not the version of Python that the packages are pinned for, or a download fails
    """
    digest = stamps.digest(sys.version, VENV, *_LISTS)
    if stamps.is_current("venv", digest) and _works():
        return False
    if sys.version_info[:2] != (3, 11):
        raise LabError(
            f"The lab needs Python 3.11 (Debian 12's), this is {sys.version.split()[0]}: "
            "Odoo's pinned packages are for that one."
        )
    if not _works():
        _create()
    lists = [word for file in _LISTS for word in ("-r", file)]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--log", LOG, "--disable-pip-version-check", *lists],
        f"install the Python packages into {VENV}",
        "Is the network there?",
    )
    stamps.write("venv", digest)
    return True


def _create():
    shutil.rmtree(VENV, ignore_errors=True)
    # This is the system's Python, even if this process runs in another environment.
    run([f"{sys.base_prefix}/bin/python3", "-m", "venv", VENV], f"create {VENV}")


def _works():
    # After a checkout was moved, the programs of its environment still point to the old path.
    return (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    )
