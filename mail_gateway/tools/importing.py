"""Messages out of the files that a person uploads: .eml files, and .zip files of them."""

import io
import zipfile
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from .headers import HEADER_BYTES, read_headers

# All files of one upload together, unpacked.
MOST_BYTES = 200 * 1024 * 1024
MOST_FILES = 5000
# Odd files that archivers add on their own.
_SIDE_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OUTLOOK = b"\xd0\xcf\x11\xe0"


class Flaw(str, Enum):
    """Why a file can't be imported."""

    EMPTY = "empty"
    NO_MESSAGE = "no message"
    OUTLOOK = "Outlook's own format"
    BROKEN_ZIP = "broken zip"
    ENCRYPTED = "encrypted zip"
    NESTED = "zip within a zip"
    TOO_MUCH = "too much"


class Found(NamedTuple):
    """One file: a message, or why it is none.

    :ivar name: of the file; of one in an archive "archive/file"
    """

    name: str
    source: bytes = b""
    flaw: Flaw | None = None


def unpack(files: list[tuple[str, bytes]], most_bytes: int = MOST_BYTES) -> list[Found]:
    """Look into uploaded files.

    :param files: (name, content) of each
    :param most_bytes: that are unpacked altogether; the file that goes beyond it is the last one looked at
    """
    found: list[Found] = []
    left = most_bytes
    for name, content in files:
        for each in _members(name, content, left):
            left -= len(each.source)
            found.append(each if len(found) < MOST_FILES else Found(each.name, flaw=Flaw.TOO_MUCH))
            if found[-1].flaw is Flaw.TOO_MUCH:
                return found
    return found


def _members(name, content, left):
    """What is in one file: itself, or the files of an archive, one at a time."""
    if not content.startswith((_ZIP, _EMPTY_ZIP)):
        yield Found(name, flaw=Flaw.TOO_MUCH) if len(content) > left else _message(name, content)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [entry for entry in archive.infolist() if not _is_aside(entry)]
            if not members:
                yield Found(name, flaw=Flaw.EMPTY)
            for entry in members:
                each = _unpacked(archive, entry, f"{name}/{entry.filename}", left)
                left -= len(each.source)
                yield each
    except Exception:  # noqa: BLE001 the library answers damage with IndexError and struct.error, too
        yield Found(name, flaw=Flaw.BROKEN_ZIP)


def _is_aside(entry):
    return entry.is_dir() or any(name in entry.filename for name in _SIDE_FILES)


def _unpacked(archive, entry, name, left):
    """One file of an archive; no more of it is unpacked than may be, whatever size the archive states."""
    if entry.flag_bits & 0x1:
        return Found(name, flaw=Flaw.ENCRYPTED)
    with archive.open(entry) as file:
        content = file.read(left + 1)
    if len(content) > left:
        return Found(name, flaw=Flaw.TOO_MUCH)
    return Found(name, flaw=Flaw.NESTED) if content.startswith(_ZIP) else _message(name, content)


def _message(name, content):
    """Anything with a header that mail has: what came by mail once may be as odd as it likes."""
    if not content.strip():
        return Found(name, flaw=Flaw.EMPTY)
    if content.startswith(_OUTLOOK):
        return Found(name, flaw=Flaw.OUTLOOK)
    return Found(name, content) if _has_a_header(content) else Found(name, flaw=Flaw.NO_MESSAGE)


def _has_a_header(content):
    with suppress(Exception):
        headers = read_headers(content[:HEADER_BYTES])
        return any((headers.subject, headers.sender, headers.recipients, headers.message_id))
    return False
