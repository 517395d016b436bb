"""Bytes as text, by the charset that a message names where that can be, as browsers do (WHATWG Encoding Standard)."""

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import webencodings

from .japanese import decode_euc_jp, decode_iso_2022_jp, is_iso_2022_jp

try:
    import chardet
except ImportError:  # Odoo lists it, and does without
    chardet = None

# Python takes the names of traps, too: unicode_escape and utf_7 make surrogates, idna and punycode need time by the
# square of the length, rot13 and base64 are no charsets at all. So these are known besides the standard's, and no others.
_NAMES = """
    ascii utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 iso8859-15
    iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp855 cp858 cp862 cp864
    cp866 cp874 koi8-r koi8-u koi8-t mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish
    big5hkscs cp950 gb18030 hz cp932 cp949 johab iso2022_kr
"""
_TRUSTED = frozenset(codecs.lookup(name).name for name in _NAMES.split())
_ISO_2022_JP, _EUC_JP = "iso-2022-jp", "euc-jp"
_DECODERS: dict[str, Callable[[bytes], str]] = {_ISO_2022_JP: decode_iso_2022_jp, _EUC_JP: decode_euc_jp}
# Python's codec of a charset -> what reads all that is written under its name: the superset that Windows made of it.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "euc_jp": _EUC_JP,
    **dict.fromkeys(("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext"), _ISO_2022_JP),
}
# The standard's names that Python does not know.
_PYTHON_NAMES = {
    "iso-8859-8-i": "iso8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
}
# Names that neither Python nor the standard knows, as programs write them; and ASCII, which the standard takes for
# windows-1252: mail in other charsets bears its name more often.
_ALIASES = {
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"), "ascii"),
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "cp50220": _ISO_2022_JP,
    "cp50221": _ISO_2022_JP,
    "iso-2022-jp-ms": _ISO_2022_JP,
    "cp51932": _EUC_JP,
    "eucjp-ms": _EUC_JP,
    "x-ms-cp932": "cp932",
    "x-windows-874": "cp874",
    "iso-8859-1-windows-3.1-latin-1": "cp1252",
}
# What says that the charset is not known: like no charset at all.
_NO_NAMES = frozenset(("", "unknown-8bit", "unknown", "x-unknown", "default", "none", "binary", "8bit", "7bit"))
_LABEL_CHARS = 80
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# They have other bytes for ASCII, or use ASCII's for more than ASCII.
_NOT_OVER_ASCII = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-le",
    "utf-32-be",
    "hz",
    "iso2022_kr",
    _ISO_2022_JP,
)
# What detecting looks at: its time grows with the length (10 ms for this much), its certainty hardly.
_DETECTED_BYTES = 1024
_SURE = 0.9
_FITTED_BYTES = 64 * 1024
# So much of a text may be ill-formed before its charset is doubted.
_FEW_ERRORS, _ERRORS_BY_CHARS = 3, 20

# Halves of a surrogate pair as three bytes each: CESU-8 (Unicode Technical Report 26), as some databases write UTF-8.
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
# No text has them, PostgreSQL refuses NUL and surrogates, and lxml the others.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

# They lack characters of the standard's.
_COMPLETED = ("gb18030", "big5hkscs")
# Bytes that are no character in Windows-31J, by Python's codec.
_PRIVATE = dict.fromkeys(range(0xF8F0, 0xF8F4), 0xFFFD)

# HTML Standard, "prescan a byte stream to determine its encoding"
_PRESCANNED_BYTES = 1024
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)>", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([^\s"'>;/]{1,80})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([^\s"'>]{1,80})["']""")


class Reading(NamedTuple):
    """Bytes read as text.

    :ivar is_certain: the message says how it is to be read, or it can't be read otherwise; False for a guess, and where
        more was lost than single characters
    """

    text: str
    is_certain: bool = True


def trusted(charset: str) -> str | None:
    """The codec of a charset that mail is written in; None when it is not one of those.

    :param charset: any label; read by the WHATWG Encoding Standard, thus `gb2312` means GBK
    """
    with suppress(Exception):  # whatever a message has for a name
        label = charset.strip().strip("\"'").lower()[:_LABEL_CHARS]
        label = _ALIASES.get(label, label)
        if label not in _ALIASES.values() and (found := webencodings.lookup(label)) and found.name != "replacement":
            label = _PYTHON_NAMES.get(found.name, found.name)
        name = label if label in _DECODERS else codecs.lookup(label).name
        name = _SUPERSETS.get(name, name)
        return name if name in _TRUSTED or name in _DECODERS else None
    return None


def to_text(data: bytes, charset: str = "") -> str:
    """Read bytes as text; see :func:`read`.

    :param charset: what the message says, perhaps nonsense
    :return: with LF line ends and without control characters
    """
    return cleaned(read(data, charset).text)


def cleaned(text: str) -> str:
    """The text as the database and lxml take it, with LF line ends."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def read(data: bytes, charset: str = "", is_html: bool = False) -> Reading:
    """Read bytes as text: by the charset that the message names, unless nearly nothing can be read so.

    Each ill-formed sequence becomes one U+FFFD (Unicode, "maximal subpart" practice): one bad byte costs one character.

    :param charset: what the message says, perhaps nonsense; '' for nothing
    :param is_html: whether the text may say it itself, in a meta element or an XML declaration
    """
    if marked := _marked(data):
        return _judged(data, _decoded(data, marked))
    says_nothing = charset.strip().lower() in _NO_NAMES
    named = trusted(charset)
    if says_nothing and is_html:
        named = _declared(data)
    says_nothing = says_nothing or named == "ascii"
    named = _corrected(data, named)
    if data.isascii() and named not in _NOT_OVER_ASCII:
        return Reading(data.decode("ascii"), bool(named) or says_nothing)
    if named:
        return _read_named(data, named, is_html)
    return _read_unnamed(data, says_nothing)


def _corrected(data, named):
    """The codec that can be meant by a name: those that are shared by several, or contradict themselves."""
    if named not in _NOT_OVER_ASCII and (utf16 := _unmarked_utf16(data)):
        return utf16
    if is_iso_2022_jp(data) and named in (None, "ascii", "utf-8", "cp1252"):
        return _ISO_2022_JP
    if named in ("utf-16", "utf-16-le", "utf-16-be"):
        # without a mark, zeros tell the order; text without any that is ASCII or UTF-8 was only called UTF-16
        return _unmarked_utf16(data) or ("utf-8" if _is_utf8(data) else named)
    return None if named == "ascii" and not data.isascii() else named


def _read_named(data, named, is_html):
    text = _decoded(data, named)
    errors = _errors(data, text)
    if not errors:
        return Reading(text)
    if named != "utf-8" and _is_utf8(data):
        return Reading(data.decode())
    if errors < _beyond_ascii(text) - errors:
        return Reading(text)
    for other in (_declared(data) if is_html else None, _detected(data), _fitting(data)):
        if other and other != named and _errors(data, better := _decoded(data, other)) < errors:
            return Reading(better, is_certain=False)
    return _judged(data, text)


def _read_unnamed(data, says_nothing):
    text = _decoded(data, "utf-8")
    errors = _errors(data, text)
    if not errors or errors < _beyond_ascii(text) - errors:
        return Reading(text, says_nothing)
    return Reading(_decoded(data, _detected(data) or "cp1252"), is_certain=False)


def _judged(data, text):
    errors = _errors(data, text)
    return Reading(text, errors <= _FEW_ERRORS or errors * _ERRORS_BY_CHARS <= len(text))


# ---------------------------------------------------------------------- decoding


def _decoded(data, codec):
    if codec in _DECODERS:
        return _DECODERS[codec](data)
    if codec.startswith("utf-8"):
        data = _SURROGATE_PAIR.sub(_joined, data)
    text = data.decode(codec, "mail_gateway_replace" if codec in _COMPLETED else "replace")
    return text.translate(_PRIVATE) if codec == "cp932" else text


def _replaced(error):
    """What Python's codecs leave out of the standard's, else U+FFFD, for each ill-formed sequence."""
    pair = error.object[error.start : error.start + 2]
    if error.encoding == "gb18030" and pair.startswith(b"\x80"):
        return "€", error.start + 1
    if error.encoding == "big5hkscs":
        with suppress(UnicodeError):
            return pair.decode("cp950"), error.start + 2
    return "\ufffd", error.end


codecs.register_error("mail_gateway_replace", _replaced)


def _joined(pair):
    """The character that two halves make, in UTF-8."""
    halves = pair.group().decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _errors(data, text):
    """How many ill-formed sequences were replaced; U+FFFD may also have been written as such."""
    return max(text.count("\ufffd") - data.count(b"\xef\xbf\xbd"), 0) if "\ufffd" in text else 0


def _beyond_ascii(text):
    return len(text) - len(text.encode("ascii", "ignore"))


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeError:
        return False
    return True


# ---------------------------------------------------------------------- what else says in which charset it is


def _marked(data):
    return next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _unmarked_utf16(data):
    start = data[:400]
    for codec, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) * 2 > len(zeros):
            return codec
    return None


def _declared(data):
    """The codec that HTML or XHTML names in its first bytes (HTML Standard, prescan)."""
    start = _COMMENT.sub(b"", data[:_PRESCANNED_BYTES])
    found = _XML_ENCODING.match(start)
    names = [found.group(1)] if found else []
    names += [name for attributes in _META.findall(start) for name in _META_CHARSET.findall(attributes)[:1]]
    for name in names:
        if codec := trusted(name.decode("ascii", "replace")):
            # who could read that in UTF-16 would have read it in UTF-16
            return "utf-8" if codec.startswith("utf-16") else codec
    return None


def _detected(data):
    """The codec that bytes look like to be in, if that is sure."""
    if not chardet or data.isascii():
        return None
    first = _first_beyond_ascii(data)
    codec = _guess(data[max(first - _DETECTED_BYTES // 4, 0) :][:_DETECTED_BYTES])
    if codec and _errors(data, text := _decoded(data, codec)) * _ERRORS_BY_CHARS <= _beyond_ascii(text):
        return codec
    return None


def _first_beyond_ascii(data):
    return re.search(rb"[^\x00-\x7f]", data).start()


@lru_cache(maxsize=512)  # a message is read when it is looked at and when it is delivered
def _guess(sample):
    with suppress(Exception):
        guess = chardet.detect(sample)
        if (guess["confidence"] or 0) > _SURE:
            return trusted(guess["encoding"])
    return None


def _fitting(data):
    """Windows-1252 when the letters beyond ASCII stand as letters do: within words, capitals first."""
    text = data[:_FITTED_BYTES].decode("cp1252", "replace")
    places = [found.start() for found in _BEYOND_ASCII.finditer(text)]
    letters = [place for place in places if text[place].isalpha()]
    return "cp1252" if letters and all(_fits(text, place) for place in letters) else None


def _fits(text, place):
    before, letter, after = text[place - 1 : place], text[place], text[place + 1 : place + 2]
    if letter.isupper():
        return after.isalpha() and not before.islower()
    return before.isalpha() or after.isalpha()
