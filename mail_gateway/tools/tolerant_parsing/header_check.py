"""Finds headers that Odoo can't read, or that take too much time to read."""

import re
from email.message import Message

from ..text.charsets import CONTROLS
from ..text.encoded_words import read_words
from .defects import Defect
from .header_names import (
    AUTHORS,
    ID_CHARS,
    MAX_CHARS,
    MAX_RECIPIENTS,
    PARSED,
    READ_HEADERS,
    RECIPIENT_CHARS,
    RECIPIENTS,
    SUBJECT_BYTES,
    WITH_ADDRESSES,
)
from .header_values import ADDRESS_PATTERN
from .structure import VALUE_CHARS

# Writing a header of raw bytes, as Odoo does for attached messages, takes 3 s for 60,000 bytes.
_RAW_CHARS = 20_000
_FOLDED_CHARS = 16_000
_WORD = r'[^\s"<>,;:()\\\[\]@]+'
_NAMED_ADDRESS = rf'(?:(?:"[^"\\]*" |(?:{_WORD} )+)?<{ADDRESS_PATTERN}>|{ADDRESS_PATTERN})'
# The addresses of nearly all messages: Python's parser reads them in linear time, and without an exception.
_SIMPLE_ADDRESSES = re.compile(rf"{_NAMED_ADDRESS}(?:, ?{_NAMED_ADDRESS})*,?", re.ASCII)
# Characters of other addresses, for which the time of the parser grows with the square of the length: 4,000 quotes take
# 0.6 s.
TRICKY_CHARS = 4000
# Python and Odoo read nested comments by recursion.
_MAX_COMMENTS = 30


def header_defects(message: Message, nested: bool = False) -> set[Defect]:
    """Return the defects of the headers that Odoo reads.

    :param message: parsed by :func:`.structure.parse`
    :param nested: whether it is an attached message, since Odoo writes all of its headers again
    """
    defects = set()
    recipients = raw = 0
    headers = [(name.lower(), value) for name, value in message.raw_items()]
    tricky = sum(len(value) for name, value in headers if name in WITH_ADDRESSES and not _is_simple(value))
    for name, value in headers:
        recipients += value.count("@") if name in RECIPIENTS else 0
        raw += 0 if value.isascii() else len(value)
        # tricky headers are not tried: one of them may take minutes
        if name in READ_HEADERS and not (name in WITH_ADDRESSES and tricky > TRICKY_CHARS):
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
    if len(value) > MAX_CHARS.get(name, VALUE_CHARS):
        return {Defect.RECIPIENTS if name in RECIPIENTS else Defect.HEAD_SIZE}
    is_plain = value.isascii() and "=?" not in value and "((" not in value and not CONTROLS.search(_line_of(value))
    if is_plain and (name not in PARSED or (name in WITH_ADDRESSES and _is_simple(value))):
        return set()
    if name in WITH_ADDRESSES and value.count("(") > _MAX_COMMENTS:
        return {Defect.HEADERS}
    text = str(policy.header_fetch_parse(name, value))  # the policy records the defects of headers that it can't parse
    if (
        CONTROLS.search(text)
        or ("\ufffd" in text and not _is_meant(value))
        or len(text.encode("utf-8", "replace")) > _most_bytes(name)
    ):
        return {Defect.HEADERS}
    return set()


def _is_meant(value):
    """Whether each U+FFFD in a value was written as such, or stands for one of few ill-formed bytes."""
    return read_words(value[:VALUE_CHARS]).is_certain


def _line_of(value):
    return " ".join(value.split())


def _is_simple(value):
    return bool(_SIMPLE_ADDRESSES.fullmatch(_line_of(value)))


def _most_bytes(name):
    """Return the limit of a header in bytes; some headers are indexed in the database."""
    if name == "message-id":
        return 4 * ID_CHARS
    return SUBJECT_BYTES if name in ("subject", *AUTHORS) else RECIPIENT_CHARS
