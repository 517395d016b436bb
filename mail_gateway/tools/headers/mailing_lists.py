"""Finds the author of a message that came through a mailing list or a group.

To pass DMARC, lists put themselves into From: "Mary via Orders" <orders@lists.example>. The author stands in
X-Original-From (Google Groups, Sympa), X-Original-Sender (Google Groups) or Reply-To (Mailman, Google Groups).
"""

from collections.abc import Callable

from ..text.database_text import as_text
from ..text.encoded_words import decode_words
from .address_list import read_addresses
from .addresses import author_address, domain_of, normalize_address, normalize_domain
from .named_address import NamedAddress, name_without_address

# Characters that are read of one header.
_MAX_CHARS = 8000
# Headers that hold the address of the list, or a link to it (RFC 2369, section 3.4).
_ADDRESS_HEADERS = ("List-Post", "X-BeenThere", "X-Mailing-List")
_AUTHOR_HEADERS = ("X-Original-From", "X-Original-Sender", "Reply-To")


def author_of(get_all: Callable[..., list | None]) -> NamedAddress:
    """Return the author of a message: the one in From, or the one that a list names which put itself into From.

    Only the list vouches for the latter: see :func:`is_rewritten`.

    :param get_all: the method of a message; its values are not decoded
    :return: the author; when there is no address, the text in From is the name
    """
    return _behind_list(get_all) or from_of(get_all)


def is_rewritten(get_all: Callable[..., list | None]) -> bool:
    """Whether a list put itself into From: then only the list vouches for the author, and not the domain of the author.

    :param get_all: as for :func:`author_of`
    """
    return _behind_list(get_all) is not None


def from_of(get_all: Callable[..., list | None]) -> NamedAddress:
    """Return the first author in From; the one in Sender (RFC 5322, section 3.6.2) when From is empty.

    :param get_all: as for :func:`author_of`
    :return: as for :func:`author_of`
    """
    values = _values(get_all, "From")
    found = read_addresses(*values[:1], most_chars=_MAX_CHARS) or read_addresses(*values[1:], most_chars=_MAX_CHARS)
    found = found or (
        [] if any(map(str.strip, values)) else read_addresses(*_values(get_all, "Sender")[:1], most_chars=_MAX_CHARS)
    )
    return found[0] if found else NamedAddress(name_without_address(" ".join(values[:1])))


def _behind_list(get_all) -> NamedAddress | None:
    """Return the author whom a list names; None if From is not the list's address, or it does not name exactly one."""
    address = author_address(from_of(get_all).address)
    if not address or not _is_address_of_list(address, get_all):
        return None
    for name in _AUTHOR_HEADERS:
        found = {}
        for entry in read_addresses(*_values(get_all, name)[:1], most_chars=_MAX_CHARS):
            author = author_address(entry.address)
            if author and author != address and not _is_address_of_list(author, get_all):
                found.setdefault(author, entry)
        if len(found) == 1:
            [entry] = found.values()
            return _named(entry, get_all)
    return None


def _named(entry, get_all):
    """Return the author; an author without a name gets the one beside the same address in Reply-To."""
    if entry.name:
        return entry
    address = author_address(entry.address)
    others = read_addresses(*_values(get_all, "Reply-To")[:1], most_chars=_MAX_CHARS)
    return next((other for other in others if other.name and author_address(other.address) == address), entry)


def _is_address_of_list(address, get_all):
    """Whether List-Id (RFC 2919, section 3) or another header of a list names the address as the list's own."""
    local, _at, domain = address.rpartition("@")
    for value in _values(get_all, "List-Id")[:1]:
        label = value.rpartition("<")[2].partition(">")[0].strip().lower()
        if normalize_domain(label) == normalize_domain(f"{local}.{domain}") is not None:
            return True
    named = (
        word for name in _ADDRESS_HEADERS for word in read_addresses(*_values(get_all, name)[:1], most_chars=_MAX_CHARS)
    )
    if any(normalize_address(entry.address) == address for entry in named):
        return True
    # Google Groups: "list orders@mycompany.example; contact orders+owners@mycompany.example"
    for value in _values(get_all, "Mailing-List")[:1]:
        words = value.split(";")[0].split()
        if len(words) > 1 and words[0].lower() == "list" and normalize_address(words[1]) == address:
            return True
    return False


def same_domain(one: str | None, other: str | None) -> bool:
    """Whether two addresses have the same domain."""
    domains = {domain_of(author_address(one)), domain_of(author_address(other))}
    return len(domains) == 1 and "" not in domains


def _values(get_all, name):
    """Return the values of a header as they stand there; decoded only in List-Id, which holds no address."""
    values = [as_text(str(value)[:_MAX_CHARS]) for value in get_all(name) or ()]
    return [decode_words(value) for value in values] if name == "List-Id" else values
