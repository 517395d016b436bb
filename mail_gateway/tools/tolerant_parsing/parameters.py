"""Reads parameters of Content-Type and Content-Disposition in all usual forms: RFC 2231, encoded words, raw bytes."""

import re
from contextlib import suppress
from email.message import Message
from urllib.parse import unquote_to_bytes

from ..text.charsets import to_text
from ..text.encoded_words import decode_words

_PARAMETER = re.compile(r'(?:^|;)\s*([^\s=;"]+?)(\*\d{1,3})?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
# The time of Python's parser grows with the square of the length. Programs do not write longer values.
_VALUE_CHARS = 8000


def file_name(part: Message) -> str:
    """Return the file name of a part, '' when it has none. Content-Disposition takes precedence over Content-Type."""
    for header, name in (("content-disposition", "filename"), ("content-type", "name")):
        if found := parameter(raw_header(part, header), name):
            return found
    return ""


def charset_of(part: Message) -> str:
    """Return the charset that a part names, '' when it names none."""
    return parameter(raw_header(part, "content-type"), "charset")


def raw_header(part: Message, name: str) -> str:
    """Return the first header of a name as it stands in the message, '' when there is none."""
    return next((str(value) for key, value in part.raw_items() if key.lower() == name), "")


def parameter(value: str, name: str) -> str:
    """Return a parameter of a header as text on one line, '' when it is missing.

    :param value: as it stands in the message
    :param name: in lower case
    """
    pieces = {}
    for key, section, is_extended, text in _PARAMETER.findall(value[:_VALUE_CHARS]):
        if key.lower() == name:
            pieces.setdefault((int(section[1:]) if section else -1, bool(is_extended)), _unquoted(text))
    if (-1, True) in pieces:
        return _extended([("*", pieces[-1, True])])
    if sections := sorted(key for key in pieces if key[0] >= 0):
        parts = [("*" if is_extended else "", pieces[number, is_extended]) for number, is_extended in sections]
        if any(mark for mark, _text in parts):
            return _extended(parts)
        return decode_words("".join(text for _mark, text in parts))
    return decode_words(pieces.get((-1, False), ""))


def _unquoted(text):
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace("\\\\", "\\").replace('\\"', '"')
    return text.strip('"')


def _extended(parts):
    """Decode RFC 2231: the charset stands before the first part, and percent signs encode bytes in marked parts."""
    charset, text = "", parts[0][1]
    if text.count("'") > 1:
        charset, _language, text = text.split("'", 2)
    parts = [(parts[0][0], text), *parts[1:]]
    data = b""
    for mark, piece in parts:
        with suppress(UnicodeEncodeError):
            raw = piece.encode("utf-8", "surrogateescape")
            data += unquote_to_bytes(raw) if mark else raw
    return " ".join(to_text(data, charset).split())
