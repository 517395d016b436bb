"""Skip work whose inputs did not change: a stamp file keeps a hash of the inputs that the work was last done with."""

import hashlib
from pathlib import Path

from lab.host.paths import LAB


def digest(*inputs):
    """Hash paths (their content; a missing file counts as empty) and plain values."""
    total = hashlib.sha256()
    for item in inputs:
        total.update(_content(item) if isinstance(item, Path) else str(item).encode())
        total.update(b"\0")
    return total.hexdigest()


def _content(file):
    return file.read_bytes() if file.is_file() else b""


def is_current(name, value):
    """Tell whether the work *name* was done with inputs of the hash *value*."""
    file = LAB / "stamps" / name
    return file.is_file() and file.read_text() == value


def write(name, value):
    """Record that the work *name* was done with inputs of the hash *value*."""
    file = LAB / "stamps" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value)


def forget(name):
    """Remove the stamp, so that the work *name* is done again."""
    (LAB / "stamps" / name).unlink(missing_ok=True)
