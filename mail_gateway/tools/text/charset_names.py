"""Finds the codecs for names of charsets in messages (WHATWG Encoding Standard), except dangerous codecs."""

import codecs
from contextlib import suppress

import webencodings

# Only these codecs are accepted, since Python also knows dangerous ones: unicode_escape and utf_7 make surrogates, the time
# of idna and punycode grows with the square of the length, and rot13 and base64 are not charsets.
_NAMES = """
    ascii utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 iso8859-15
    iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp855 cp858 cp862 cp864
    cp866 cp874 koi8-r koi8-u koi8-t mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish
    big5hkscs cp950 gb18030 hz cp932 cp949 johab iso2022_kr
"""
_TRUSTED = frozenset(codecs.lookup(name).name for name in _NAMES.split())
ISO_2022_JP, EUC_JP = "iso-2022-jp", "euc-jp"
# Python's codec of a charset -> its superset on Windows, which programs write under the same name.
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
    "euc_jp": EUC_JP,
    **dict.fromkeys(("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext"), ISO_2022_JP),
}
# Names of the standard that Python does not know.
_PYTHON_NAMES = {
    "iso-8859-8-i": "iso8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
}
# Names that programs write, but neither Python nor the standard knows; and ASCII, which the standard reads as windows-1252:
# in mail, programs also call text in other charsets ASCII.
_ALIASES = {
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"), "ascii"),
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "cp50220": ISO_2022_JP,
    "cp50221": ISO_2022_JP,
    "iso-2022-jp-ms": ISO_2022_JP,
    "cp51932": EUC_JP,
    "eucjp-ms": EUC_JP,
    "x-ms-cp932": "cp932",
    "x-windows-874": "cp874",
    "iso-8859-1-windows-3.1-latin-1": "cp1252",
}
_LABEL_CHARS = 80
# Names that programs write when they do not know the charset.
NO_NAMES = frozenset(("", "unknown-8bit", "unknown", "x-unknown", "default", "none", "binary", "8bit", "7bit"))


def trusted(charset: str) -> str | None:
    """Return the codec of a charset that occurs in mail; None for other names.

    :param charset: any label; it is read by the WHATWG Encoding Standard, where `gb2312` means GBK
    """
    with suppress(Exception):  # a name in a message may be anything
        label = charset.strip().strip("\"'").lower()[:_LABEL_CHARS]
        label = _ALIASES.get(label, label)
        if label not in _ALIASES.values() and (found := webencodings.lookup(label)) and found.name != "replacement":
            label = _PYTHON_NAMES.get(found.name, found.name)
        name = label if label in (ISO_2022_JP, EUC_JP) else codecs.lookup(label).name
        name = _SUPERSETS.get(name, name)
        return name if name in _TRUSTED or name in (ISO_2022_JP, EUC_JP) else None
    return None
