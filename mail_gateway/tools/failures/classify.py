"""What a reply, a report or a lost connection means; see table.py."""

import smtplib
import socket
import ssl
from dataclasses import replace
from datetime import timedelta

from .categories import Category, Failure, Phase, Scope
from .reply import Reply
from .table import find_row
from .waiting_time import waiting_time

# Whose failure it is when the table does not say.
_SCOPES = {
    Phase.CONNECT: Scope.SERVER,
    Phase.TLS: Scope.SERVER,
    Phase.AUTH: Scope.SERVER,
    Phase.MAIL: Scope.MESSAGE,
    Phase.RCPT: Scope.RECIPIENT,
    Phase.DATA: Scope.MESSAGE,
    Phase.END_OF_DATA: Scope.MESSAGE,
    None: Scope.RECIPIENT,
}
# A server that refuses before it knows a message does so to all messages: they wait.
_BEFORE_A_MESSAGE = {Phase.CONNECT, Phase.TLS, Phase.AUTH}
_LOST = Failure(Scope.SERVER, permanent=False, category=Category.UNREACHABLE, source="RFC 5321, 4.5.4.1")


def classify_reply(reply: Reply, phase: Phase | None) -> Failure:
    """Return what a refusal means.

    :param reply: of the class 4 or 5
    :param phase: in which the server gave it; None when a delivery report says so
    """
    row = find_row(reply, phase)
    scope = (row and row.scope) or _SCOPES[phase]
    permanent = (
        row.permanent if row and row.permanent is not None else not reply.temporary and reply.enhanced[:1] != "4"
    )
    if phase in _BEFORE_A_MESSAGE or reply.code == 421:  # noqa: PLR2004 RFC 5321, section 3.8: the server closes
        scope = Scope.SERVER
    permanent = permanent and scope is not Scope.SERVER
    category = row.category if row else Category.OTHER
    return Failure(scope, permanent, category, _wait(reply, scope, category, permanent), row.source if row else "")


def _wait(reply, scope, category, permanent):
    if permanent:
        return None
    if category is Category.RATE and scope is Scope.RECIPIENT:
        return timedelta()  # too many recipients: the others go in another transaction (RFC 5321, 4.5.3.1.10)
    return waiting_time(reply.text)


def classify_error(error: BaseException, phase: Phase) -> Failure:
    """Return what an exception of the network, of TLS or of smtplib means: it is always the server's failure.

    :param phase: which was under way
    """
    match error:
        case smtplib.SMTPNotSupportedError():
            return replace(
                _LOST, category=Category.LOGIN if phase is Phase.AUTH else Category.PROTOCOL, source="RFC 5321"
            )
        case ssl.SSLError():
            return replace(_LOST, category=Category.TLS, source="RFC 3207")
        case socket.gaierror() | UnicodeError():
            return replace(_LOST, source="RFC 5321, 5.1")
    return replace(_LOST, category=Category.TLS) if phase is Phase.TLS else _LOST
