"""Bytes as text, whatever charset they claim to be in."""

import codecs
import re
from contextlib import suppress

try:
    import chardet
except ImportError:  # Odoo lists it, and does without
    chardet = None

# Python takes the names of traps, too: unicode_escape and utf_7 make surrogates, idna and punycode need time by the
# square of the length, rot13 and base64 are no charsets at all. So these are known, and no others.
_NAMES = """
    ascii utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    latin-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11
    iso8859-13 iso8859-14 iso8859-15 iso8859-16
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp855 cp858 cp862 cp864 cp866
    cp874 tis-620 koi8-r koi8-u koi8-t mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish
    big5 big5hkscs gb2312 gbk gb18030 hz euc-jp shift_jis cp932 iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3
    iso2022_jp_ext euc-kr cp949 johab iso2022_kr
"""
_TRUSTED = frozenset(codecs.lookup(name).name for name in _NAMES.split())
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What detecting looks at: its time grows with the length, its certainty hardly.
DETECTED_BYTES = 32 * 1024
_SURE = 0.9

# No text has them, PostgreSQL refuses NUL and surrogates, and lxml the others.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def trusted(charset: str) -> str | None:
    """The codec of a charset that mail is written in; None when it is not one of those."""
    with suppress(Exception):  # whatever a message has for a name
        name = codecs.lookup(charset).name
        return name if name in _TRUSTED else None
    return None


def is_written_in(data: bytes, charset: str) -> bool:
    """Whether the bytes are text in the charset that they claim to be in."""
    codec = trusted(charset)
    return bool(codec) and _strictly(data, codec) is not None


def to_text(data: bytes, charset: str = "") -> str:
    """Read bytes as text, by what they are rather than by what they claim to be.

    :param charset: what the message says, perhaps nonsense
    :return: with LF line ends and without control characters
    """
    return cleaned(_decode(data, charset))


def cleaned(text: str) -> str:
    """The text as the database and lxml take it, with LF line ends."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _decode(data: bytes, charset: str) -> str:
    claimed = trusted(charset)
    for codec in filter(None, (_marked(data), _plausible(claimed), "utf-8", _unmarked_utf16(data), _detected(data))):
        text = _strictly(data, codec)
        if text is not None:
            return text
    if claimed in (None, "ascii", "utf-8", "iso8859-1"):
        claimed = "cp1252"  # what is sent as one of these and isn't, mostly is this
    return data.decode(claimed, "replace")


def _plausible(claimed):
    """Like browsers do, take Windows' superset for what calls itself Latin-1."""
    return "cp1252" if claimed == "iso8859-1" else claimed


def _marked(data):
    return next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _unmarked_utf16(data):
    start = data[:400]
    for codec, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) * 2 > len(zeros):
            return codec
    return None


def _detected(data):
    if not chardet or data.isascii():
        return None
    with suppress(Exception):
        guess = chardet.detect(data[:DETECTED_BYTES])
        if (guess["confidence"] or 0) > _SURE:
            return trusted(guess["encoding"])
    return None


def _strictly(data, codec):
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None
