"""Extracts the readable content of a message with defects: texts to show, and files to attach."""

import re
from base64 import b64decode
from contextlib import suppress
from email.message import Message
from typing import NamedTuple

from ..preview import without_markup
from ..text.charsets import cleaned, read, to_text
from .attached_source import source_of
from .defects import BoundExceeded
from .file_names import part_name, safe_name
from .header_values import decoded
from .html import MAX_MOVED, has_content, has_words, is_heavy, moved_by_quotes, without_hidden
from .images import content_ids
from .parameters import charset_of, file_name, raw_header
from .structure import parse

MAX_FILES = 100
MAX_FILE_BYTES = 64 * 1024 * 1024
# Characters of a text that are shown; the original is attached.
TEXT_CHARS = 400_000
_MAX_TEXTS = 10
# Characters of heavy HTML that are turned into text: for some HTML, the time of html.parser grows with the square of the
# length.
_STRIPPED_CHARS = 100_000
_SHOWN = ("text/plain", "text/markdown", "text/enriched", "text/richtext")
# Content types whose parts Python reads as headers.
_REPORTS = ("message/delivery-status", "message/disposition-notification", "message/feedback-report")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_SIMPLE_KIND = re.compile(r"(?:image|audio|video|application)/[a-z0-9.+-]{1,80}")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}\s*")
_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*(?:\r\n|\r|\n)Content-", re.MULTILINE | re.IGNORECASE)


class Text(NamedTuple):
    """A text to show.

    :ivar kind: plain or html; stripped for text that was extracted from HTML that is not shown
    """

    kind: str
    text: str


class File(NamedTuple):
    """A file to attach.

    :ivar kind: content type
    :ivar cid: Content-Id, to which HTML may refer; '' when there is none
    """

    name: str
    data: bytes
    kind: str = "application/octet-stream"
    cid: str = ""


class Contents:
    """Collects the content of a parsed message.

    :param is_report: whether the message is a delivery report, whose structure is kept
    :param best: the kinds of texts, the preferred one among alternatives first
    :ivar texts: texts to show, in order
    :ivar files: files to attach
    :ivar reports: the machine-readable parts of a delivery report, as (content type, blocks of headers)
    :ivar returned: the message that a delivery report is about, or its headers
    """

    def __init__(self, message: Message, is_report: bool, best: tuple[str, ...] = ("html", "plain", "stripped")):
        self.files, self.reports, self.returned = [], [], None
        self._is_report, self._best = is_report, best
        self._bytes, self._cids = 0, content_ids(message)
        self.texts = self._read(message, top=True)[:_MAX_TEXTS]

    # ------------------------------------------------------------------ kinds of parts

    def _read(self, part, top=False):
        """Return the texts in a part, and add the other content to the files and reports."""
        kind = part.get_content_type()
        if kind in _REPORTS and part.is_multipart():
            self.reports.append((kind, part.get_payload()[:100]))
        elif part.get_content_maintype() == "multipart":
            return self._read_children(part) if part.is_multipart() else self._read_unparted(part)
        elif part.is_multipart():
            self._read_message(part, part.get_payload(0))
        elif kind == "text/rfc822-headers" and self._is_report:
            self._return(to_text(_data(part), _charset(part)).encode())
        elif kind == "text/html" or kind in _SHOWN:
            return self._read_text_or_file(part, kind, top)
        else:
            self._attach(part, _data(part))
        return []

    def _read_children(self, part):
        found = [self._read(child) for child in part.get_payload()]
        if part.get_content_type() != "multipart/alternative":
            return sum(found, [])
        for best in self._best:
            if chosen := _last_of_kind(found, best):
                return chosen if _has_words(chosen) else [*_last_of_kind(found, "plain"), *chosen]
        return []

    def _read_unparted(self, part):
        """Read the texts of a multipart whose boundary never occurs: it may have another boundary, or be plain text."""
        data = _data(part)
        if found := _BOUNDARY.search(data):
            boundary = found.group(1).replace(b'"', b"")
            with suppress(BoundExceeded):
                inner = parse(b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n%s' % (boundary, data))
                if inner.is_multipart():
                    return self._read(inner)
        return self._read_text("text/plain", to_text(data))

    def _read_text_or_file(self, part, kind, top):
        """Read a text, or a file with text, which is also shown when it is the whole message."""
        data, is_file = _data(part), _is_attachment(part)
        if is_file:
            self._attach(part, data)
        if is_file and not top:
            return []
        return self._read_text(kind, cleaned(read(data, _charset(part), kind == "text/html").text))

    def _read_text(self, kind, text):
        if not text.strip():
            return []
        if kind != "text/html":
            return [Text("plain", shortened(text))]
        if not is_heavy(text):
            return [Text("html", text)] if has_content(text, self._cids) else []
        # kept as text, so that opening the file shows the source and runs no script
        self._keep(File("message.html.txt", text.encode(), "text/plain"))
        return stripped(text)

    def _read_message(self, part, inner):
        """Keep an attached message as a file, or as the message that a delivery report returns."""
        if self._is_report and part.get_content_type() in _RETURNED:
            self.returned = self.returned or inner
            return
        data, number = source_of(inner), len(self.files) + 1
        # RFC 2046 forbids base64 here, but some programs use it
        if raw_header(part, "content-transfer-encoding").strip().lower() == "base64":
            data = from_base64(data)
        if data:
            self._keep(File(safe_name(part_name(part, number), number), data))

    def _return(self, head):
        with suppress(BoundExceeded):
            self.returned = self.returned or parse(head)

    # ------------------------------------------------------------------ files

    def _attach(self, part, data):
        name, cid = "", ""
        with suppress(Exception):
            name = file_name(part)
        with suppress(Exception):
            cid = decoded(part["Content-Id"] or "").strip("<> ")[:200]
        kind = part.get_content_type()
        self._keep(File(safe_name(name, len(self.files) + 1, kind), data, _harmless(kind), cid))

    def _keep(self, file):
        self._bytes += len(file.data)
        if len(self.files) < MAX_FILES and self._bytes <= MAX_FILE_BYTES:
            self.files.append(file)


def _last_of_kind(alternatives, kind):
    return next((texts for texts in reversed(alternatives) if any(text.kind == kind for text in texts)), [])


def _has_words(texts):
    return any(text.kind != "html" or has_words(text.text) for text in texts)


def stripped(html: str) -> list[Text]:
    """Return the text of HTML; [] when it has no words."""
    text = cleaned(without_markup(without_hidden(html)[:_STRIPPED_CHARS]))
    return [Text("stripped", shortened(text))] if text.strip() else []


def shortened(text: str) -> str:
    """Return the part of a text that is shown; the whole text is in the attached original."""
    short = text[:TEXT_CHARS]
    while moved_by_quotes(short) > MAX_MOVED:
        short = short[: len(short) // 2]
    return short if short == text else f"{short}\n[…]"


def from_base64(data: bytes) -> bytes:
    """Decode base64, and keep text that follows it: mailing lists append footers."""
    with suppress(ValueError):
        return b64decode(data.translate(None, b" \t\r\n"), validate=True)
    lines = data.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if line.strip() and not _BASE64_LINE.fullmatch(line)), len(lines))
    digits = re.sub(rb"[\s=]", b"", b"".join(lines[:count]))
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return b64decode(digits + b"=" * (-len(digits) % 4)) + b"".join(lines[count:])


def _data(part):
    """Return the decoded bytes of a part, or its bytes as they are.

    For base64, and if decoding fails, it removes the part's Content-Transfer-Encoding, and decodes base64 leniently.
    """
    with suppress(Exception):
        if str(part["Content-Transfer-Encoding"] or "").strip().lower() != "base64":
            return part.get_payload(decode=True) or b""
    del part["Content-Transfer-Encoding"]
    data = part.get_payload(decode=True) or b""
    return from_base64(data) if _BASE64_LINE.match(data.lstrip()) else data


def _charset(part):
    with suppress(Exception):
        return charset_of(part)
    return ""


def _is_attachment(part):
    with suppress(Exception):
        return bool(part.get_filename()) or str(part["Content-Disposition"] or "").strip().lower().startswith("attach")
    return False


def _harmless(kind):
    """Return a content type for which Odoo keeps the bytes; Odoo guesses the real type from the content."""
    return kind if _SIMPLE_KIND.fullmatch(kind) else "application/octet-stream"
