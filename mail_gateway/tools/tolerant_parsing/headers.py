"""The headers that Odoo reads: which of them it can read, and how they are written so that it can."""

import re
from base64 import b64encode
from contextlib import suppress
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime

from ..headers.address_list import read_addresses
from ..headers.addresses import normalize_domain
from ..headers.message_ids import bracketed_ids
from ..text.charsets import CONTROLS, cleaned, to_text
from ..text.encoded_words import decode_words, read_words
from .dates import read_date
from .defects import Defect
from .structure import VALUE_CHARS

# Each one costs Odoo 0.4 ms: it parses To five times.
MAX_RECIPIENTS = 2000
_PARSED_RECIPIENTS = MAX_RECIPIENTS // 4
# More of them are written where Odoo reads addresses without parsing them (Delivered-To), up to this length.
RECIPIENT_CHARS = 150_000
# An entry of a PostgreSQL index holds 2704 bytes: names of records, addresses and Message-Ids are indexed.
SUBJECT_BYTES = 2000
ADDRESS_CHARS = 320
ID_CHARS = 500
REFERENCES_CHARS = 20_000
_FOLDS = RECIPIENT_CHARS // 20
_MAX_REFERENCES = 50
_LINE_CHARS, _WORD_CHARS = 76, 900
_MAX_HEADERS = 200
# Writing a header of raw bytes, as Odoo does for attached messages, takes 3 s for 60,000 of them.
_RAW_CHARS = 20_000
_FOLDED_CHARS = 16_000

AUTHORS = ("from", "sender", "reply-to", "resent-from", "resent-sender", "disposition-notification-to")
RECIPIENTS = ("to", "cc", "resent-to", "resent-cc", "bcc", "resent-bcc")
TRANSPORT = ("delivered-to", "x-original-to", "return-path")
IDS = ("message-id", "in-reply-to", "references", "x-microsoft-original-message-id", "x-odoo-message-id")
_OF_ADDRESSES = (*AUTHORS, *RECIPIENTS, *TRANSPORT)
_PARSED = {*AUTHORS, *RECIPIENTS, "date", "resent-date", "orig-date", "message-id", "mime-version"}
READ_HEADERS = {
    *_PARSED,
    *TRANSPORT,
    *IDS,
    "subject",
    "auto-submitted",
    "precedence",
    "final-recipient",
    "original-recipient",
}
READ_HEADERS |= {
    "action",
    "status",
    "diagnostic-code",
    "x-failed-recipients",
    "x-autoreply",
    "x-auto-response-suppress",
}
_LIMITS = {"references": REFERENCES_CHARS, "delivered-to": RECIPIENT_CHARS}
_LIMITS |= dict.fromkeys(RECIPIENTS, RECIPIENT_CHARS)
# what speaks of the form of the original, or is long and of no use here
_LEFT_OUT = re.compile(
    r"content-|mime-version$|received|dkim-|domainkey-|arc-|x-google-|x-gm-|x-ms-|x-microsoft-antispam|x-forefront|"
    r"x-spam-report|authentication-results|bcc$|resent-bcc$|lines$|status$|x-mozilla"
)

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*"
_WORD = r'[^\s"<>,;:()\\\[\]@]+'
_MAILBOX = rf'(?:(?:"[^"\\]*" |(?:{_WORD} )+)?<{_ADDRESS}>|{_ADDRESS})'
# What nearly all messages have: Python's parser takes them in time by the length, and without exception.
_SIMPLE_ADDRESSES = re.compile(rf"{_MAILBOX}(?:, ?{_MAILBOX})*,?", re.ASCII)
_SIMPLE_ID = re.compile(rf"<{_ADDRESS}>", re.ASCII)
_HEADER = re.compile(
    rb"^([A-Za-z][A-Za-z-]{0,59}):[^\r\n]*(?:\r\n|\r|\n)(?:[ \t][^\r\n]*(?:\r\n|\r|\n))*", re.MULTILINE
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
# encoded words have 75 characters at most (RFC 2047)
_ENCODED_BYTES = 42
_NO_WORD = re.compile(r"[^\w.-]+", re.ASCII)
# Others it parses in time by the square of the length: 4,000 quotes take 0.6 s.
TRICKY_CHARS = 4000
# Python and Odoo read comments within comments by recursion.
_MAX_COMMENTS = 30


# ---------------------------------------------------------------------- checking


def header_defects(message: Message, nested: bool = False) -> set[Defect]:
    """What keeps Odoo from reading the headers of a message, those that it reads.

    :param message: parsed by structure.parse
    :param nested: for an attached message, all headers of which are written again
    """
    defects = set()
    recipients = raw = 0
    headers = [(name.lower(), value) for name, value in message.raw_items()]
    tricky = sum(len(value) for name, value in headers if name in _OF_ADDRESSES and not _is_simple(value))
    for name, value in headers:
        recipients += value.count("@") if name in RECIPIENTS else 0
        raw += 0 if value.isascii() else len(value)
        # beyond that it is not even tried: all of it together counts, and one header may cost minutes
        if name in READ_HEADERS and not (name in _OF_ADDRESSES and tricky > TRICKY_CHARS):
            defects |= _value_defects(message.policy, name, value)
        if nested and len(value) > _FOLDED_CHARS:
            defects.add(Defect.HEAD_SIZE)
    if recipients > MAX_RECIPIENTS:
        defects.add(Defect.RECIPIENTS)
    if tricky > TRICKY_CHARS:
        defects.add(Defect.HEADERS)
    if nested and raw > _RAW_CHARS:
        defects.add(Defect.HEAD_SIZE)
    return defects


def _value_defects(policy, name, value):
    if len(value) > _LIMITS.get(name, VALUE_CHARS):
        return {Defect.RECIPIENTS if name in RECIPIENTS else Defect.HEAD_SIZE}
    is_plain = value.isascii() and "=?" not in value and "((" not in value and not CONTROLS.search(_line_of(value))
    if is_plain and (name not in _PARSED or (name in _OF_ADDRESSES and _is_simple(value))):
        return set()
    if name in _OF_ADDRESSES and value.count("(") > _MAX_COMMENTS:
        return {Defect.HEADERS}
    text = str(policy.header_fetch_parse(name, value))  # notes what it can't parse
    if (
        CONTROLS.search(text)
        or ("\ufffd" in text and not _is_meant(value))
        or len(text.encode("utf-8", "replace")) > _most_bytes(name)
    ):
        return {Defect.HEADERS}
    return set()


def _is_meant(value):
    """Whether marks for ill-formed bytes in a value stand for some only: the others are what they say."""
    return read_words(value[:VALUE_CHARS]).is_certain


def _line_of(value):
    return " ".join(value.split())


def _is_simple(value):
    return bool(_SIMPLE_ADDRESSES.fullmatch(_line_of(value)))


def _most_bytes(name):
    """The database has an index on some."""
    if name == "message-id":
        return 4 * ID_CHARS
    return SUBJECT_BYTES if name in ("subject", *AUTHORS) else RECIPIENT_CHARS


# ---------------------------------------------------------------------- reading what is broken


def raw_text(value: str) -> str:
    """The raw value of a header on one line: bytes beyond ASCII are UTF-8 or what else they look like."""
    return " ".join(cleaned(to_text(value.encode("utf-8", "surrogateescape"))).split()).replace("\ufffd", "?")


def decoded(value: str) -> str:
    """The value of a header as text: encoded words (RFC 2047) of trusted charsets, else what they look like."""
    with suppress(Exception):
        return decode_words(value[:VALUE_CHARS]).replace("\ufffd", "?")
    return raw_text(value[:VALUE_CHARS])


def addresses_in(value: str) -> list[tuple[str, str]]:
    """(display name, address) of each mailbox, see :mod:`.mailboxes`."""
    return [tuple(mailbox) for mailbox in read_addresses(raw_text(_both_ends(value, RECIPIENT_CHARS)))]


# ---------------------------------------------------------------------- writing what can be read


def essential_head(head: bytes) -> bytes:
    """Of a header block beyond all measure, the headers that matter."""
    kept, left = [], RECIPIENT_CHARS
    for found in _HEADER.finditer(head):
        name, line = found.group(1).decode(), found.group()
        if name.lower() in RECIPIENTS and len(line) > left:
            value = _both_ends(raw_text(line.partition(b":")[2].decode("ascii", "surrogateescape")), left - _FOLDS)
            line = _folded(name, value)
        limit = min(left, _LIMITS.get(name.lower(), VALUE_CHARS))
        if (name.lower() in READ_HEADERS or name.lower().startswith("content-")) and len(line) <= limit:
            kept.append(line)
            left -= len(line)
    return b"".join(kept)


def readable_headers(message: Message, text_only: bool) -> list[bytes]:
    """The header lines that a substitute for a message begins with, without those of MIME.

    :param text_only: only what routing and the rules need
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
    """The lines of one of the blocks of headers that a delivery report consists of."""
    items = [(name.lower(), value) for name, value in block.raw_items() if _NAME.fullmatch(name)]
    return [line for name, value in items[:_MAX_HEADERS] for line in _lines(name, [value]) if line]


def _lines(name, values):
    """The header lines of one name: those that may occur once only, and all others."""
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
    """All recipients; those that would be too many to be parsed stand where they are not."""
    lines = []
    beyond = [address for value in values.get("delivered-to", ()) for _name, address in addresses_in(value)]
    for name in ("to", "cc", "resent-to", "resent-cc"):
        if name in values:
            pairs = [pair for value in values[name][:1000] for pair in addresses_in(value)]
            lines.append(_addresses_line(name, pairs[:_PARSED_RECIPIENTS], values[name][0]))
            beyond += [address for _name, address in pairs[_PARSED_RECIPIENTS:]]
    text = _both_ends(", ".join(dict.fromkeys(map(_written_address, beyond))), RECIPIENT_CHARS - _FOLDS)
    return [*lines, _folded("delivered-to", text)] if text else lines


def _both_ends(text, most):
    """What a list begins and ends with, when it is too long."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2].rpartition(',')[0]}, {text[-most // 2 :].partition(',')[2].strip()}"


def _addresses_line(name, pairs, otherwise):
    """A header of addresses; of what is none, the text."""
    mailboxes = []
    for shown, address in dict.fromkeys(pairs):
        words = f"{encoded(shown[:200])} " if shown else ""
        mailboxes.append(f"{words}<{_written_address(address)}>")
    return _line(name, ",\r\n ".join(mailboxes) or _NO_WORD.sub(" ", decoded(otherwise))[:200].strip())


def _written_address(address):
    local, _at, domain = address.rpartition("@")
    return f"{local}@{normalize_domain(domain) or domain}"[:ADDRESS_CHARS]


def _id_line(name, value):
    """A Message-Id as it is: Python's parser fails on some, but not on the same one as an encoded word."""
    text = decoded(value)[:ID_CHARS]
    return _line(name, text if _SIMPLE_ID.fullmatch(text) else encoded(text))


def _references_line(name, value):
    ends = value if len(value) <= REFERENCES_CHARS else f"{value[:VALUE_CHARS]} {value[-VALUE_CHARS:]}"
    ids = [found for found in bracketed_ids(raw_text(ends)) if len(found) <= ID_CHARS + 2]
    text = " ".join(ids[:1] + ids[1:][-_MAX_REFERENCES:]) or decoded(value)[:ID_CHARS]
    return _folded(name, text) if text.isascii() and "=?" not in text else _line(name, encoded(text))


def _date_line(name, value):
    """A date in its own zone where that is written by the standard, else in UTC; nothing for one that is none."""
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


def encoded(text: str) -> str:
    """Encoded words (RFC 2047) of 75 characters at most."""
    words, word = [], b""
    for character in text:
        more = character.encode("utf-8", "replace")
        if len(word) + len(more) > _ENCODED_BYTES:
            words.append(word)
            word = b""
        word += more
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in (*words, word) if word)


def _folded(name, text):
    """Folded at spaces, RFC 5322 section 2.2.3; what has none is cut."""
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
