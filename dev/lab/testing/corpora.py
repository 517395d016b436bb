"""Mail of other projects, with which they test their parsers."""

import shutil
import tarfile
import tempfile
from pathlib import Path

from lab.host import stamps
from lab.host.paths import LAB, PYTHON
from lab.host.processes import run

# Its source distribution contains more than a hundred bounces of all kinds of servers; its wheel doesn't.
_PACKAGE = "flufl.bounce==6.0.0"
_MEMBERS = "/tests/data/"
DIRECTORY = LAB / "corpora"


def fetch():
    """Download the messages into ``.lab/corpora`` if necessary; return a remark that says how many there are.

    :raises LabError: when they can't be downloaded
    """
    digest = stamps.digest(_PACKAGE)
    if not (stamps.is_current("corpora", digest) and DIRECTORY.is_dir()):
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(parents=True)
        _download()
        stamps.write("corpora", digest)
    return f"{len(list(DIRECTORY.iterdir()))} messages"


def _download():
    with tempfile.TemporaryDirectory() as place:
        run(
            [
                PYTHON,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--dest",
                place,
                _PACKAGE,
            ],
            f"download {_PACKAGE}",
            "Is the network there?",
        )
        for archive in Path(place).glob("*.tar.gz"):
            with tarfile.open(archive) as files:
                for member in files.getmembers():
                    if member.isfile() and _MEMBERS in member.name and member.name.endswith(".txt"):
                        (DIRECTORY / Path(member.name).name).write_bytes(files.extractfile(member).read())
