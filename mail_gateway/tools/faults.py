"""Finds out which errors pass, so that another try can succeed, and the kinds of connection errors."""

import errno
import poplib
import socket
import ssl
from enum import Enum
from imaplib import IMAP4

import psycopg2
from psycopg2 import errorcodes

from .fetch.mailbox_errors import LoginRefused
from .fetch.visit import EndlessServer, VisitOver
from .fetch.worker_threads import Abandoned

# SQLSTATE classes (PostgreSQL manual, appendix A) that are not about the message that is written.
_PASSING_CLASSES = {
    errorcodes.CLASS_CONNECTION_EXCEPTION,
    errorcodes.CLASS_TRANSACTION_ROLLBACK,
    errorcodes.CLASS_INSUFFICIENT_RESOURCES,
    errorcodes.CLASS_OPERATOR_INTERVENTION,
    errorcodes.CLASS_SYSTEM_ERROR,
}
_PASSING_CODES = {errorcodes.LOCK_NOT_AVAILABLE, errorcodes.READ_ONLY_SQL_TRANSACTION}
_PASSING_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS}


def is_passing(error: BaseException | None, further: tuple[type[BaseException], ...] = ()) -> bool:
    """Whether the same action can succeed later: after conflicts, locks, lack of connections, memory or disk space.

    The causes of an error count, too, since frameworks wrap errors.

    :param further: exceptions of a framework that pass as well
    """
    while error is not None:
        if isinstance(error, further):
            return True
        if isinstance(error, MemoryError | ConnectionError | TimeoutError | psycopg2.InterfaceError):
            return True
        if isinstance(error, OSError) and error.errno in _PASSING_ERRNOS:
            return True
        if isinstance(error, psycopg2.Error) and _is_passing_sqlstate(error):
            return True
        error = error.__cause__
    return False


def _is_passing_sqlstate(error: psycopg2.Error) -> bool:
    if error.pgcode is None:
        # the connection broke before the server could report anything
        return isinstance(error, psycopg2.OperationalError)
    return error.pgcode[:2] in _PASSING_CLASSES or error.pgcode in _PASSING_CODES


class ConnectionFault(Enum):
    """The kind of an error on a connection to a mail server."""

    NAME = "name"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    TOO_SLOW = "too_slow"
    CERTIFICATE = "certificate"
    TLS = "tls"
    ENDLESS = "endless"
    LOGIN = "login"
    LOST = "lost"
    REPLY = "reply"
    OTHER = "other"


_CONNECTION_FAULTS = (
    (socket.gaierror, ConnectionFault.NAME),
    (UnicodeError, ConnectionFault.NAME),
    (ConnectionRefusedError, ConnectionFault.REFUSED),
    (ssl.SSLCertVerificationError, ConnectionFault.CERTIFICATE),
    (VisitOver, ConnectionFault.TOO_SLOW),
    (TimeoutError, ConnectionFault.TIMEOUT),
    (socket.timeout, ConnectionFault.TIMEOUT),
    (Abandoned, ConnectionFault.TIMEOUT),
    (EndlessServer, ConnectionFault.ENDLESS),
    (ssl.SSLError, ConnectionFault.TLS),
    (LoginRefused, ConnectionFault.LOGIN),
    (IMAP4.abort, ConnectionFault.LOST),
    (OSError, ConnectionFault.LOST),
    (EOFError, ConnectionFault.LOST),
    (IMAP4.error, ConnectionFault.REPLY),
    (poplib.error_proto, ConnectionFault.REPLY),
)


def connection_fault(error: BaseException) -> ConnectionFault:
    """Return the kind of a connection error, by which the error is explained to administrators."""
    # some classes derive from others (SSLCertVerificationError from SSLError and ValueError), so the order above decides
    return next((fault for kind, fault in _CONNECTION_FAULTS if isinstance(error, kind)), ConnectionFault.OTHER)
