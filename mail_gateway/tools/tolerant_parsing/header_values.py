"""Reads header values that may be malformed, and encodes text for header values."""

from base64 import b64encode
from contextlib import suppress

from ..headers.address_list import read_addresses
from ..text.charsets import cleaned, to_text
from ..text.encoded_words import decode_words
from .header_names import RECIPIENT_CHARS
from .structure import VALUE_CHARS

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
# An address of the simplest form, which Python's parser reads without an exception.
ADDRESS_PATTERN = rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*"
# Bytes in an encoded word, which has 75 characters at most (RFC 2047).
_ENCODED_BYTES = 42


def raw_text(value: str) -> str:
    """Return the raw value of a header on one line; bytes beyond ASCII are read as UTF-8, or in the likeliest charset."""
    return " ".join(cleaned(to_text(value.encode("utf-8", "surrogateescape"))).split()).replace("\ufffd", "?")


def decoded(value: str) -> str:
    """Return the value of a header as text, with encoded words (RFC 2047) decoded if possible."""
    with suppress(Exception):
        return decode_words(value[:VALUE_CHARS]).replace("\ufffd", "?")
    return raw_text(value[:VALUE_CHARS])


def addresses_in(value: str) -> list[tuple[str, str]]:
    """Return (display name, address) of each address in a value; see :mod:`..headers.address_list`."""
    return [tuple(found) for found in read_addresses(raw_text(both_ends(value, RECIPIENT_CHARS)))]


def both_ends(text: str, most: int) -> str:
    """Return a comma separated list; only its beginning and its end when it is longer than `most` characters."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2].rpartition(',')[0]}, {text[-most // 2 :].partition(',')[2].strip()}"


def encoded(text: str) -> str:
    """Return a text as encoded words (RFC 2047) of 75 characters at most, folded."""
    words, word = [], b""
    for character in text:
        more = character.encode("utf-8", "replace")
        if len(word) + len(more) > _ENCODED_BYTES:
            words.append(word)
            word = b""
        word += more
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in (*words, word) if word)
