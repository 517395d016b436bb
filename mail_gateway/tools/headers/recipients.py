"""The recipients in the headers of a message, and a copy of the message whose headers Odoo reads the same way."""

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from email.message import Message
from email.policy import compat32
from typing import NamedTuple

from ..text.database_text import as_text
from .address_list import MAX_CHARS, read_addresses
from .addresses import normalize_address
from .message_head import parse_head
from .named_address import NamedAddress

# Headers that people write, and that lists and people who pass a message on add (RFC 5322, section 3.6.6).
WRITTEN = ("To", "Cc", "Resent-To", "Resent-Cc")
# Headers in which servers note the envelope (Postfix, qmail, Exim, sendmail, Cyrus), and Bcc where it was not removed.
TRANSPORT = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Bcc", "Resent-Bcc")
# Each server on the way may add its own; the topmost are those of the last ones.
_TRANSPORT_CHARS = 16_000
# RFC 5321 allows 64 characters in a local part: it can't have more.
_MAX_TAGS = 64


class Recipients(NamedTuple):
    """Who a message is for.

    :ivar written: header -> its addresses, for the headers in WRITTEN
    :ivar by_transport: header -> its addresses, for the headers in TRANSPORT
    """

    written: dict[str, list[NamedAddress]]
    by_transport: dict[str, list[NamedAddress]]

    @property
    def transport(self) -> list[NamedAddress]:
        """The addresses in all headers of TRANSPORT."""
        return [entry for entries in self.by_transport.values() for entry in entries]

    def counts_transport(self, ours) -> bool:
        """Whether TRANSPORT counts: only where people name none of our addresses.

        Else the name of the mailbox itself would be one more alias. Where Bcc named us, TRANSPORT is the only trace of it.

        :param ours: normalized addresses that reach an alias or a record
        """
        written = (entry for entries in self.written.values() for entry in entries)
        return not any(normalize_address(entry.address) in ours for entry in written)

    @property
    def all(self) -> list[NamedAddress]:
        """Those that people wrote, then the others."""
        return [*(entry for entries in self.written.values() for entry in entries), *self.transport]


def raw_values(message: Message) -> Callable[..., list[str]]:
    """A function like ``get_all`` of a message, for values as they stand in the headers, not parsed by the library."""
    values: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        values.setdefault(str(name).lower(), []).append(value)
    return lambda name, default=(): [as_text(str(value)) for value in values.get(name.lower(), default)]


def recipients_of(message: Message) -> Recipients:
    """The recipients that the headers of a message name."""
    get_all = raw_values(message)
    return Recipients(_read(get_all, WRITTEN, MAX_CHARS), _read(get_all, TRANSPORT, _TRANSPORT_CHARS))


def recipients_in(source: bytes) -> Recipients:
    """The recipients in the headers of a raw message, also of one that Odoo is given in another form.

    :param source: any bytes
    """
    with suppress(Exception):
        return recipients_of(parse_head(source, compat32))
    return Recipients({}, {})


def _read(get_all, names, left):
    found = {}
    for name in names:
        values = get_all(name)
        found[name] = read_addresses(*values, most_chars=left)
        left = max(left - sum(map(len, values)), 0)
    return found


def without_tags(address: str) -> list[str]:
    """An address, and those it may be a subaddress of (RFC 5233), the longest first: a+b+c@, a+b@, a@."""
    local, _at, domain = address.rpartition("@")
    found = [address]
    while "+" in local[1:] and len(found) <= _MAX_TAGS:
        local = local.rpartition("+")[0]
        if local.strip("+"):
            found.append(f"{local}@{domain}")
    return found


# ---------------------------------------------------------------------- a message as Odoo reads it


class _Value(str):
    """The value of a header that the library hands out as it is: it takes it for one that it parsed itself."""

    name = ""


def with_headers(message: Message, values: dict[str, str]) -> Message:
    """The same message with other headers; the message itself is not changed, its parts are shared.

    :param values: header -> decoded value; those that are empty are left out
    """
    changed = copy(message)
    for name, text in values.items():
        del changed[name]
        if text:
            value = _Value(text)
            value.name = name
            changed[name] = value
    return changed


def joined(entries: list[NamedAddress]) -> str:
    """The value of a header from which Odoo's tools read the same addresses.

    Names are in quotes. An address that Odoo would misread alone gets a name.
    """
    return ", ".join(dict.fromkeys(map(_for_odoo, entries)))


def _for_odoo(entry):
    name = entry.name or (entry.address if " " in entry.address else "").replace('"', "").rpartition("@")[0]
    if not name:
        return entry.address
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{entry.address}>'
