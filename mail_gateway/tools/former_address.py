"""Addresses that were given up: how they are written down, and which entries answer for an address."""

from typing import NamedTuple

from .headers.addresses import domain_of, normalize_address, normalize_domain

# stands for the domain of a name that was answered for in any domain: sales@*
ANY_DOMAIN = "*"


class Redirect(NamedTuple):
    """Where mail to a former address goes now.

    :ivar address: the former one, normalized
    :ivar to: the current one; empty when nothing stands in for it
    :ivar entry_ids: the entries that say so; two when a domain and later an alias in it were renamed
    :ivar reason: why nothing stands in for it, in words that an administrator understands
    """

    address: str
    to: str
    entry_ids: tuple[int, ...]
    reason: str = ""


class Reached(NamedTuple):
    """Where mail to an address of ours arrives.

    :ivar to: the address as it is stored here; empty when nothing stands in for it any more
    :ivar lead: of a former address, None for one in use
    """

    to: str
    redirect: Redirect | None = None


def comparable(text: str | None, is_domain: bool = False) -> str | None:
    """Make an entry comparable.

    :param text: an address, ``sales@*``, or with `is_domain` a domain (``@old.example`` will do)
    :return: lower case, IDNA encoded; None when `text` is none of these
    """
    if is_domain:
        return normalize_domain((text or "").strip().removeprefix("@"))
    local, at, domain = (text or "").strip().rpartition("@")
    if domain != ANY_DOMAIN:
        return normalize_address(text)
    probe = normalize_address(f"{local}@any.example")
    return probe and any_domain(probe)


def any_domain(address: str) -> str:
    """``sales@*`` for ``sales@old.example``."""
    return f"{local_part(address)}@{ANY_DOMAIN}"


def local_part(address: str) -> str:
    """What stands before the @."""
    return address.rpartition("@")[0]


def reach(local: str | None, domain: str | None, by_local_part: bool = False) -> str | None:
    """What mail has to be addressed to for an alias to take it, as an entry.

    :param by_local_part: whether its name counts in any domain
    :return: None when no mail reaches it
    """
    return comparable(f"{local}@{ANY_DOMAIN if by_local_part else domain or ''}") if local else None


def entries_for(address: str) -> tuple[str, str, str]:
    """The entries that answer for a normalized address, the most particular first."""
    return address, any_domain(address), domain_of(address)
