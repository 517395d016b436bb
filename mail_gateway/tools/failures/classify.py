"""What a reply, a report or a lost connection means; see table.py."""

import smtplib
import socket
import ssl
from dataclasses import replace

from .categories import Category, Failure, Phase, Scope
from .reply import Reply
from .table import TABLE
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
    row = next((row for row in TABLE if row.fits(reply, phase)), None)
    scope = (row and row.scope) or _SCOPES[phase]
    permanent = (
        row.permanent if row and row.permanent is not None else not reply.temporary and reply.enhanced[:1] != "4"
    )
    if phase in _BEFORE_A_MESSAGE or reply.code == 421:  # noqa: PLR2004 RFC 5321, section 3.8: the server closes
        scope = Scope.SERVER
    return Failure(
        scope,
        permanent and scope is not Scope.SERVER,
        row.category if row else Category.OTHER,
        None if permanent and scope is not Scope.SERVER else waiting_time(reply.text),
        row.source if row else "",
    )


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
