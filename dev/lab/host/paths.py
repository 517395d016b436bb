"""The paths of the lab."""

import os
import stat
import zlib
from pathlib import Path

from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[3]
HERE = ROOT / "dev" / "lab"
LAB = ROOT / ".lab"
VENV = LAB / "venv"
PYTHON = VENV / "bin" / "python"
LOGS = LAB / "log"
TLS = LAB / "tls"
DATA = LAB / "data"

# Unix sockets have names of at most 107 bytes; Dovecot's and PostgreSQL's own part needs about 40 of them.
_LONGEST_SOCKET_DIRECTORY = 65


def services():
    """Return the directory of the servers' files, and create it if it is missing.

    Usually it is ``.lab/services``. But PostgreSQL, Postfix and Dovecot run as users of their own, who cannot enter a
    checkout below a private home directory. In this case, and when the path is too long for a socket, it is a
    directory in /var/tmp whose name is made from the user and the checkout.

    :raises LabError: when that directory belongs to somebody else
    """
    inside = LAB / "services"
    directory = inside if _everybody_can_enter(ROOT) and len(str(inside)) <= _LONGEST_SOCKET_DIRECTORY else _outside()
    directory.mkdir(parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise LabError(f"{directory} belongs to another user: remove it, or run the lab as that user.")
    directory.chmod(0o755)
    return directory


def _outside():
    return Path("/var/tmp") / f"mail_gateway-lab-{os.geteuid()}-{zlib.crc32(os.fsencode(ROOT)):08x}"


def _everybody_can_enter(directory):
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (directory, *directory.parents))
