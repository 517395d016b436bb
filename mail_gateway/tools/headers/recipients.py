"""Reads the recipients in the headers of a message, and makes a copy whose headers Odoo reads in the same way."""

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

# Headers that people write, and headers that lists and people add when they resend a message (RFC 5322, section 3.6.6).
WRITTEN = ("To", "Cc", "Resent-To", "Resent-Cc")
# Headers in which servers record the envelope (Postfix, qmail, Exim, sendmail, Cyrus), and Bcc where it was not removed.
TRANSPORT = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Bcc", "Resent-Bcc")
# Each server on the way may add such headers; the last servers add theirs at the top.
_TRANSPORT_CHARS = 16_000
# RFC 5321 allows 64 characters in a local part, so it can't have more tags.
_MAX_TAGS = 64


class Recipients(NamedTuple):
    """The recipients of a message.

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
        """Whether the headers of TRANSPORT count: only when people name none of our addresses in WRITTEN.

        Otherwise the name of the mailbox itself would be a further alias. If Bcc named us, only TRANSPORT shows it.

        :param ours: normalized addresses that reach an alias or a record
        """
        written = (entry for entries in self.written.values() for entry in entries)
        return not any(normalize_address(entry.address) in ours for entry in written)

    @property
    def all(self) -> list[NamedAddress]:
        """The addresses that people wrote, then those in TRANSPORT."""
        return [*(entry for entries in self.written.values() for entry in entries), *self.transport]


def raw_values(message: Message) -> Callable[..., list[str]]:
    """Return a function like ``get_all`` of a message, for raw values, which the library has not parsed."""
    values: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        values.setdefault(str(name).lower(), []).append(value)
    return lambda name, default=(): [as_text(str(value)) for value in values.get(name.lower(), default)]


def recipients_of(message: Message) -> Recipients:
    """Return the recipients that the headers of a message name."""
    get_all = raw_values(message)
    return Recipients(_read(get_all, WRITTEN, MAX_CHARS), _read(get_all, TRANSPORT, _TRANSPORT_CHARS))


def recipients_in(source: bytes) -> Recipients:
    """Return the recipients in the headers of a raw message, even if Odoo gets the message in another form.

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
    """Return an address, and those of which it may be a subaddress (RFC 5233), the longest first: a+b+c@, a+b@, a@."""
    local, _at, domain = address.rpartition("@")
    found = [address]
    while "+" in local[1:] and len(found) <= _MAX_TAGS:
        local = local.rpartition("+")[0]
        if local.strip("+"):
            found.append(f"{local}@{domain}")
    return found


# ---------------------------------------------------------------------- a message as Odoo reads it


class _Value(str):
    """A header value that the library returns unchanged, since it takes the value for one that it parsed itself."""

    name = ""


def with_headers(message: Message, values: dict[str, str]) -> Message:
    """Return a copy of a message with other headers. The message itself is not changed; the copy shares its parts.

    :param values: header -> decoded value; headers with an empty value are removed
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
    """Return the value of a header from which Odoo's tools read the same addresses.

    Names are in quotes. An address that Odoo would misread without a name gets one.
    """
    return ", ".join(dict.fromkeys(map(_for_odoo, entries)))


def _for_odoo(entry):
    name = entry.name or (entry.address if " " in entry.address else "").replace('"', "").rpartition("@")[0]
    if not name:
        return entry.address
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{entry.address}>'
