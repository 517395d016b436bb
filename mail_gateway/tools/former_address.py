"""Former addresses, which were renamed or deleted: how they are stored, and which entries match an address."""

from typing import NamedTuple

from .headers.addresses import domain_of, normalize_address, normalize_domain

# Stands for the domain of an alias that was valid in any domain: sales@*
ANY_DOMAIN = "*"


class Redirect(NamedTuple):
    """The present destination of mail to a former address.

    :ivar address: the former address, normalized
    :ivar to: the current address; empty when there is none
    :ivar entry_ids: the matching entries; two when a domain and later an alias in it were renamed
    :ivar reason: why there is no current one, in words for administrators
    """

    address: str
    to: str
    entry_ids: tuple[int, ...]
    reason: str = ""


class Reached(NamedTuple):
    """The destination of mail to one of our addresses.

    :ivar to: the address as it is stored; empty for a former address without a current one
    :ivar redirect: the redirect of a former address; None for an address in use
    """

    to: str
    redirect: Redirect | None = None


def comparable(text: str | None, is_domain: bool = False) -> str | None:
    """Return the form in which an entry is stored and compared.

    :param text: an address, ``sales@*``, or with `is_domain` a domain (``@old.example`` is also accepted)
    :return: lower case, IDNA encoded; None when `text` is none of these
    """
    if is_domain:
        return normalize_domain((text or "").strip().removeprefix("@"))
    local, at, domain = (text or "").strip().rpartition("@")
    if domain != ANY_DOMAIN:
        return normalize_address(text)
    example = normalize_address(f"{local}@any.example")
    return example and any_domain(example)


def any_domain(address: str) -> str:
    """Return ``sales@*`` for ``sales@old.example``."""
    return f"{local_part(address)}@{ANY_DOMAIN}"


def local_part(address: str) -> str:
    """Return the part before the @."""
    return address.rpartition("@")[0]


def reach(local: str | None, domain: str | None, by_local_part: bool = False) -> str | None:
    """Return the address of an alias as an entry.

    :param local: the name of the alias
    :param domain: its domain
    :param by_local_part: whether its name is valid in any domain
    :return: None when no mail can reach it
    """
    return comparable(f"{local}@{ANY_DOMAIN if by_local_part else domain or ''}") if local else None


def entries_for(address: str) -> tuple[str, str, str]:
    """Return the entries that match a normalized address, the most specific first."""
    return address, any_domain(address), domain_of(address)
