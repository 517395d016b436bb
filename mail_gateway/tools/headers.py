"""What the spool shows of a message before anybody dares to parse it. Nothing here ever raises."""

import email.utils
import re
from contextlib import suppress
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from typing import NamedTuple

from . import encoded_words
from .reading_charsets import read

# Beyond this no header is read: a header block larger than that is an attack or not a mail.
HEADER_BYTES = 256 * 1024
# A header is cut here before it is read: the library's time for encoded words and parameters grows with the square.
VALUE_LIMIT = 8000
TEXT_LIMIT = 1000
# An entry of a PostgreSQL index holds 2704 bytes, a character takes up to four.
ID_LIMIT = 500

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "To", "Cc", "Resent-To", "Resent-Cc")
# Newer Pythons answer a header that is not perfect with no address at all.
_LENIENT = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}


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
    message_id = _own_id(_text(head, "Message-Id"))
    return Headers(
        subject=_text(head, "Subject"),
        sender=_text(head, "From"),
        recipients=_recipients(head),
        message_id=message_id,
        conversation=_conversation(head) or message_id,
    )


def message_id_of(message: Message) -> str:
    """The Message-Id of a parsed message as the spool reads it, whatever the parser made of it.

    :return: empty when there is none
    """
    for name, value in message.raw_items():
        if name.lower() == "message-id":
            return _own_id(decode_words(as_text(str(value)[:VALUE_LIMIT]))[:TEXT_LIMIT])
    return ""


def _own_id(text):
    return _first_id(text) or text[:ID_LIMIT]


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
    return _first_id(_text(head, "References")) or _first_id(_text(head, "In-Reply-To"))


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text)
    return found.group()[:ID_LIMIT] if found else ""


def _recipients(head: Message) -> str:
    addresses = []
    for value in (value for name in _RECIPIENT_HEADERS for value in head.get_all(name, [])):
        with suppress(Exception):
            addresses += [address.lower() for _name, address in email.utils.getaddresses([value], **_LENIENT)]
    return ", ".join(dict.fromkeys(address for address in addresses if "@" in address))[:TEXT_LIMIT]


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


def as_text(raw: str) -> str:
    """Text fit for the database: no NUL, no surrogates. Bytes that Python smuggles in as such are read as text."""
    if raw.isascii():
        return raw.replace("\0", "")
    try:
        data = raw.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates: some charsets, UTF-7 for one, can write them
        data = raw.encode("utf-8", "replace")
    return read(data).text.replace("\0", "")
