"""smtplib's client on a connection that exists already, with an end to every reply."""

import smtplib
import socket
import ssl
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from contextlib import suppress

from ..network import is_same_machine, within

# what smtplib says where the machine has no name (RFC 5321, section 4.1.3)
NAMELESS = "[127.0.0.1]"
_MIN_SECRET_CHARS = 4
# of one reply; smtplib limits each line and nothing else. RFC 5321 wants 512 bytes a line, and EHLO needs some ten
_MAX_LINES = 200
_MAX_BYTES = 64 * 1024


def own_name(seconds: float) -> str:
    """How smtplib introduces this machine; it asks the resolver, so that has a limit here."""
    try:
        return within(seconds, _own_name)
    except OSError:
        return NAMELESS


def _own_name():
    # connects to nothing
    return smtplib.SMTP(timeout=1).local_hostname


class EndlessReply(OSError):
    """A server that never comes to the end of a reply: it could fill the memory."""


class _OneReply:
    """What smtplib reads a single reply from, which must come to an end."""

    def __init__(self, file):
        self._file, self._lines, self._bytes = file, 0, 0

    def readline(self, limit):
        """
        :raises EndlessReply: which smtplib takes for a lost connection, and closes it
        """
        line = self._file.readline(limit)
        self._lines, self._bytes = self._lines + 1, self._bytes + len(line)
        if self._lines > _MAX_LINES or self._bytes > _MAX_BYTES:
            raise EndlessReply
        return line

    def close(self):
        self._file.close()


class Session(smtplib.SMTP):
    """smtplib's client on a connection that is there already. It remembers the last reply, and what was secret.

    :ivar last: (code, text) of the last reply
    :ivar mechanism: of the last AUTH command (RFC 4954)
    """

    def __init__(self, sock, host: str, name: str):
        super().__init__(local_hostname=name)
        self.sock, self._host = sock, host
        self.last, self.mechanism = (-1, b""), ""
        self._secrets, self._logging_in = set(), False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What was sent while signing in, encoded as it was."""
        return tuple(self._secrets)

    @property
    def encrypted(self) -> bool:
        """Whether nobody in between can read along."""
        return not isinstance(self.sock, socket.socket) or isinstance(self.sock, ssl.SSLSocket)

    @property
    def stays_here(self) -> bool:
        """Whether the other end is this machine."""
        return is_same_machine(self.sock.getpeername()[0], self.sock.getsockname()[0])

    def getreply(self):
        """Extends smtplib's method: remembers the reply, and does not listen to an endless one.

        :raises smtplib.SMTPServerDisconnected: when the connection is lost, or was closed for :class:`EndlessReply`
        """
        file = self.file or self.sock.makefile("rb")
        self.file = _OneReply(file)
        self.last = super().getreply()
        # not closed meanwhile
        self.file = self.file and file
        return self.last

    def putcmd(self, cmd, args=""):
        """Extends smtplib's method: remembers what is not to be shown, should the server repeat it."""
        words = f"{cmd} {args}".split()
        if self._logging_in and words and words[0].upper() == "AUTH":
            self.mechanism, words = (words[1].upper() if len(words) > 1 else ""), words[2:]
        if self._logging_in and self.mechanism:
            self._secrets.update(word for word in words if len(word) >= _MIN_SECRET_CHARS)
        return super().putcmd(cmd, args)

    def log_in(self, login: Callable[[smtplib.SMTP], None]) -> None:
        """Sign in, and find out whether that went well: Odoo's OAuth modules do not look at the reply.

        :raises smtplib.SMTPException: when the server refuses
        """
        self._logging_in = True
        try:
            login(self)
            if self.mechanism:
                self._check_login()
        finally:
            self._logging_in = False

    def _check_login(self):
        code, text = self.last
        if code == 334:  # noqa: PLR2004 RFC 4954; an error in a challenge, to be answered with nothing: RFC 7628, 3.2.3
            reason = _decode(text)
            code, text = self.docmd("")
            text = b" ".join((text, reason))
        if not 200 <= code < 300:  # noqa: PLR2004
            raise smtplib.SMTPAuthenticationError(code, text)

    def leave(self) -> None:
        """Take back what was begun and say goodbye; whatever comes now is of no interest."""
        with suppress(smtplib.SMTPException, OSError, ValueError):
            if self.sock:
                self.sock.settimeout(2)
                self.rset()
                self.quit()
        self.close()


def _decode(challenge):
    try:
        return b64decode(challenge, validate=True)
    except NoBase64:
        return b""
