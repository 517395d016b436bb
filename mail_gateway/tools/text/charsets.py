"""Reads bytes as text, by the charset that a message names if possible, as browsers do (WHATWG Encoding Standard).

Start reading at :func:`read`; :mod:`.charset_names` finds the codec for a name.
"""

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from .charset_names import EUC_JP, ISO_2022_JP, NO_NAMES, trusted
from .japanese import decode_euc_jp, decode_iso_2022_jp, is_iso_2022_jp

try:
    import chardet
except ImportError:  # Odoo requires chardet, but works without it
    chardet = None

_DECODERS: dict[str, Callable[[bytes], str]] = {ISO_2022_JP: decode_iso_2022_jp, EUC_JP: decode_euc_jp}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Codecs that have other bytes for ASCII, or that also use the bytes of ASCII for other characters.
_NOT_OVER_ASCII = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-le",
    "utf-32-be",
    "hz",
    "iso2022_kr",
    ISO_2022_JP,
)
# Bytes that the detection examines: this takes 10 ms; more bytes take more time, but hardly improve the results.
_DETECTED_BYTES = 1024
_SURE = 0.9
_FITTED_BYTES = 64 * 1024
# Ill-formed sequences that do not make the charset doubtful: this number, or one for this number of characters.
_FEW_ERRORS, _ERRORS_BY_CHARS = 3, 20

# The halves of a surrogate pair as three bytes each: some databases write CESU-8 (Unicode Technical Report 26) as UTF-8.
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
# Characters that no text may have: PostgreSQL refuses NUL and surrogates, and lxml refuses the others.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

# Python's codecs that lack characters of the standard.
_COMPLETED = ("gb18030", "big5hkscs")
# Characters that Python's codec returns for bytes that Windows-31J does not define.
_PRIVATE = dict.fromkeys(range(0xF8F0, 0xF8F4), 0xFFFD)

# HTML Standard, "prescan a byte stream to determine its encoding"
_PRESCANNED_BYTES = 1024
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)>", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([^\s"'>;/]{1,80})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([^\s"'>]{1,80})["']""")


class DecodedText(NamedTuple):
    """Bytes read as text.

    :ivar is_certain: whether the message names the charset, or the bytes fit only one; False for a guess, and when more
        than a few characters could not be decoded
    """

    text: str
    is_certain: bool = True


def to_text(data: bytes, charset: str = "") -> str:
    """Read bytes as text; see :func:`read`.

    :param charset: the name in the message, which may be meaningless
    :return: text with LF line ends and without control characters
    """
    return cleaned(read(data, charset).text)


def cleaned(text: str) -> str:
    """Return a text in a form that the database and lxml accept, with LF line ends."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def read(data: bytes, charset: str = "", is_html: bool = False) -> DecodedText:
    """Read bytes as text by the charset that the message names, or by another one if it fails for most letters beyond ASCII.

    Each ill-formed sequence becomes one U+FFFD (Unicode, "maximal subpart" practice): one wrong byte loses one character.

    :param charset: the name in the message, which may be meaningless; '' for none
    :param is_html: whether the text may name its charset itself, in a meta element or an XML declaration
    """
    if marked := _marked(data):
        return _judged(data, _decoded(data, marked))
    says_nothing = charset.strip().lower() in NO_NAMES
    named = trusted(charset)
    if says_nothing and is_html:
        named = _declared(data)
    says_nothing = says_nothing or named == "ascii"
    named = _corrected(data, named)
    if data.isascii() and named not in _NOT_OVER_ASCII:
        return DecodedText(data.decode("ascii"), bool(named) or says_nothing)
    if named:
        return _read_named(data, named, is_html)
    return _read_unnamed(data, says_nothing)


def _corrected(data, named):
    """Return the codec that a name must mean for these bytes, since some programs write the wrong name."""
    if named not in _NOT_OVER_ASCII and (utf16 := _unmarked_utf16(data)):
        return utf16
    if is_iso_2022_jp(data) and named in (None, "ascii", "utf-8", "cp1252"):
        return ISO_2022_JP
    if named in ("utf-16", "utf-16-le", "utf-16-be"):
        # without a mark, zeros show the byte order; text in ASCII or UTF-8 without zeros has the wrong name UTF-16
        return _unmarked_utf16(data) or ("utf-8" if _is_utf8(data) else named)
    return None if named == "ascii" and not data.isascii() else named


def _read_named(data, named, is_html):
    text = _decoded(data, named)
    errors = _errors(data, text)
    if not errors:
        return DecodedText(text)
    if named != "utf-8" and _is_utf8(data):
        return DecodedText(data.decode())
    if errors < _beyond_ascii(text) - errors:
        return DecodedText(text)
    for other in (_declared(data) if is_html else None, _detected(data), _fitting(data)):
        if other and other != named and _errors(data, better := _decoded(data, other)) < errors:
            return DecodedText(better, is_certain=False)
    return _judged(data, text)


def _read_unnamed(data, says_nothing):
    text = _decoded(data, "utf-8")
    errors = _errors(data, text)
    if not errors or errors < _beyond_ascii(text) - errors:
        return DecodedText(text, says_nothing)
    return DecodedText(_decoded(data, _detected(data) or "cp1252"), is_certain=False)


def _judged(data, text):
    errors = _errors(data, text)
    return DecodedText(text, errors <= _FEW_ERRORS or errors * _ERRORS_BY_CHARS <= len(text))


# ---------------------------------------------------------------------- decoding


def _decoded(data, codec):
    if codec in _DECODERS:
        return _DECODERS[codec](data)
    if codec.startswith("utf-8"):
        data = _SURROGATE_PAIR.sub(_joined, data)
    text = data.decode(codec, "mail_gateway_replace" if codec in _COMPLETED else "replace")
    return text.translate(_PRIVATE) if codec == "cp932" else text


def _replaced(error):
    """Return a character that the standard has, but Python's codec lacks; else U+FFFD."""
    pair = error.object[error.start : error.start + 2]
    if error.encoding == "gb18030" and pair.startswith(b"\x80"):
        return "€", error.start + 1
    if error.encoding == "big5hkscs":
        with suppress(UnicodeError):
            return pair.decode("cp950"), error.start + 2
    return "\ufffd", error.end


codecs.register_error("mail_gateway_replace", _replaced)


def _joined(pair):
    """Join the two halves of a surrogate pair into one character, in UTF-8."""
    halves = pair.group().decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _errors(data, text):
    """Return how many ill-formed sequences were replaced, without each U+FFFD that the sender wrote."""
    return max(text.count("\ufffd") - data.count(b"\xef\xbf\xbd"), 0) if "\ufffd" in text else 0


def _beyond_ascii(text):
    return len(text) - len(text.encode("ascii", "ignore"))


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeError:
        return False
    return True


# ---------------------------------------------------------------------- finding the charset in the bytes


def _marked(data):
    return next((codec for mark, codec in _BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _unmarked_utf16(data):
    start = data[:400]
    for codec, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) * 2 > len(zeros):
            return codec
    return None


def _declared(data):
    """Return the codec that HTML or XHTML names in its first bytes (HTML Standard, prescan)."""
    start = _COMMENT.sub(b"", data[:_PRESCANNED_BYTES])
    found = _XML_ENCODING.match(start)
    names = [found.group(1)] if found else []
    names += [name for attributes in _META.findall(start) for name in _META_CHARSET.findall(attributes)[:1]]
    for name in names:
        if codec := trusted(name.decode("ascii", "replace")):
            # bytes in which a name could be read are not UTF-16
            return "utf-8" if codec.startswith("utf-16") else codec
    return None


def _detected(data):
    """Return the codec that chardet finds, if chardet is sure and hardly any sequence is ill-formed."""
    if not chardet or data.isascii():
        return None
    first = _first_beyond_ascii(data)
    codec = _guess(data[max(first - _DETECTED_BYTES // 4, 0) :][:_DETECTED_BYTES])
    if codec and _errors(data, text := _decoded(data, codec)) * _ERRORS_BY_CHARS <= _beyond_ascii(text):
        return codec
    return None


def _first_beyond_ascii(data):
    return re.search(rb"[^\x00-\x7f]", data).start()


@lru_cache(maxsize=512)  # the same message is read when it is shown and when it is delivered
def _guess(sample):
    with suppress(Exception):
        guess = chardet.detect(sample)
        if (guess["confidence"] or 0) > _SURE:
            return trusted(guess["encoding"])
    return None


def _fitting(data):
    """Return Windows-1252 if its letters beyond ASCII are within words, and its capitals at the beginning of words."""
    text = data[:_FITTED_BYTES].decode("cp1252", "replace")
    places = [found.start() for found in _BEYOND_ASCII.finditer(text)]
    letters = [place for place in places if text[place].isalpha()]
    return "cp1252" if letters and all(_fits(text, place) for place in letters) else None


def _fits(text, place):
    before, letter, after = text[place - 1 : place], text[place], text[place + 1 : place + 2]
    if letter.isupper():
        return after.isalpha() and not before.islower()
    return before.isalpha() or after.isalpha()
