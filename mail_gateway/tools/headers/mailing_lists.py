"""Who wrote a message that came through a mailing list or a group.

To pass DMARC, lists put themselves into From: "Mary via Orders" <orders@lists.example>. The author stands in
X-Original-From (Google Groups, Sympa), X-Original-Sender (Google Groups) or Reply-To (Mailman, Google Groups).
"""

from collections.abc import Callable

from ..text.database_text import as_text
from ..text.encoded_words import decode_words
from .address_list import Mailbox, named_nobody, read_mailboxes
from .addresses import author_address, domain_of, normalize_address, normalize_domain

# Of one header
_MAX_CHARS = 8000
# Headers that hold the address of the list, or a link to it (RFC 2369, section 3.4).
_ADDRESS_HEADERS = ("List-Post", "X-BeenThere", "X-Mailing-List")
_AUTHOR_HEADERS = ("X-Original-From", "X-Original-Sender", "Reply-To")


def author_of(get_all: Callable[..., list | None]) -> Mailbox:
    """The author of a message: behind a list that puts itself into From, the one whom the list names.

    Whether that author is believed is another question: see :func:`is_rewritten`.

    :param get_all: the method of a message; its values not decoded
    :return: without an address, and the text in From as the name, when there is none
    """
    return _behind_list(get_all) or from_of(get_all)


def is_rewritten(get_all: Callable[..., list | None]) -> bool:
    """Whether the author is not whom From names: only the list vouches for them, and not their own domain."""
    return _behind_list(get_all) is not None


def from_of(get_all: Callable[..., list | None]) -> Mailbox:
    """Whom From names: the first one of several authors; Sender (RFC 5322, section 3.6.2) when it names nobody."""
    values = _values(get_all, "From")
    found = read_mailboxes(*values[:1], most_chars=_MAX_CHARS) or read_mailboxes(*values[1:], most_chars=_MAX_CHARS)
    found = found or (
        [] if any(map(str.strip, values)) else read_mailboxes(*_values(get_all, "Sender")[:1], most_chars=_MAX_CHARS)
    )
    return found[0] if found else Mailbox(named_nobody(" ".join(values[:1])))


def _behind_list(get_all) -> Mailbox | None:
    """The author whom a list names; None when From is not the list's own address, or it names none, or several."""
    address = author_address(from_of(get_all).address)
    if not address or not _is_address_of_list(address, get_all):
        return None
    for name in _AUTHOR_HEADERS:
        found = {}
        for mailbox in read_mailboxes(*_values(get_all, name)[:1], most_chars=_MAX_CHARS):
            author = author_address(mailbox.address)
            if author and author != address and not _is_address_of_list(author, get_all):
                found.setdefault(author, mailbox)
        if len(found) == 1:
            [mailbox] = found.values()
            return _named(mailbox, get_all)
    return None


def _named(mailbox, get_all):
    """The author with the name that stands beside the same address in Reply-To, where theirs has none."""
    if mailbox.name:
        return mailbox
    address = author_address(mailbox.address)
    others = read_mailboxes(*_values(get_all, "Reply-To")[:1], most_chars=_MAX_CHARS)
    return next((other for other in others if other.name and author_address(other.address) == address), mailbox)


def _is_address_of_list(address, get_all):
    """Whether a list says that the address is its own: List-Id names it (RFC 2919, section 3), or another header does."""
    local, _at, domain = address.rpartition("@")
    for value in _values(get_all, "List-Id")[:1]:
        label = value.rpartition("<")[2].partition(">")[0].strip().lower()
        if normalize_domain(label) == normalize_domain(f"{local}.{domain}") is not None:
            return True
    named = (
        word for name in _ADDRESS_HEADERS for word in read_mailboxes(*_values(get_all, name)[:1], most_chars=_MAX_CHARS)
    )
    if any(normalize_address(mailbox.address) == address for mailbox in named):
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
    """The values of a header as they stand there, decoded where no address can be."""
    values = [as_text(str(value)[:_MAX_CHARS]) for value in get_all(name) or ()]
    return [decode_words(value) for value in values] if name == "List-Id" else values
