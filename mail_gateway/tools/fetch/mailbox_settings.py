"""The settings of a mailbox, as plain values for the thread that talks to its server."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from ..secrets import Secrets
from ..session_log import SessionLog
from .visit import Visit

# PostgreSQL writes each byte as two characters, and a value can have 1 GB at most.
MAX_BYTES = 500 * 2**20


@dataclass(frozen=True)
class MailboxSettings:
    """Everything that a network thread needs, so that it does not use the database.

    :ivar log_in: a function that logs in on the imaplib or poplib connection that it is given
    :ivar afterwards: ``seen``, ``move`` or ``delete`` (IMAP); ``delete`` or ``leave`` (POP3)
    :ivar timeout: seconds that connecting, and each later reply, may take
    :ivar visit: the limits of the visit as a whole
    :ivar secrets: texts that no error may contain; the login adds those that it sends
    :ivar log: the log of commands and replies
    :ivar largest: bytes; of larger messages only the headers are fetched, until a person requests them
    :ivar most: bytes; larger messages are not fetched even when a person requests them
    """

    protocol: str
    host: str
    port: int
    user: str
    log_in: Callable[[object], None]
    tls: bool = False
    starttls: bool = False
    verify_certificate: bool = True
    folders: tuple[str, ...] = ("INBOX",)
    afterwards: str = "seen"
    move_to: str = ""
    timeout: float = 30.0
    visit: Visit = field(default_factory=Visit, repr=False, compare=False)
    secrets: Secrets = field(default_factory=Secrets, repr=False, compare=False)
    log: SessionLog = field(default_factory=lambda: SessionLog("fetch", ""), repr=False, compare=False)
    largest: int = MAX_BYTES
    most: int = MAX_BYTES

    @property
    def account(self) -> str:
        """The mailbox as ``user@host``, percent-encoded as in an IMAP URL (RFC 5092).

        The port is left out: the same mailbox behind another port is still the same mailbox.
        """
        return f"{quote(self.user, safe='@')}@{self.host.lower()}"

    def tls_context(self) -> ssl.SSLContext:
        """Return a client context that verifies certificate and host name, unless the administrator turned that off."""
        context = ssl.create_default_context()
        if not self.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return self.visit.prepare(context)

    def connect(self, timeout: float) -> socket.socket:
        """Open a connection that belongs to the visit, with TLS from the first byte where the settings say so.

        :param timeout: seconds that connecting, and each later read, may take
        :raises OSError, UnicodeError: when there is no connection
        """
        context = self.tls_context() if self.tls else None
        return self.visit.connect(self.host, self.port, timeout, context)
