"""Computes the values that are stored with a message, in the thread that fetched it, since this takes time."""

from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from .headers.addresses import author_address
from .headers.stored_headers import Headers, read_headers

# RFC 5321, section 4.5.3.1.3, allows 254 octets; much longer texts are not addresses.
ADDRESS_BYTES = 320


class SourceValues(NamedTuple):
    """Values of a message.

    :ivar headers: see :class:`.stored_headers.Headers`
    :ivar sender: the address in From in comparable form; '' when there is none
    :ivar digest: SHA-256 of the source, in hexadecimal digits
    """

    headers: Headers
    sender: str
    digest: str


def read_source(source: bytes) -> SourceValues:
    """Return the values of any bytes. Never raises."""
    headers = read_headers(source)
    return SourceValues(headers, sender_of(headers.sender), digest_of(source))


def digest_of(source: bytes) -> str:
    """Return the SHA-256 of the source, in hexadecimal digits."""
    return sha256(source).hexdigest()


def sender_of(author: str) -> str:
    """Return the address in the value of a From header, '' when there is none to which mail could be sent."""
    with suppress(Exception):
        address = author_address(author) or ""
        return address if len(address.encode("utf-8", "replace")) <= ADDRESS_BYTES else ""
    return ""
