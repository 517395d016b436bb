"""The headers that are stored with a message, to show and search it before it is parsed. Nothing here raises."""

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
# Characters that are read of all of them together to show them; to find the recipients, all of them are read.
_RECIPIENT_CHARS = 16_000


class Headers(NamedTuple):
    """What is stored of the headers, decoded and cut.

    :ivar sender: name and address of the author
    :ivar recipients: addresses, separated by commas
    :ivar message_id: as it stands in the header, even when it is none; '' when it has neither letters nor digits
    :ivar conversation: the same for all messages of one thread, '' when the message names none
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
    """The Message-Id of a parsed message as :func:`read_headers` reads it, from its source.

    :return: empty when there is none, or nothing that tells messages apart: ``<>``, say (RFC 5322, section 3.6.4)
    """
    for name, value in message.raw_items():
        if name.lower() == "message-id":
            found = _shown_id(decode_words(as_text(str(value)[:VALUE_LIMIT]))[:TEXT_LIMIT])
            return found if is_message_id(found) else ""
    return ""


def _shown_id(text):
    """The value of a Message-Id header, also one that is malformed; empty when it has neither letters nor digits."""
    shown = (bracketed_ids(text) or [text])[0][:ID_LIMIT]
    return shown if any(map(str.isalnum, shown)) else ""


def _conversation(head: Message) -> str:
    """The first Message-Id of the thread: References lists the ancestors, oldest first (RFC 5322, section 3.6.4)."""
    ids = referred_ids(_text(head, "References")) or referred_ids(_text(head, "In-Reply-To"))
    return ids[0][:ID_LIMIT] if ids else ""


def _recipients(head: Message) -> str:
    values = [value for name in _RECIPIENT_HEADERS for value in head.get_all(name, [])]
    found = read_addresses(*values, most_chars=_RECIPIENT_CHARS)
    return ", ".join(dict.fromkeys(entry.address.lower() for entry in found))[:TEXT_LIMIT]


def _text(head: Message, name: str) -> str:
    return decode_words(head.get(name, ""))[:TEXT_LIMIT]


def decode_words(value: str) -> str:
    """Encoded words (RFC 2047) as text on one line, fit for the database; U+FFFD stands for what cannot be decoded."""
    with suppress(Exception):
        value = encoded_words.decode_words(value)
    return " ".join(as_text(value).split())
