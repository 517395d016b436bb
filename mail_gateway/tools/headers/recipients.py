"""Whom a message is for, by the headers that say so, and a message that says it the way Odoo reads it."""

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from email.message import Message
from email.policy import compat32
from typing import NamedTuple

from ..text.database_text import as_text
from .address_list import MAX_CHARS, Mailbox, read_mailboxes
from .addresses import normalize_address
from .message_head import parse_head

# What people write, and what lists and people who pass a message on add (RFC 5322, section 3.6.6).
WRITTEN = ("To", "Cc", "Resent-To", "Resent-Cc")
# What servers note of the envelope (Postfix, qmail, Exim, sendmail, Cyrus), and where Bcc was left in a message.
TRANSPORT = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Bcc", "Resent-Bcc")
# Each server on the way may add its own; the topmost are those of the last ones.
_TRANSPORT_CHARS = 16_000
# RFC 5321 allows 64 characters in a local part: it can't have more.
_MAX_TAGS = 64


class Recipients(NamedTuple):
    """:ivar written: header -> mailboxes, of WRITTEN
    :ivar by_transport: header -> mailboxes, of TRANSPORT
    """

    written: dict[str, list[Mailbox]]
    by_transport: dict[str, list[Mailbox]]

    @property
    def transport(self) -> list[Mailbox]:
        """The mailboxes of TRANSPORT."""
        return [mailbox for mailboxes in self.by_transport.values() for mailbox in mailboxes]

    def counts_transport(self, ours) -> bool:
        """Whether TRANSPORT counts: where people name none of ours.

        A mailbox's own name would else be one more alias, and where Bcc named us it is the only trace of that.

        :param ours: normalized addresses that lead somewhere
        """
        written = (mailbox for mailboxes in self.written.values() for mailbox in mailboxes)
        return not any(normalize_address(mailbox.address) in ours for mailbox in written)

    @property
    def all(self) -> list[Mailbox]:
        """Those that people wrote, then the others."""
        return [*(mailbox for mailboxes in self.written.values() for mailbox in mailboxes), *self.transport]


def raw_values(message: Message) -> Callable[..., list[str]]:
    """The get_all method of a message, but for values as they stand in the headers, not parsed by the library."""
    values: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        values.setdefault(str(name).lower(), []).append(value)
    return lambda name, default=(): [as_text(str(value)) for value in values.get(name.lower(), default)]


def recipients_of(message: Message) -> Recipients:
    """The recipients that the headers of a message name."""
    get_all = raw_values(message)
    return Recipients(_read(get_all, WRITTEN, MAX_CHARS), _read(get_all, TRANSPORT, _TRANSPORT_CHARS))


def recipients_in(source: bytes) -> Recipients:
    """The recipients that the head of a raw message names, also one that Odoo gets in another form."""
    with suppress(Exception):
        return recipients_of(parse_head(source, compat32))
    return Recipients({}, {})


def _read(get_all, names, left):
    found = {}
    for name in names:
        values = get_all(name)
        found[name] = read_mailboxes(*values, most_chars=left)
        left = max(left - sum(map(len, values)), 0)
    return found


def without_tags(address: str) -> list[str]:
    """The addresses that a subaddress may mean (RFC 5233), the longest first: a+b+c@, a+b@, a@."""
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


def joined(mailboxes: list[Mailbox]) -> str:
    """Mailboxes as Odoo's tools read them back: names in quotes, and one where the address alone would be misread."""
    return ", ".join(dict.fromkeys(map(_for_odoo, mailboxes)))


def _for_odoo(mailbox):
    name = mailbox.name or (mailbox.address if " " in mailbox.address else "").replace('"', "").rpartition("@")[0]
    if not name:
        return mailbox.address
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{mailbox.address}>'
