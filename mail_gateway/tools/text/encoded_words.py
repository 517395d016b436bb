"""Decodes encoded words (RFC 2047) in headers as mail programs write them, in linear time.

Start reading at :func:`read_words`; :func:`hide_words` protects readers of addresses from the content of encoded words.
"""

import re
from base64 import b64decode
from binascii import a2b_qp
from collections.abc import Iterator
from typing import NamedTuple

from .charset_names import trusted
from .charsets import DecodedText, cleaned, read

_BEGINS = re.compile(r"=\?([^?\s*]{1,80})(?:\*[^?\s]{0,40})?\?([bBqQ])\?")
_NO_DIGITS = re.compile(r"[^A-Za-z0-9+/]")
# The charset may be meaningless: a text that another reader takes for a word must not yield an address here.
_OPENS = re.compile(r"=\?([^?]{0,200})\?[bBqQ]\?")
_SEPARATES = re.compile(r"[,;:]")
_ENCLOSES = re.compile(r'[<>()"\\]')
_UP_TO_BLANK = re.compile(r"\S*")
# By RFC 2047, section 5, a word begins after one of these characters, and its charset contains none of them.
_DELIMITERS = frozenset(' \t\r\n"<>(),;:')
# Noncharacters (Unicode), which no text contains.
MARKS = "\ufdd0\ufdd1"
_MARK = re.compile("\ufdd0(\\d+)\ufdd1")
_MARKS = re.compile(f"[{MARKS}]")


class Word(NamedTuple):
    """One encoded word: ``=?charset?b?encoded?=``."""

    charset: str
    is_base64: bool
    encoded: str

    @property
    def data(self) -> bytes:
        """The bytes that the word encodes.

        :raises ValueError: when they can't be decoded from base64
        """
        return _from_base64(self.encoded) if self.is_base64 else a2b_qp(_bytes(self.encoded), header=True)


class Run(NamedTuple):
    """Encoded words with only blanks between them, or text without encoded words.

    :ivar source: as it stands in the header
    :ivar words: empty for other text
    """

    source: str
    words: tuple[Word, ...] = ()

    def read(self) -> DecodedText:
        """Return the run as text. Words in one charset are joined first, since some programs divide characters."""
        if not self.words:
            return read(_bytes(self.source))
        try:
            readings = [read(data, charset) for charset, data in _joined(self.words)]
        except ValueError:
            return DecodedText(self.source, is_certain=False)
        return DecodedText("".join(r.text for r in readings), all(r.is_certain for r in readings))


def runs(value: str) -> Iterator[Run]:
    """Divide the value of a header into runs, whose sources together are the value.

    :param value: as it stands in the message: with bytes beyond ASCII as surrogates (PEP 383), or decoded as UTF-8
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


class Hidden(NamedTuple):
    """The value of a header with a mark instead of each encoded word, so that no character in a word divides the value.

    :ivar words: as they stand in the header, in the order of the numbers in their marks
    :ivar is_cut: whether the text ends early, since readers differ about where a word ends
    """

    text: str
    words: tuple[str, ...] = ()
    is_cut: bool = False

    def shown(self, text: str) -> str:
        """Return a part of the text with the words instead of their marks."""
        return _MARK.sub(lambda mark: self.words[int(mark.group(1))], text) if self.words else text


def hide_words(value: str, is_cut: bool = False) -> Hidden:
    """Take encoded words out of the value of a header, before it is divided (RFC 2047, section 6.2).

    A word ends with the first ``?=``, whatever stands before it, as for :func:`runs`: programs leave blanks, separators,
    brackets and quotes in words, even within quoted strings and comments, and write words of any length. Readers differ
    about a word that begins within an atom or another word, or never ends. Where one reader could find an address that
    others do not find, the text is cut.

    :param value: as for :func:`runs`
    :param is_cut: whether the value itself was cut, so that a word may be incomplete
    """
    value = _MARKS.sub("\ufffd", value)
    pieces, words, end = [], [], 0
    for begin, after in _extents(value):
        if after is None:
            return Hidden("".join((*pieces, value[end:begin])), tuple(words), True)
        pieces += (value[end:begin], f"{MARKS[0]}{len(words)}{MARKS[1]}")
        words.append(value[begin:after])
        end = after
    rest = _open_ended(value[end:], is_cut)
    return Hidden("".join((*pieces, rest.text)), tuple(words), rest.is_cut)


def _extents(value):
    """Yield (begin, end) of each complete word, up to the first word about which readers differ, whose end is None."""
    opening, end, closing = _OPENS.search(value), 0, 0
    while opening:
        closing = closing if closing >= opening.end() else value.find("?=", opening.end())
        if closing < 0:
            return
        inner = _OPENS.search(value, opening.end(), closing + 1)
        if _is_doubtful(value, opening, inner, closing, end):
            yield opening.start(), None
            return
        if not inner:
            end = closing + 2
            yield opening.start(), end
        opening = inner or _OPENS.search(value, end)


def _is_doubtful(value, opening, inner, closing, end):
    """Whether another reader may find an address in a word, or overlook one after it.

    :param inner: another word that begins in the word
    :param closing: the place where the word ends
    :param end: the end of the word before it
    """
    begin = opening.start()
    if inner:
        text = value[begin : inner.start()]
        return "@" in text or bool(_ENCLOSES.search(text))
    if _OPENS.match(value, closing + 1):  # two words share a sign, so only one of them can be a word
        return True
    is_glued = begin > end and value[begin - 1] not in _DELIMITERS
    if not is_glued and _DELIMITERS.isdisjoint(opening.group(1)):
        return False
    text = value[begin:closing]
    return bool(_ENCLOSES.search(text)) or _may_hold_address(text)


def _open_ended(text, is_cut):
    """Read text with words that never end. They are not words, but their content up to a blank is no address either."""
    opening = _OPENS.search(text)
    while opening:
        run = _UP_TO_BLANK.match(text, opening.end())
        if is_cut or _may_hold_address(text[opening.start() : run.end()]):
            return Hidden(text[: opening.start()], is_cut=True)
        opening = _OPENS.search(text, run.end())
    return Hidden(text, is_cut=is_cut)


def _may_hold_address(text):
    return "@" in text and bool(_ENCLOSES.search(text) or _SEPARATES.search(text))


def read_words(value: str) -> DecodedText:
    """Return the value of a header as text on one line.

    :param value: as for :func:`runs`
    """
    readings = [run.read() for run in runs(value)]
    text = " ".join(cleaned("".join(reading.text for reading in readings)).split())
    return DecodedText(text, all(reading.is_certain for reading in readings))


def decode_words(value: str) -> str:
    """Return the value of a header as text on one line; never raises.

    :param value: as for :func:`runs`
    """
    return read_words(value).text


def _joined(words):
    """Return (charset, bytes) of each group of neighbours in one charset."""
    groups = []
    for word in words:
        codec = trusted(word.charset) or word.charset.lower()
        if not groups or groups[-1][0] != codec:
            groups.append((codec, word.charset, []))
        groups[-1][2].append(word)
    return [(charset, _data(neighbours)) for _codec, charset, neighbours in groups]


def _data(words):
    """Return the bytes of words. Base64 that was divided into words at any digit is joined first."""
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
    """Return the bytes in the message; surrogates other than those of PEP 383 become question marks."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
