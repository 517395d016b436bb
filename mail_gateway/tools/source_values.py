"""What is written down of a message when it is stored: all that costs time is done here, by the thread that fetched it."""

from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from .headers.addresses import author_address
from .headers.stored_headers import Headers, read_headers

# An address has 254 octets at most (RFC 5321, section 4.5.3.1.3); what is longer by far is none.
ADDRESS_BYTES = 320


class SourceValues(NamedTuple):
    """:ivar sender: the address in the From, made comparable; '' when it names none
    :ivar digest: SHA-256 of the source, in hexadecimal digits
    """

    headers: Headers
    sender: str
    digest: str


def read_source(source: bytes) -> SourceValues:
    """The values of any bytes. Never raises."""
    headers = read_headers(source)
    return SourceValues(headers, sender_of(headers.sender), digest_of(source))


def digest_of(source: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return sha256(source).hexdigest()


def sender_of(author: str) -> str:
    """The address in the value of a From header, '' when there is none that mail could be sent to."""
    with suppress(Exception):
        address = author_address(author) or ""
        return address if len(address.encode("utf-8", "replace")) <= ADDRESS_BYTES else ""
    return ""
