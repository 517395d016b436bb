"""What the spool shows of a message before anybody dares to parse it. Nothing here ever raises."""

import re
from contextlib import suppress
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import NamedTuple

# Beyond this no header is read: a header block larger than that is an attack or not a mail.
HEADER_BYTES = 256 * 1024
TEXT_LIMIT = 1000

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "To", "Cc", "Resent-To", "Resent-Cc")


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
    message_id = _first_id(_text(head, "Message-Id")) or _text(head, "Message-Id").strip()
    return Headers(
        subject=_text(head, "Subject"),
        sender=_text(head, "From"),
        recipients=_recipients(head),
        message_id=message_id,
        conversation=_conversation(head) or message_id,
    )


def _parse(source: bytes) -> Message:
    head = re.split(rb"\r?\n\r?\n", source[:HEADER_BYTES], maxsplit=1)[0]
    with suppress(Exception):
        # the old policy hands out header values unparsed: the new one fails on some Message-Ids (CPython 105802)
        return BytesHeaderParser().parsebytes(head)
    return Message()


def _conversation(head: Message) -> str:
    """The first Message-Id of the thread: References lists the ancestors, oldest first (RFC 5322, section 3.6.4)."""
    return _first_id(_text(head, "References")) or _first_id(_text(head, "In-Reply-To"))


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text)
    return found.group() if found else ""


def _recipients(head: Message) -> str:
    with suppress(Exception):
        pairs = getaddresses([_text(head, name, every=True) for name in _RECIPIENT_HEADERS])
        return ", ".join(dict.fromkeys(address.lower() for _name, address in pairs if address))[:TEXT_LIMIT]
    return ""


def _text(head: Message, name: str, every: bool = False) -> str:
    values = head.get_all(name, [])
    return ", ".join(decode_words(value) for value in (values if every else values[:1]))[: TEXT_LIMIT * (10 if every else 1)]


def decode_words(value) -> str:
    """Encoded words (RFC 2047) as text; what cannot be decoded is kept with marks in its place."""
    raw = str(value)
    with suppress(Exception):
        parts = (
            part.decode(charset or "utf-8", "replace") if isinstance(part, bytes) else part
            for part, charset in decode_header(raw)
        )
        raw = "".join(parts)
    readable = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(readable.replace("\0", "").split())
