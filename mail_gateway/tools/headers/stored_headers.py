"""What the spool shows of a message before anybody dares to parse it. Nothing here ever raises."""

import re
from contextlib import suppress
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from typing import NamedTuple

from ..text import encoded_words
from ..text.charsets import read
from ..text.database_text import as_text
from .address_list import read_mailboxes
from .mailing_lists import author_of
from .message_ids import is_message_id, referred_ids

# Beyond this no header is read: a header block larger than that is an attack or not a mail.
HEADER_BYTES = 256 * 1024
# A header is cut here before it is read: the library's time for encoded words and parameters grows with the square.
VALUE_LIMIT = 8000
TEXT_LIMIT = 1000
# An entry of a PostgreSQL index holds 2704 bytes, a character takes up to four.
ID_LIMIT = 500

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_RECIPIENT_HEADERS = (
    *("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"),
    *("To", "Cc", "Resent-To", "Resent-Cc"),
)
# What is read of all of them to show it; whom a message reaches is read from all of it.
_RECIPIENT_CHARS = 16_000


class Headers(NamedTuple):
    """:ivar conversation: the same for all messages of one thread, '' when the message names none"""

    subject: str = ""
    sender: str = ""
    recipients: str = ""
    message_id: str = ""
    conversation: str = ""


def read_headers(source: bytes) -> Headers:
    """Read the head of a raw message.

    :param source: any bytes
    :return: what could be read, as text fit for the database
    """
    head = _parse(source)
    message_id = _shown_id(_text(head, "Message-Id"))
    return Headers(
        subject=_text(head, "Subject"),
        sender=str(author_of(head.get_all))[:TEXT_LIMIT],
        recipients=_recipients(head),
        message_id=message_id,
        conversation=_conversation(head) or (message_id if is_message_id(message_id) else ""),
    )


def message_id_of(message: Message) -> str:
    """The Message-Id of a parsed message as the spool reads it, whatever the parser made of it.

    :return: empty when there is none, or nothing that tells messages apart: ``<>``, say (RFC 5322, section 3.6.4)
    """
    for name, value in message.raw_items():
        if name.lower() == "message-id":
            found = _shown_id(decode_words(as_text(str(value)[:VALUE_LIMIT]))[:TEXT_LIMIT])
            return found if is_message_id(found) else ""
    return ""


def _shown_id(text):
    """What stands in place of a Message-Id, be it one or not; empty when it holds neither letters nor digits."""
    found = _MESSAGE_ID.search(text)
    shown = found.group()[:ID_LIMIT] if found else text[:ID_LIMIT]
    return shown if any(map(str.isalnum, shown)) else ""


def _parse(source: bytes) -> Message:
    head = re.split(rb"\r?\n\r?\n", source[:HEADER_BYTES], maxsplit=1)[0]
    with suppress(Exception):
        return BytesHeaderParser(policy=ReadingPolicy()).parsebytes(head)
    return Message()


class ReadingPolicy(Compat32):
    """Header values as text of bounded length.

    The old policy hands them out unparsed: the new one fails on some Message-Ids (CPython 105802).
    """

    def header_source_parse(self, sourcelines):
        name, value = super().header_source_parse(sourcelines)
        return name, as_text(value[:VALUE_LIMIT])


def _conversation(head: Message) -> str:
    """The first Message-Id of the thread: References lists the ancestors, oldest first (RFC 5322, section 3.6.4)."""
    ids = referred_ids(_text(head, "References")) or referred_ids(_text(head, "In-Reply-To"))
    return ids[0][:ID_LIMIT] if ids else ""


def _recipients(head: Message) -> str:
    values = [value for name in _RECIPIENT_HEADERS for value in head.get_all(name, [])]
    found = read_mailboxes(*values, most_chars=_RECIPIENT_CHARS)
    return ", ".join(dict.fromkeys(mailbox.address.lower() for mailbox in found))[:TEXT_LIMIT]


def _text(head: Message, name: str) -> str:
    return decode_words(head.get(name, ""))[:TEXT_LIMIT]


def decode_words(value: str) -> str:
    """Encoded words (RFC 2047) as text on one line; what cannot be decoded is kept with marks in its place."""
    with suppress(Exception):
        value = encoded_words.decode_words(value)
    return " ".join(as_text(value).split())


def decode(data: bytes, charset: str) -> str:
    """`data` in a charset that a message names, or in what it looks like when Python does not know that one."""
    return as_text(read(data, charset).text)
