"""Decides which words in the pieces of a header are addresses, and which belong to a name.

:mod:`.address_list` cuts a header into pieces; it knows separators, brackets and comments.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..text.bidirectional import BIDIRECTIONAL_CONTROLS
from ..text.encoded_words import MARKS
from .named_address import NamedAddress

# RFC 5321, section 4.5.3.1, with room for the local parts of some services, which are longer than allowed.
ADDRESS_CHARS = 320
# Bytes that belong to no character, as surrogates and as U+FFFD; and the placeholders of encoded words
_NO_CHARS = f"\ud800-\udfff\ufffd{MARKS}"
_NO_ADDRESS = re.compile(
    "[\x00-\x20\x7f-\xa0\u00ad\u180e\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
    f"{_NO_CHARS}{BIDIRECTIONAL_CONTROLS}]|=\\?"
)
_NO_QUOTED_LOCAL = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_NO_CHARS}{BIDIRECTIONAL_CONTROLS}]|=\\?|\\?=")
_NO_LOCAL = re.compile(r'[()<>\[\],;:\\"@]')
_NO_DOMAIN = re.compile(r"[()<>\[\],;:\\\"@'=?!#$%&*+/^`{|}~]")
_DOMAIN_LITERAL = re.compile(r"\[[0-9A-Za-z.:-]{2,60}\]")
# RFC 5322, section 3.2.3, and the letters that RFC 6531 adds
_DOT_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_AROUND_SIGNS = re.compile(r"\s*([@.])\s*")
_MAILTO = re.compile(r"\s*(?:mailto|smtp):\s*", re.IGNORECASE)
_LINK = re.compile(r"(?:mailto|smtp):", re.IGNORECASE)
_LOOSE_SIGNS = '[]<>"\\:'
_LOOSE_SEPARATORS = re.compile(r"(?<!\\)[,;]+")
# An @, or an encoded word that may hold one.
MAY_HOLD_ADDRESS = re.compile(f"[@{MARKS}]|=\\?")


class Piece(NamedTuple):
    """A part of a header: a word, white space, a sign or a quoted string.

    :ivar text: without quotes
    :ivar is_quoted: whether it was quoted, so that it is a name even when it looks like an address
    """

    text: str
    is_quoted: bool = False


def joined(pieces: Iterable[Piece], keeps_quotes: bool = True) -> str:
    """Return the text of pieces, with or without the quotes of quoted strings."""
    return "".join(f'"{piece.text}"' if piece.is_quoted and keeps_quotes else piece.text for piece in pieces)


def bare_addresses(pieces: Sequence[Piece], comments: Sequence[str]) -> list[NamedAddress]:
    """Return the addresses without brackets: one with the other words as its name, or several without names.

    :param pieces: the pieces between two separators
    :param comments: the comments between the same separators; they are the name where there is no other
    :return: addresses, with names that are not decoded
    """
    apart = words_of(pieces)
    words = _closed_up(apart)
    addresses = [(word, written_address(word.text)) for word in words if not word.is_quoted and "@" in word.text]
    together = set(apart)
    # words with white space around the @ may be a name: Sales @ ACME
    addresses = [
        (word, address)
        for word, address in addresses
        if address and (word in together or "." in address.partition("@")[2])
    ]
    if not addresses:
        return []
    if len(addresses) > 1:
        return [NamedAddress("", address) for _word, address in addresses]
    [(word, address)] = addresses
    name = " ".join(other.text for other in words if other is not word)
    return [NamedAddress(name or " ".join(comments), address)]


def loose_addresses(pieces: Sequence[Piece]) -> list[NamedAddress]:
    """Return the addresses among brackets, quotes and colons that have no meaning at their place.

    :return: addresses, with names that are not decoded; [] unless each word that may hold an address is one
    """
    words = [word for piece in _closed_up(words_of(pieces)) for word in _loose_words(piece)]
    signed = [word for word in words if MAY_HOLD_ADDRESS.search(word.text)]
    addresses = [_loose_address(word) for word in signed]
    if not all(addresses):
        return []
    if len(addresses) > 1:
        return [NamedAddress("", address) for address in addresses]
    name = " ".join(word.text.strip(_LOOSE_SIGNS) for word in words if word not in signed)
    return [NamedAddress(name, address) for address in addresses]


def _loose_words(piece):
    return [piece] if piece.is_quoted else [Piece(text) for text in _LOOSE_SEPARATORS.split(piece.text) if text]


def _loose_address(word):
    """Read ``[sales@mycompany.example]``, or the same with one bracket missing, or with a port or a subject.

    The domain must have a dot: ``Sales @ ACME`` is a name.
    """
    if word.is_quoted or word.text.count("@") != 1:
        return ""
    text = _LINK.sub("", word.text.strip(_LOOSE_SIGNS), count=1)
    local, _at, domain = text.partition("@")
    domain = re.split("[:?]", domain)[0]
    return written_address(f"{local}@{domain}") if "." in domain else ""


def _closed_up(words):
    """Join words at white space around the dots of a domain and around the only @ (RFC 5322, section 4.4)."""
    is_only = sum(word.text.count("@") for word in words if not word.is_quoted) == 1
    closed: list[Piece] = []
    for word in words:
        if (
            closed
            and not closed[-1].is_quoted
            and not word.is_quoted
            and _continues(closed[-1].text, word.text, is_only)
        ):
            closed[-1] = Piece(closed[-1].text + word.text)
        else:
            closed.append(word)
    return closed


def _continues(before, text, is_only):
    if len(before) > 2 * ADDRESS_CHARS:
        return False
    if "@" in before and (before.endswith(".") or text.startswith(".")):
        return True
    return is_only and (before.endswith("@") or text.startswith("@"))


def words_of(pieces: Sequence[Piece]) -> list[Piece]:
    """Divide pieces at white space. A quoted string that an @ follows is the beginning of a word."""
    words, ended = [], True
    for number, piece in enumerate(pieces):
        if piece.is_quoted:
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            if following and not following.is_quoted and following.text.startswith("@"):
                words.append(Piece(_quoted_local(piece.text)))
                ended = False
            else:
                words.append(piece)
                ended = True
            continue
        texts = piece.text.split()
        if texts and not ended and not piece.text[0].isspace():
            words[-1] = Piece(words[-1].text + texts.pop(0))
        words.extend(map(Piece, texts))
        ended = not piece.text or piece.text[-1].isspace() or not words
    return words


def _quoted_local(text):
    """Return a local part in quotes, or without quotes if it needs none."""
    if _DOT_ATOM.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def address_in_angle(pieces: Sequence[Piece]) -> str:
    """Return the address in angle brackets, without a route (RFC 5322, section 4.4); empty when there is none."""
    if any(piece.is_quoted for piece in pieces):
        words = words_of(pieces)
        return written_address(words[0].text.strip()) if len(words) == 1 else ""
    text = _MAILTO.sub("", "".join(piece.text for piece in pieces), count=1).strip()
    if text.startswith("@"):
        text = text.rpartition(":")[2] or text
    found = written_address(_AROUND_SIGNS.sub(r"\1", text))
    if not found and text.count("@") == 1:
        [word] = [word for word in text.split() if "@" in word]
        found = written_address(word)
    return found


def written_address(text: str) -> str:
    """Return a word as an address, without punctuation around it; empty when it is not an address."""
    if len(text) > 2 * ADDRESS_CHARS:
        return ""
    text = text.strip().strip(",;")
    if text.startswith("'") and text.endswith("'"):
        text = text[1:-1]
    text = text.rstrip("'").removesuffix(".")
    local, _at, domain = text.rpartition("@")
    if not local or not domain or len(text) > ADDRESS_CHARS or not _is_local(local) or not _is_domain(domain):
        return ""
    return f"{local}@{domain}"


def _is_local(text):
    if len(text) >= len('"a"') and text.startswith('"') and text.endswith('"'):
        return not _NO_QUOTED_LOCAL.search(text)
    return not _NO_LOCAL.search(text) and not _NO_ADDRESS.search(text)


def _is_domain(text):
    return bool(_DOMAIN_LITERAL.fullmatch(text)) or not (_NO_DOMAIN.search(text) or _NO_ADDRESS.search(text))
