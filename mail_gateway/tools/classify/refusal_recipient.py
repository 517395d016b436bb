"""Finds the recipient and the references of the answer that rejects a message.

No function here raises an exception, whatever the message contains.
"""

import re
from contextlib import suppress
from email.message import Message
from typing import NamedTuple

from ..headers.addresses import author_address, split_author
from ..headers.mailing_lists import author_of, is_rewritten
from ..headers.message_head import parse_head
from ..headers.message_ids import writable_ids
from .automatic_reply import RawHeaders, Sign, unanswerable

# RFC 5322, section 3.6.4, sets no limit, but some servers do.
_MAX_REFERENCES = 20


class Refusal(NamedTuple):
    """The data for the answer to a message that is rejected.

    :ivar to: the address that gets the answer; empty when there is none
    :ivar is_null: whether the message came from the null sender, which is never answered (RFC 5321, section 4.5.5)
    :ivar in_reply_to: the Message-Id of the message; empty when it has none that a header can hold
    :ivar references: the Message-Ids of the thread, with the message's own at the end
    :ivar program: the sign that a program sent the message, which would not read an answer; None for people
    """

    to: str = ""
    is_null: bool = False
    in_reply_to: str = ""
    references: str = ""
    program: Sign | None = None


def refusal_of(source: bytes) -> Refusal:
    """Read from the headers of a message how its sender can be notified that it is rejected.

    As in core's ``mail.thread._routing_create_bounce_email``, the answer goes to the Return-Path, else to From. If a list
    rewrote From, the answer goes to the author, since the list receives bounces at the Return-Path.

    :param source: any bytes
    """
    message = parse_head(source)
    headers = RawHeaders(message)
    paths = headers.all("return-path")[:1]
    address = _address(paths[0]) if paths else ""
    is_null = bool(paths) and not paths[0].strip().strip("<>").strip()
    own = _ids(headers, "message-id")[:1]
    author = author_of(headers.all).address
    to = author if is_rewritten(headers.all) else address or author
    return Refusal(
        to="" if is_null else _plain(to),
        is_null=is_null,
        in_reply_to="".join(own),
        references=" ".join([*_thread(headers), *own]),
        program=_program(message),
    )


def _address(value: str) -> str:
    """Return the address in the value of a header; empty when there is none to which mail can be sent."""
    return _plain(split_author(value)[1])


def _plain(address: str) -> str:
    """Return the address as it was written (some local parts are case-sensitive); empty when it is not a plain one."""
    return address if author_address(address) and not re.search(r"[\s<>,;:\"]", address) else ""


def _thread(headers: RawHeaders) -> list[str]:
    """Return the Message-Ids to which the message refers; if there are many, only the first and the last ones."""
    found = _ids(headers, "references") or _ids(headers, "in-reply-to")[:1]
    return found if len(found) < _MAX_REFERENCES else [found[0], *found[-_MAX_REFERENCES + 2 :]]


def _ids(headers: RawHeaders, name: str) -> list[str]:
    return [found for value in headers.all(name) for found in writable_ids(value)]


def _program(message: Message) -> Sign | None:
    with suppress(Exception):
        return unanswerable(message)
    return None
