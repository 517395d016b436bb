"""Makes display names for outgoing headers from the names in a record or a received message.

A name must not look like an address: RFC 5322, section 3.4, allows any text, and forgers of senders use this. Some mail
programs hide such names, others show them instead of the address.
"""

import email.utils
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from itertools import starmap

from ..text.bidirectional import BIDIRECTIONAL_CONTROLS
from .addresses import split_author
from .stored_headers import decode_words

# Characters of a name, since the time in which Python folds a header grows with the square of a name beyond ASCII.
MAX_NAME = 120
# Longer names are cut before anything else is done.
_MAX_READ = 2000
# An encoded word may contain another one; some mail programs decode encoded words in quotes, too.
_MAX_DECODED = 3

# A value of this length fits into a line of 78 characters after the name of its header, and is not folded.
_MAX_UNFOLDED = 60
# Control characters, the line and paragraph separators of Unicode, and surrogates, which no charset has.
_BREAKING = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BIDIRECTIONAL = re.compile(f"[{BIDIRECTIONAL_CONTROLS}]")
# Letters and symbols that are drawn as a blank: fillers for Hangul, an empty Braille pattern.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bq]\?", re.IGNORECASE)
# A character before an @, and a domain with a dot or an address literal after it, after NFKC. With a blank on either
# side it is still an address (RFC 5322, section 3.4.1, with comments and blanks).
_ADDRESS = re.compile(r"[^\s@] ?@ ?(?:\[|[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]*)")
_AT = re.compile("[@\ufe6b\uff20]")
# The special characters of RFC 5322, section 3.2.3, with the @: they never stand in a name without quotes.
_SPECIAL = re.compile(r"[][()<>@,:;\\\"]+")
_ATOMS = r"[^][()<>@,:;\\\"\x00-\x20\x7f-\x9f]+"
_ADDRESS_ALONE = re.compile(rf'(?:"[^"\\\x00-\x1f]*"|{_ATOMS})@(?:{_ATOMS}|\[[\w.:]+\])')
# One address of a list, with the comma after it. Each part begins with a character that the part before it can't contain.
_NAMED_ADDRESS = re.compile(
    rf'(?:(?:"(?P<quoted>(?:[^"\\]|\\.)*)"\s*|(?P<words>[^][()<>@,:;\\"\s][^][()<>@,:;\\"]*)?)<{_ADDRESS_ALONE.pattern}>'
    rf"|{_ADDRESS_ALONE.pattern})(?:,\s*|$)"
)


def clean_name(name: str) -> str:
    """Return a display name on one line, with decoded encoded words, and without control and bidirectional characters.

    :param name: without the quotes of its header
    :return: at most :data:`MAX_NAME` characters; empty when no character of the name is visible
    """
    name = name[:_MAX_READ]
    for _round in range(_MAX_DECODED):
        if not _ENCODED_WORD.search(name):
            break
        name = decode_words(name)
    name = one_line(name)
    if not any(_is_visible(letter) for letter in name):
        return ""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1].rstrip()}…"


def one_line(text: str) -> str:
    """Remove control characters and bidirectional controls from a text."""
    return _BREAKING.sub(" ", _BIDIRECTIONAL.sub("", text)).strip()


def is_one_line(text: str) -> bool:
    """Whether :func:`one_line` would change nothing in a text, except for blanks at its ends."""
    return not (_BREAKING.search(text) or _BIDIRECTIONAL.search(text))


def _is_visible(letter):
    """Whether a letter is visible: blanks, zero-width letters and lone accents are not."""
    return letter not in _BLANK and unicodedata.category(letter)[0] not in "ZCM"


def contains_address(name: str) -> bool:
    """Whether a mail program or a person could take a part of a name for an e-mail address.

    Letters count as the ones that they look like (NFKC: a fullwidth @ is an @); invisible ones do not count.
    """
    text = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    text = " ".join(unicodedata.normalize("NFKC", text).replace("\u3002", ".").split())
    return bool(_ADDRESS.search(text))


def name_beside_another_address(author: str) -> str:
    """Return the name of an author for a message that is sent from another address.

    :param author: the value of a From header
    :return: the display name. Without one, or when it contains an address or encoded words that can't be decoded, the
        local part of the address. When no address can be read, the text itself. Empty when none of them is harmless
    """
    line = one_line(author)
    name, address = split_author(line)
    local = _AT.split(address, maxsplit=1)[0].strip('" \\')
    candidates = (name, local) if address else (_SPECIAL.sub(" ", line),)
    return next((clean for clean in map(clean_name, candidates) if _is_harmless(clean, address)), "")


def _is_harmless(name, address):
    # Odoo names a contact without a name by the address, even if its domain has no dot
    is_address = contains_address(name) or (address and address.lower() in name.lower())
    return bool(name) and not is_address and not _ENCODED_WORD.search(name)


def format_author(name: str, address: str) -> str:
    """Return a name and an address as a header shows them, readable, not encoded for transport."""
    words = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{words}" <{address}>' if name else address


def clean_author(text: str) -> str:
    """Return the value of a header with one author, or the first of several, as one line of a header.

    Python's email package writes the returned value as one header. A value that needs no change is returned as it is. When
    no address can be read, the text without special characters remains: it forms no address, and the default From replaces
    it.
    """
    if _is_fine(text):
        return text
    line = one_line(text)  # first, since the standard library ends a quoted name at a carriage return
    return _cleaned(*split_author(line)) or clean_name(_SPECIAL.sub(" ", line))


def clean_recipients(values: str | Iterable[str] | None) -> str | list[str] | None:
    """Return recipients as core accepts them: one text with any number of addresses, or several texts with one each.

    A text that needs no change is returned as it is; any other text is replaced by the addresses that can be read in it.
    """
    if not values:
        return values
    if isinstance(values, str):
        return values if _is_fine(values) else ", ".join(filter(None, starmap(_cleaned, _pairs(one_line(values)))))
    return [clean for clean in map(_clean_recipient, values) if clean]


def _clean_recipient(value):
    """Keep a recipient that can't be read if it fits into a line: sending then fails visibly, as with core."""
    if not isinstance(value, str) or _is_fine(value):
        return value
    line = one_line(value)
    return _cleaned(*split_author(line)) or (line if len(line) <= _MAX_UNFOLDED else "")


def _is_fine(text):
    """Whether a header is a list of addresses without anything unusual.

    Python folds other long values in ways that can turn the rest of a line into a header, or raise errors.
    """
    position = 0
    while position < len(text):
        found = _NAMED_ADDRESS.match(text, position)
        if not found or not _is_plain_name(found["quoted"] or found["words"] or ""):
            return False
        position = found.end()
    return not text.endswith(",")


def _is_plain_name(name):
    return len(name) <= MAX_NAME and is_one_line(name) and not _ENCODED_WORD.search(name)


def _cleaned(name, address):
    """Return an address with a clean name; empty when no header can hold the address."""
    # a name without brackets around the address: Mary mary@customer.example
    words, _blank, last = ("", "", address) if _ADDRESS_ALONE.fullmatch(address) else address.rpartition(" ")
    return format_author(clean_name(name or words), last) if _ADDRESS_ALONE.fullmatch(last) else ""


def _pairs(line):
    """Return (name, address) pairs as core reads recipients: another reader could change who receives a message."""
    lenient = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}
    with suppress(RecursionError, IndexError):  # the library raises these on thousands of colons or brackets
        return email.utils.getaddresses([line], **lenient)
    return []
