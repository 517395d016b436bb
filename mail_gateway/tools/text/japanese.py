"""Decodes ISO-2022-JP and EUC-JP as mail programs write them, with the rows that vendors added.

Python's codecs follow the standards, and fail on ① or ㈱ (NEC row 13) and on half-width katakana. The WHATWG Encoding
Standard, and thus every browser, uses the index of Windows-31J (cp932), for which Python has a codec.
"""

import re
from functools import cache

_ESCAPE = re.compile(rb"\x1b(\([ABHIJ]|\$[@AB]|\$\([@BDOPQ])")
_EUC = re.compile(rb"[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}|[\x80-\xff]")
_EUC_KANJI = re.compile(rb"[\xa1-\xfe]{2}")
_PAIR = re.compile(rb"[\x21-\x7e\xa1-\xfe]{2}|[\x00-\xff]")
_KATAKANA = re.compile(rb"[\x21-\x5f]")
# Shift_JIS has two rows of 94 cells for each lead byte.
_CELLS = 94
_LEAD_BYTES = (*range(0x81, 0xA0), *range(0xE0, 0xF0))
_TRAIL_BYTES = (*range(0x40, 0x7F), *range(0x80, 0xFD))
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))


def is_iso_2022_jp(data: bytes) -> bool:
    """Whether bytes contain an escape of ISO-2022-JP (RFC 1468); no other charset in mail has such escapes."""
    return any(escape in data for escape in (b"\x1b$B", b"\x1b$@", b"\x1b(I"))


def decode_iso_2022_jp(data: bytes) -> str:
    """Decode ISO-2022-JP and its extensions, with U+FFFD for each ill-formed sequence."""
    pieces = _ESCAPE.split(data)
    texts = [_single_bytes(pieces[0])]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        reader = _READERS.get(escape, _single_bytes)
        texts.append(reader(piece))
    return "".join(texts)


def decode_euc_jp(data: bytes) -> str:
    """Decode EUC-JP with the rows of Windows-31J, with U+FFFD for each ill-formed sequence."""
    pieces, end = [], 0
    for found in _EUC.finditer(data):
        pieces += [data[end : found.start()].decode("ascii", "replace"), _euc_character(found.group())]
        end = found.end()
    return "".join((*pieces, data[end:].decode("ascii", "replace")))


@cache
def _euc_character(code):
    if _EUC_KANJI.fullmatch(code):
        return _kanji(*code.translate(_SEVEN_BITS))
    return code.decode("euc_jp", "ignore") or "\ufffd"


@cache
def _kanji(first, second):
    """Return a character of JIS X 0208 or of a vendor's row, by its place in Shift_JIS."""
    row, cell = first - 0x21, second - 0x21
    lead = _LEAD_BYTES[row // 2]
    trail = _TRAIL_BYTES[row % 2 * _CELLS + cell]
    return bytes((lead, trail)).decode("cp932", "ignore") or "\ufffd"


# ---------------------------------------------------------------------- readers, one for each character set of ISO 2022


def _single_bytes(piece):
    """Decode ASCII. Other bytes are Shift_JIS with the wrong name ISO-2022-JP, or katakana between SO and SI."""
    pieces = re.split(rb"\x0e([^\x0f]*)\x0f?", piece)
    texts = [_katakana(part) if number % 2 else part.decode("cp932", "replace") for number, part in enumerate(pieces)]
    return "".join(texts)


def _roman(piece):
    """Decode JIS X 0201, which is ASCII except for two characters."""
    return _single_bytes(piece).replace("\\", "¥").replace("~", "\u203e")


def _katakana(piece):
    return _KATAKANA.sub(lambda byte: bytes((byte.group()[0] | 0x80,)), piece).decode("cp932", "replace")


def _kanjis(piece):
    codes = (code.translate(_SEVEN_BITS) for code in _PAIR.findall(piece))
    return "".join(_kanji(*code) if code[1:] else _stray(code) for code in codes)


def _stray(byte):
    """Decode a single byte between pairs: line ends and blanks are kept, other bytes are ill-formed."""
    return byte.decode() if byte <= b" " else "\ufffd"


def _by_python(escape, codec):
    return lambda piece: (b"\x1b" + escape + piece + b"\x1b(B").decode(codec, "replace")


_READERS = {
    b"(J": _roman,
    b"(I": _katakana,
    b"$@": _kanjis,
    b"$B": _kanjis,
    b"$(@": _kanjis,
    b"$(B": _kanjis,
    b"$A": _by_python(b"$A", "iso2022_jp_2"),
    b"$(D": _by_python(b"$(D", "iso2022_jp_ext"),
    b"$(O": _by_python(b"$(O", "iso2022_jp_3"),
    b"$(P": _by_python(b"$(P", "iso2022_jp_3"),
    b"$(Q": _by_python(b"$(Q", "iso2022_jp_2004"),
}
