"""Shows a raw message as plain text. It runs no scripts, loads no resources, and takes bounded time."""

import email
import re
from contextlib import suppress
from email.message import Message
from html.parser import HTMLParser

from .headers.message_head import ReadingPolicy
from .headers.stored_headers import decode_words
from .text.charsets import read
from .text.database_text import as_text

SOURCE_BYTES = 512 * 1024
# The parser compares each line with the boundaries of all parts around it.
SOURCE_LINES = 20_000
TEXT_CHARS = 20_000
# Bytes of a text: the time of some codecs grows with the square of the length.
CONTENT_BYTES = 5 * TEXT_CHARS
MAX_PARTS = 100
SHOWN_HEADERS = ("From", "To", "Cc", "Date", "Subject", "Message-Id", "In-Reply-To", "Auto-Submitted")
# A character reference with a long number; Python refuses numbers of more than 4,300 digits.
_NO_NUMBER = re.compile(r"&#\d{20,};?")
_BREAKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table"}
# without `head`, whose end tag may be left out
_HIDDEN = {"style", "script", "title", "template"}


def preview(source: bytes) -> str:
    """Return the main headers, the readable text and the names of the attachments.

    :param source: any bytes
    :return: plain text of at most some TEXT_CHARS characters
    """
    with suppress(Exception):
        lines = source[:SOURCE_BYTES].splitlines(keepends=True)[:SOURCE_LINES]
        message = email.message_from_bytes(b"".join(lines), policy=ReadingPolicy())
        return as_text("\n\n".join(filter(None, (_headers(message), _body(message), _attachments(message)))))
    return _decoded(source[:TEXT_CHARS], "utf-8")


def _headers(message: Message) -> str:
    return "\n".join(f"{name}: {decode_words(message[name])[:500]}" for name in SHOWN_HEADERS if message[name])


def _body(message: Message) -> str:
    """Return the first plain text, else the first HTML without all markup."""
    texts = {}
    for part in _parts(message):
        if not part.get_filename():
            texts.setdefault(part.get_content_type(), part)
    if "text/plain" in texts:
        return _content(texts["text/plain"])[:TEXT_CHARS]
    if "text/html" in texts:
        return without_markup(_content(texts["text/html"]))[:TEXT_CHARS]
    return ""


def _attachments(message: Message) -> str:
    return "\n".join(f"[{decode_words(part.get_filename())[:200]}]" for part in _parts(message) if part.get_filename())


def _parts(message: Message) -> list[Message]:
    found = []
    with suppress(RecursionError):
        for part in message.walk():
            if not part.is_multipart():
                found.append(part)
            if len(found) >= MAX_PARTS:
                break
    return found


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True) or b""
    return _decoded(payload[:CONTENT_BYTES], part.get_content_charset() or "utf-8")


def _decoded(data: bytes, charset: str) -> str:
    """Decode `data` by the charset that a message names, or by the likeliest one when the name is meaningless."""
    return as_text(read(data, charset).text)


class _TextOnly(HTMLParser):
    """Collects the visible text of HTML."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.pieces = []
        self._hidden = 0

    def handle_starttag(self, tag, _attrs):
        """Extends HTMLParser: begins a line for a block, and records the beginning of a hidden element."""
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag):
        """Extends HTMLParser: records the end of a hidden element."""
        self._hidden = max(self._hidden - (tag in _HIDDEN), 0)

    def handle_data(self, data):
        """Extends HTMLParser: collects text."""
        if not self._hidden:
            self.pieces.append(data)


def without_markup(html: str) -> str:
    """Return the text of HTML, line by line.

    :param html: HTML of bounded length, since for some HTML the time grows with the square of the length
    """
    reader = _TextOnly()
    reader.feed(f"{_NO_NUMBER.sub('', html)}\n")  # the parser may hold back the last words until a line break comes
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)
