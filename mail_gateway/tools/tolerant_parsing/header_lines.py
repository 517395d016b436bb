"""Writes the headers of a message so that Odoo can read them.

Start reading at :func:`readable_headers`.
"""

import re
from contextlib import suppress
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime

from ..headers.addresses import normalize_domain
from ..headers.message_ids import bracketed_ids
from .dates import read_date
from .header_names import (
    ADDRESS_CHARS,
    AUTHORS,
    ID_CHARS,
    MAX_CHARS,
    MAX_RECIPIENTS,
    READ_HEADERS,
    RECIPIENT_CHARS,
    RECIPIENTS,
    REFERENCES_CHARS,
    SUBJECT_BYTES,
)
from .header_values import ADDRESS_PATTERN, addresses_in, both_ends, decoded, encoded, raw_text
from .structure import VALUE_CHARS

_PARSED_RECIPIENTS = MAX_RECIPIENTS // 4
# Characters that folding may add to the recipients.
_FOLDS = RECIPIENT_CHARS // 20
_MAX_REFERENCES = 50
_LINE_CHARS, _WORD_CHARS = 76, 900
_MAX_HEADERS = 200
# Headers about the form of the original, and long headers that the gateway and Odoo do not read.
_LEFT_OUT = re.compile(
    r"content-|mime-version$|received|dkim-|domainkey-|arc-|x-google-|x-gm-|x-ms-|x-microsoft-antispam|x-forefront|"
    r"x-spam-report|authentication-results|bcc$|resent-bcc$|lines$|status$|x-mozilla"
)
_SIMPLE_ID = re.compile(rf"<{ADDRESS_PATTERN}>", re.ASCII)
_HEADER = re.compile(
    rb"^([A-Za-z][A-Za-z-]{0,59}):[^\r\n]*(?:\r\n|\r|\n)(?:[ \t][^\r\n]*(?:\r\n|\r|\n))*", re.MULTILINE
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_NO_WORD = re.compile(r"[^\w.-]+", re.ASCII)


def essential_head(head: bytes) -> bytes:
    """Return the headers that Odoo reads from a header block that is too long."""
    kept, left = [], RECIPIENT_CHARS
    for found in _HEADER.finditer(head):
        name, line = found.group(1).decode(), found.group()
        if name.lower() in RECIPIENTS and len(line) > left:
            value = both_ends(raw_text(line.partition(b":")[2].decode("ascii", "surrogateescape")), left - _FOLDS)
            line = _folded(name, value)
        limit = min(left, MAX_CHARS.get(name.lower(), VALUE_CHARS))
        if (name.lower() in READ_HEADERS or name.lower().startswith("content-")) and len(line) <= limit:
            kept.append(line)
            left -= len(line)
    return b"".join(kept)


def readable_headers(message: Message, text_only: bool) -> list[bytes]:
    """Return the header lines for the replacement of a message, without MIME headers.

    :param text_only: whether to keep only the headers that routing and the rules need
    """
    values = {}
    for name, value in message.raw_items():
        values.setdefault(name.lower(), []).append(value)
    lines = _recipient_lines(values)
    names = sorted(filter(lambda name: _is_kept(name, text_only), values), key=lambda name: name not in READ_HEADERS)
    for name in names[:_MAX_HEADERS]:
        lines += _lines(name, values[name][:5])
    return [line for line in lines if line]


def readable_fields(block: Message) -> list[bytes]:
    """Return the header lines of one block of a delivery report."""
    items = [(name.lower(), value) for name, value in block.raw_items() if _NAME.fullmatch(name)]
    return [line for name, value in items[:_MAX_HEADERS] for line in _lines(name, [value]) if line]


def _lines(name, values):
    """Return the header lines of one name: a single line for headers that may occur only once."""
    if name in AUTHORS or name in RECIPIENTS:
        pairs = [pair for value in values for pair in addresses_in(value)]
        return [_addresses_line(name, pairs[:20], values[0])]
    if writer := _WRITERS.get(name):
        return [writer(name, values[0])]
    return [_text_line(name, decoded(value)) for value in values]


def _is_kept(name, text_only):
    if name in RECIPIENTS or name == "delivered-to" or not _NAME.fullmatch(name) or _LEFT_OUT.match(name):
        return False
    return not text_only or name in READ_HEADERS or name.startswith(("list-", "x-auto", "x-odoo", "x-loop"))


def _recipient_lines(values):
    """Return lines with all recipients; those beyond the parser's limit go to Delivered-To, which Odoo does not parse."""
    lines = []
    beyond = [address for value in values.get("delivered-to", ()) for _name, address in addresses_in(value)]
    for name in ("to", "cc", "resent-to", "resent-cc"):
        if name in values:
            pairs = [pair for value in values[name][:1000] for pair in addresses_in(value)]
            lines.append(_addresses_line(name, pairs[:_PARSED_RECIPIENTS], values[name][0]))
            beyond += [address for _name, address in pairs[_PARSED_RECIPIENTS:]]
    text = both_ends(", ".join(dict.fromkeys(map(_written_address, beyond))), RECIPIENT_CHARS - _FOLDS)
    return [*lines, _folded("delivered-to", text)] if text else lines


def _addresses_line(name, pairs, otherwise):
    """Return a header of addresses; its text when it contains no address."""
    written = []
    for shown, address in dict.fromkeys(pairs):
        words = f"{encoded(shown[:200])} " if shown else ""
        written.append(f"{words}<{_written_address(address)}>")
    return _line(name, ",\r\n ".join(written) or _NO_WORD.sub(" ", decoded(otherwise))[:200].strip())


def _written_address(address):
    local, _at, domain = address.rpartition("@")
    return f"{local}@{normalize_domain(domain) or domain}"[:ADDRESS_CHARS]


def _id_line(name, value):
    """Write a Message-Id unchanged; as an encoded word if Python's parser might otherwise fail on it."""
    text = decoded(value)[:ID_CHARS]
    return _line(name, text if _SIMPLE_ID.fullmatch(text) else encoded(text))


def _references_line(name, value):
    ends = value if len(value) <= REFERENCES_CHARS else f"{value[:VALUE_CHARS]} {value[-VALUE_CHARS:]}"
    ids = [found for found in bracketed_ids(raw_text(ends)) if len(found) <= ID_CHARS + 2]
    text = " ".join(ids[:1] + ids[1:][-_MAX_REFERENCES:]) or decoded(value)[:ID_CHARS]
    return _folded(name, text) if text.isascii() and "=?" not in text else _line(name, encoded(text))


def _date_line(name, value):
    """Write a date in its own zone if that follows the standard, else in UTC; no line when it is unreadable."""
    text = raw_text(value[:200])
    date = read_date(text)
    if not date:
        return b""
    with suppress(Exception):
        written = parsedate_to_datetime(text)
        date = written if written.utcoffset() is not None and written == date else date
    return _line(name, format_datetime(date))


def _subject_line(name, value):
    text = decoded(value).encode()[: SUBJECT_BYTES // 2].decode("utf-8", "ignore")
    return _text_line(name, text)


_WRITERS = {
    "message-id": _id_line,
    "in-reply-to": _references_line,
    "references": _references_line,
    "date": _date_line,
    "subject": _subject_line,
}


def _text_line(name, text):
    text = text[:1000]
    plain = text.isascii() and "=?" not in text
    return _folded(name, text) if plain else _line(name, encoded(text))


def _folded(name, text):
    """Return a line that is folded at spaces (RFC 5322, section 2.2.3); words that are too long are cut."""
    lines, line = [], ""
    for word in (word[:_WORD_CHARS] for word in text.split(" ")):
        if line and len(line) + len(word) > _LINE_CHARS:
            lines.append(line)
            line = ""
        line += f" {word}" if line else word
    return _line(name, "\r\n ".join((*lines, line)))


def _line(name, value):
    shown = "-".join(word.capitalize() for word in name.split("-"))
    return f"{shown}: {value}\r\n".encode()
