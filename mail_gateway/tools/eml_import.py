"""Reads messages from uploaded files: .eml files, and .zip files of them.

Uploads are read twice: first to see whether everything in them is a message, then message by message. At most one message
is in memory, whatever an archive states about itself. Start reading at :func:`unpack`.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .headers.message_head import HEADER_BYTES
from .headers.stored_headers import read_headers

# Bytes of all files of one upload together, unpacked.
MAX_BYTES = 200 * 1024 * 1024
MAX_FILES = 5000
# Files that archivers add on their own.
_SIDE_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OUTLOOK = b"\xd0\xcf\x11\xe0"
# zipfile unpacks other methods at once: a few bytes of bzip2 can become gigabytes, and LZMA can demand any amount of memory.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_CHUNK = 256 * 1024
# zipfile reads the table of contents of an archive at once, and makes an object of some 500 bytes for each entry,
# which may have as few as 46 bytes.
_MAX_BYTES_AT_ONCE = 4 * 1024 * 1024


class FileProblem(str, Enum):
    """Why a file can't be imported."""

    EMPTY = "empty"
    NO_MESSAGE = "no message"
    OUTLOOK = "Outlook's own format"
    BROKEN_ZIP = "broken zip"
    ENCRYPTED = "encrypted zip"
    COMPRESSION = "unusual compression"
    NESTED = "zip within a zip"
    TOO_MUCH = "too much"


class Found(NamedTuple):
    """One file: a message, or the reason why it is not a message.

    :ivar name: the name of the file; "archive/file" for a file in an archive
    :ivar problem: why it is not a message; None for a message
    :ivar size: bytes, unpacked
    :ivar upload: the uploaded file that is or contains this file
    :ivar entry: the entry of the archive; None for the uploaded file itself
    """

    name: str
    problem: FileProblem | None = None
    size: int = 0
    upload: "_Upload | None" = None
    entry: zipfile.ZipInfo | None = None

    @property
    def source(self) -> bytes:
        """The message, read from the file each time; empty when the file is not a message."""
        content = io.BytesIO()
        if not self.problem:
            for chunk in self.upload.chunks(self.entry):
                content.write(chunk)
        return content.getvalue()


class _Upload:
    """An uploaded file, which is opened when it is read. Only one upload of an import is open at a time.

    :param content: bytes, or the path of a file
    :param opened: a list with the open upload, which all uploads of an import share
    """

    def __init__(self, content, opened):
        self._content, self._opened = content, opened
        self._file = self._archive = None

    def start(self) -> bytes:
        """Return the first four bytes."""
        self._open().seek(0)
        return self._file.read(4)

    def archive(self) -> zipfile.ZipFile:
        """Open the uploaded file as an archive.

        :raises Exception: of many kinds, when it is damaged
        """
        self._open()
        if self._archive is None:
            self._archive = zipfile.ZipFile(self._file)
        return self._archive

    def chunks(self, entry=None) -> Iterator[bytes]:
        """Yield the content of the uploaded file, or of one of its entries, unpacked.

        :param entry: an entry of the archive, None for the uploaded file itself

        :raises Exception: of many kinds, when an archive is damaged
        """
        if entry is None:
            self._open().seek(0)
            yield from iter(partial(self._file.read, _CHUNK), b"")
            return
        with self.archive().open(entry) as file:
            yield from iter(partial(file.read, _CHUNK), b"")

    def _open(self):
        if self._file is None:
            while self._opened:
                self._opened.pop().close()
            content = self._content
            self._file = _Reader(io.BytesIO(content) if isinstance(content, bytes) else io.FileIO(content))
            self._opened.append(self)
        return self._file

    def close(self):
        """Close the file until it is read again."""
        self._file.close()
        self._file = self._archive = None


class _Reader(io.BufferedReader):
    """A file from which only a limited number of bytes is read at once."""

    def read(self, size=-1, /):
        """Read bytes.

        :raises zipfile.BadZipFile: when an archive states that its table of contents is enormous
        """
        if size is not None and size > _MAX_BYTES_AT_ONCE:
            raise zipfile.BadZipFile("too much at once")
        return super().read(size if size is not None and size >= 0 else _MAX_BYTES_AT_ONCE)


def unpack(files: list[tuple[str, bytes | Path]], most_bytes: int = MAX_BYTES) -> list[Found]:
    """Examine uploaded files.

    :param files: (name, content) of each; the content as bytes, or the path of a file
    :param most_bytes: bytes that are unpacked in total; the file that exceeds them is the last one
    :return: one entry for each file, in order
    """
    found: list[Found] = []
    opened: list[_Upload] = []
    left = most_bytes
    for name, content in files:
        for each in _members(name, _Upload(content, opened), left):
            left -= each.size
            found.append(each if len(found) < MAX_FILES else Found(each.name, FileProblem.TOO_MUCH))
            if found[-1].problem is FileProblem.TOO_MUCH:
                return found
    return found


def _members(name, upload, left):
    """Yield the file itself, or the files of an archive one by one."""
    if upload.start() not in {_ZIP, _EMPTY_ZIP}:
        yield _examined(name, upload, None, left)
        return
    try:
        members = [entry for entry in upload.archive().infolist() if not _is_side_file(entry)]
        if not members:
            yield Found(name, FileProblem.EMPTY)
        for entry in members:
            each = _unpacked(f"{name}/{entry.filename}", upload, entry, left)
            left -= each.size
            yield each
    except Exception:  # noqa: BLE001 for damaged archives, zipfile also raises IndexError and struct.error
        yield Found(name, FileProblem.BROKEN_ZIP)


def _is_side_file(entry):
    return entry.is_dir() or any(name in entry.filename for name in _SIDE_FILES)


def _unpacked(name, upload, entry, left):
    """Examine one file of an archive. At most `left` bytes are unpacked, whatever size the archive states."""
    if entry.flag_bits & 0x1:
        return Found(name, FileProblem.ENCRYPTED)
    if entry.compress_type not in _METHODS:
        return Found(name, FileProblem.COMPRESSION)
    return _examined(name, upload, entry, left)


def _examined(name, upload, entry, left):
    """Read one file, up to `left` bytes, and find out whether it is a message."""
    head, size, is_blank = b"", 0, True
    for chunk in upload.chunks(entry):
        size += len(chunk)
        if size > left:
            return Found(name, FileProblem.TOO_MUCH)
        is_blank = is_blank and not chunk.strip()
        head += chunk[: max(HEADER_BYTES - len(head), 0)]
    return Found(name, _problem_of(head, is_blank, entry is not None), size, upload, entry)


def _problem_of(head, is_blank, is_packed):
    """Return the reason why a file is not a message. A file with a single header of mail is a message."""
    if is_blank:
        return FileProblem.EMPTY
    if is_packed and head.startswith(_ZIP):
        return FileProblem.NESTED
    if head.startswith(_OUTLOOK):
        return FileProblem.OUTLOOK
    return None if _has_a_header(head) else FileProblem.NO_MESSAGE


def _has_a_header(head):
    with suppress(Exception):
        headers = read_headers(head)
        return any((headers.subject, headers.sender, headers.recipients, headers.message_id))
    return False
