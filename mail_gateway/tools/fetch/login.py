"""The beginning of an IMAP or POP3 session: STARTTLS if the settings ask for it, then the login."""

import poplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from imaplib import IMAP4

from .mailbox_errors import LoginRefused, server_words
from .mailbox_settings import MailboxSettings


def encrypt_and_log_in(
    settings: MailboxSettings,
    connection: object,
    start_tls: Callable[[ssl.SSLContext], object],
    close: Callable[[], object],
) -> None:
    """Make a new connection ready for use, or close it.

    :param connection: an object of imaplib or poplib, as Odoo's OAuth modules expect it
    :param start_tls: sends the command for TLS, and encrypts
    :param close: closes the connection
    :raises ssl.SSLError: when the server refuses TLS
    :raises LoginRefused: when it refuses the login
    :raises OSError, EOFError, imaplib.IMAP4.abort: when the connection breaks
    """
    try:
        if settings.starttls and not settings.tls:
            with _refusal_as(ssl.SSLError):
                start_tls(settings.tls_context())
        with _refusal_as(LoginRefused), settings.log.login():
            settings.log_in(connection)
    except BaseException:
        with suppress(OSError):  # a failed handshake closed the socket already
            close()
        raise


@contextmanager
def _refusal_as(kind: type[Exception]) -> Iterator[None]:
    """Turn a refusal into another exception, with the words of the server."""
    try:
        yield
    except IMAP4.abort:
        raise  # the connection broke
    except (IMAP4.error, poplib.error_proto) as error:
        raise kind(server_words(error)) from error
