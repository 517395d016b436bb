"""Encoded words (RFC 2047) in headers, in linear time and as mail programs write them rather than as they should."""

import re
from base64 import b64decode
from binascii import a2b_qp
from collections.abc import Iterator
from typing import NamedTuple

from .reading_charsets import Reading, cleaned, read, trusted

_BEGINS = re.compile(r"=\?([^?\s*]{1,80})(?:\*[^?\s]{0,40})?\?([bBqQ])\?")
_NO_DIGITS = re.compile(r"[^A-Za-z0-9+/]")


class Word(NamedTuple):
    """:ivar data: the bytes that the word encodes"""

    charset: str
    is_base64: bool
    encoded: str

    @property
    def data(self) -> bytes:
        """:raises ValueError: when it is no base64"""
        return _from_base64(self.encoded) if self.is_base64 else a2b_qp(_bytes(self.encoded), header=True)


class Run(NamedTuple):
    """Encoded words that nothing but blanks divides, or text without any.

    :ivar source: as it stands in the header
    :ivar words: empty for other text
    """

    source: str
    words: tuple[Word, ...] = ()

    def read(self) -> Reading:
        """As text. Words of one charset are joined first: programs cut within characters, which RFC 2047 forbids."""
        if not self.words:
            return read(_bytes(self.source))
        try:
            readings = [read(data, charset) for charset, data in _joined(self.words)]
        except ValueError:
            return Reading(self.source, is_certain=False)
        return Reading("".join(r.text for r in readings), all(r.is_certain for r in readings))


def runs(value: str) -> Iterator[Run]:
    """The value of a header, piece by piece; all `source` together are the value.

    :param value: as it stands in the message: bytes beyond ASCII are surrogates (PEP 383) or were decoded as UTF-8
    """
    words, begin, end = [], 0, 0  # of the current run
    while found := _BEGINS.search(value, end):
        closing = value.find("?=", found.end())
        if closing < 0:
            break
        between = value[end : found.start()]
        if words and between.strip():
            yield Run(value[begin:end], tuple(words))
            words, begin = [], end
        if not words and found.start() > begin:
            yield Run(value[begin : found.start()])
        begin = begin if words else found.start()
        words.append(Word(found.group(1), found.group(2) in "bB", value[found.end() : closing]))
        end = closing + 2
    if words:
        yield Run(value[begin:end], tuple(words))
    if end < len(value):
        yield Run(value[end:])


def read_words(value: str) -> Reading:
    """The value of a header as text on one line.

    :param value: as for :func:`runs`
    """
    readings = [run.read() for run in runs(value)]
    text = " ".join(cleaned("".join(reading.text for reading in readings)).split())
    return Reading(text, all(reading.is_certain for reading in readings))


def decode_words(value: str) -> str:
    """The value of a header as text on one line; never raises.

    :param value: as for :func:`runs`
    """
    return read_words(value).text


def _joined(words):
    """(charset, bytes) of neighbours in one charset together."""
    groups = []
    for word in words:
        codec = trusted(word.charset) or word.charset.lower()
        if not groups or groups[-1][0] != codec:
            groups.append((codec, word.charset, []))
        groups[-1][2].append(word)
    return [(charset, _data(neighbours)) for _codec, charset, neighbours in groups]


def _data(words):
    """The bytes of words; base64 that was cut into words at any digit is joined first."""
    if all(word.is_base64 and "=" not in word.encoded for word in words[:-1]) and words[-1].is_base64:
        digits = "".join(word.encoded for word in words)
        if len(digits) % 4 == 0:
            return _from_base64(digits)
    return b"".join(word.data for word in words)


def _from_base64(digits):
    digits = _NO_DIGITS.sub("", digits)
    if len(digits) % 4 == 1:
        raise ValueError("a digit alone is no byte")
    return b64decode(digits + "=" * (-len(digits) % 4))


def _bytes(text):
    """What stood in the message; other surrogates than those of PEP 383 are no characters."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
