"""Bounces in forms of mail servers' own, older than delivery reports (RFC 3464) or ignorant of them. Nothing here raises."""

from contextlib import suppress
from email.message import Message

from ..headers.addresses import author_address
from ..text.database_text import as_text

_DAEMONS = {"mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon", "postmaster"}
# What returns the message, or says what became of it.
_RETURNING = {"message/rfc822", "text/rfc822-headers", "message/delivery-status"}
# Of an author only so much is read.
_AUTHOR_CHARS = 8000


def has_bounce_form(message: Message) -> bool:
    """Whether a message under the null sender is a bounce by its form, and no automatic reply.

    Mail servers sign as a daemon or their postmaster (qmail, Exchange), name the recipient in a header (Exim), or return
    the message.

    :param message: parsed under any policy
    """
    headers = [(str(name).lower(), str(value)) for name, value in message.raw_items()]
    author = next((value for name, value in headers if name == "from"), "")
    if _is_daemon(author) or any(name == "x-failed-recipients" for name, _value in headers):
        return True
    with suppress(Exception):
        return any(part.get_content_type() in _RETURNING for part in message.walk())
    return False


def _is_daemon(author: str) -> bool:
    address = author_address(as_text(author[:_AUTHOR_CHARS])) or ""
    return address.partition("@")[0].lower() in _DAEMONS
