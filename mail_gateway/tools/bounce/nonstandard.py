"""Recognises bounces that are not delivery reports (RFC 3464). No function here raises an exception."""

from contextlib import suppress
from email.message import Message

from ..headers.addresses import author_address
from ..text.database_text import as_text

_DAEMONS = {"mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon", "postmaster"}
# Content types of parts that return the message or report on it.
_RETURNING = {"message/rfc822", "text/rfc822-headers", "message/delivery-status"}
# Characters of From that are read.
_AUTHOR_CHARS = 8000


def has_bounce_form(message: Message) -> bool:
    """Whether a message from the null sender has the form of a bounce, and is not an automatic reply.

    Mail servers write as a daemon or as postmaster (qmail, Exchange), name the recipient in a header (Exim), or return the
    message.

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
