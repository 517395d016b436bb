"""Makes addresses and domains that people type comparable, and reads FROM filters.

Comparing ignores case and knows internationalised domains (IDNA 2008, RFC 5891): ``Café.example`` and
``xn--caf-dma.example`` are the same domain.
"""

import re
import unicodedata

import idna

from .address_list import read_addresses
from .named_address import NamedAddress

# RFC 5322, section 3.2.3, and the letters that RFC 6531 adds.
_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
# RFC 1123, section 2.1; host names have no underscores, but some domains of addresses do.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_DOMAIN = 253
_MAX_LABEL = 63
_MAX_LOCAL_PART = 64
# Characters of a From header that are read. Some messages have several authors; the first one counts.
_AUTHOR_CHARS = 8000


def normalize_domain(text: str | None) -> str | None:
    """Make a domain comparable.

    :return: lower case, IDNA encoded; None when `text` is not a domain
    """
    domain = (text or "").strip().lower()
    if not domain.isascii():
        domain = _encoded_domain(domain)
    if len(domain) > _MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        return None
    return domain


def _encoded_domain(domain):
    """Return the IDNA form of a domain in lower case; empty when it has none.

    Only case and composition are mapped, not everything that UTS 46 maps: mail writes a domain in its own letters (RFC 6531,
    section 3.2). If a domain became one of ours only by removing invisible characters, or by replacing wide letters with
    narrow ones, the server that checked the sender saw another domain. Lengths are checked first, since the time of
    encoding grows with their square.
    """
    domain = unicodedata.normalize("NFC", domain[: _MAX_DOMAIN + 1])
    if len(domain) > _MAX_DOMAIN or any(len(label) > _MAX_LABEL for label in domain.split(".")):
        return ""
    try:
        return idna.encode(domain).decode()
    except idna.IDNAError:
        return ""


def normalize_address(text: str | None) -> str | None:
    """Make a plain address (no display name) comparable.

    :return: lower case, its domain IDNA encoded; None when `text` is not an address
    """
    local, at, domain = (text or "").strip().rpartition("@")
    domain = normalize_domain(domain)
    if not at or not domain or len(local) > _MAX_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        return None
    return f"{local.lower()}@{domain}"


def domain_of(address: str | None) -> str:
    """Return the domain of a normalized address; empty when there is none."""
    return (address or "").rpartition("@")[2]


def split_author(text: str | None) -> tuple[str, str]:
    """Read the value of a From header.

    :param text: as it stands in the header, or as :class:`.NamedAddress` writes it; a decoded value is ambiguous
    :return: (display name, address) of the first address in it; both empty when there is none
    """
    found = read_addresses(text or "", most_chars=_AUTHOR_CHARS)
    return tuple(found[0]) if found else tuple(NamedAddress())


def author_address(text: str | None) -> str | None:
    """Return the address in a From header, made comparable.

    Some senders have a local part that no standard allows, for example with two dots in a row: it is not changed, except
    for its case.

    :return: the first address; None when there is none, or when its domain is not valid
    """
    local, _at, domain = split_author(text)[1].rpartition("@")
    domain = normalize_domain(domain)
    return f"{local.lower()}@{domain}" if local and domain else None


def counted_address(text: str | None) -> str | None:
    """Return the address in a From header as limits count it: without the tag after a plus sign (RFC 5233).

    A program that writes from support+case17@, support+case18@ and so on is one sender.
    """
    address = author_address(text)
    if not address:
        return None
    local, _at, domain = address.rpartition("@")
    return f"{local.split('+', 1)[0] or local}@{domain}"


def filter_entries(from_filter: str | None) -> tuple[str, ...]:
    """Return the entries of a FROM filter: domains and addresses, comma separated, as they were typed."""
    return tuple(entry.strip() for entry in (from_filter or "").split(",") if entry.strip())


def normalize_entry(entry: str) -> str | None:
    """Make an entry of a FROM filter comparable; None when it is neither a domain nor an address."""
    return normalize_address(entry) if "@" in entry else normalize_domain(entry)


def bad_entries(from_filter: str | None) -> tuple[str, ...]:
    """Return the entries of a FROM filter that can never match any address."""
    return tuple(entry for entry in filter_entries(from_filter) if normalize_entry(entry) is None)


def filter_matches(address: str | None, from_filter: str | None) -> bool:
    """Whether a FROM filter lets an address pass; an empty filter lets every address pass.

    :param address: plain or with a display name
    """
    entries = filter_entries(from_filter)
    if not entries:
        return True
    plain = author_address(address)
    return bool(plain) and any(normalize_entry(entry) in (plain, domain_of(plain)) for entry in entries)
