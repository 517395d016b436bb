"""Reads the headers that are stored with a message, to show and search it before it is parsed.

No function here raises an exception.
"""

from contextlib import suppress
from email.message import Message
from typing import NamedTuple

from ..text import encoded_words
from ..text.database_text import as_text
from .address_list import read_addresses
from .mailing_lists import author_of
from .message_head import VALUE_LIMIT, parse_head
from .message_ids import bracketed_ids, is_message_id, referred_ids

# Characters of a header that are stored.
TEXT_LIMIT = 1000
# An entry of a PostgreSQL index holds 2704 bytes, a character takes up to four.
ID_LIMIT = 500

_RECIPIENT_HEADERS = (
    *("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"),
    *("To", "Cc", "Resent-To", "Resent-Cc"),
)
# Characters that are read of all these headers together to show them; routing reads all recipients.
_RECIPIENT_CHARS = 16_000


class Headers(NamedTuple):
    """The headers that are stored, decoded and cut.

    :ivar sender: name and address of the author
    :ivar recipients: addresses, separated by commas
    :ivar message_id: as it stands in the header, even when malformed; '' when it has neither letters nor digits
    :ivar conversation: the same text for all messages of one thread, '' when the message names no thread
    """

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
    head = parse_head(source)
    message_id = _shown_id(_text(head, "Message-Id"))
    return Headers(
        subject=_text(head, "Subject"),
        sender=str(author_of(head.get_all))[:TEXT_LIMIT],
        recipients=_recipients(head),
        message_id=message_id,
        conversation=_conversation(head) or (message_id if is_message_id(message_id) else ""),
    )


def message_id_of(message: Message) -> str:
    """Return the Message-Id of a parsed message, as :func:`read_headers` reads it from the source.

    :return: empty when there is none, or one that does not identify a message, such as ``<>`` (RFC 5322, section 3.6.4)
    """
    for name, value in message.raw_items():
        if name.lower() == "message-id":
            found = _shown_id(decode_words(as_text(str(value)[:VALUE_LIMIT]))[:TEXT_LIMIT])
            return found if is_message_id(found) else ""
    return ""


def _shown_id(text):
    """Return the value of a Message-Id header, even a malformed one; empty when it has neither letters nor digits."""
    shown = (bracketed_ids(text) or [text])[0][:ID_LIMIT]
    return shown if any(map(str.isalnum, shown)) else ""


def _conversation(head: Message) -> str:
    """Return the first Message-Id of the thread: References lists ancestors, oldest first (RFC 5322, section 3.6.4)."""
    ids = referred_ids(_text(head, "References")) or referred_ids(_text(head, "In-Reply-To"))
    return ids[0][:ID_LIMIT] if ids else ""


def _recipients(head: Message) -> str:
    values = [value for name in _RECIPIENT_HEADERS for value in head.get_all(name, [])]
    found = read_addresses(*values, most_chars=_RECIPIENT_CHARS)
    return ", ".join(dict.fromkeys(entry.address.lower() for entry in found))[:TEXT_LIMIT]


def _text(head: Message, name: str) -> str:
    return decode_words(head.get(name, ""))[:TEXT_LIMIT]


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047) to text on one line, fit for the database; U+FFFD replaces undecodable bytes."""
    with suppress(Exception):
        value = encoded_words.decode_words(value)
    return " ".join(as_text(value).split())
