"""smtplib's client on a connection that exists already, with a limit for the length of each reply."""

import smtplib
import socket
import ssl
import time
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from contextlib import suppress

from ..network import is_same_machine, within

# The name that smtplib uses for a machine without one (RFC 5321, section 4.1.3).
NAMELESS = "[127.0.0.1]"
_MIN_SECRET_CHARS = 4
# Limits of one reply, since smtplib limits only the length of a line. RFC 5321 allows 512 bytes in a line, and the reply
# to EHLO needs some ten lines.
_MAX_LINES = 200
_MAX_BYTES = 64 * 1024
_RECEIVED_BYTES = 8 * 1024
_FAREWELL_SECONDS = 2


def own_name(seconds: float) -> str:
    """Return the name with which smtplib introduces this machine. The wait for the resolver ends after `seconds`."""
    try:
        return within(seconds, _own_name)
    except OSError:
        return NAMELESS


def _own_name():
    # without a host, smtplib does not connect
    return smtplib.SMTP(timeout=1).local_hostname


class EndlessReply(OSError):
    """A reply without an end, which could fill the memory."""


class _Replies:
    """The file from which smtplib reads replies: each is of limited length, and it tells what was not read yet."""

    def __init__(self, sock):
        self._sock, self._buffer = sock, bytearray()
        self.begin(None)

    def begin(self, seconds):
        """Begin a reply.

        :param seconds: that all of it may take; None for what the time-out of the socket allows for each piece
        """
        self._lines = self._bytes = 0
        self._end = seconds and time.monotonic() + seconds

    def readline(self, limit):
        """Read a line.

        :raises EndlessReply: when the reply is too long; smtplib takes this for a broken connection, and closes it
        """
        while b"\n" not in self._buffer[:limit] and len(self._buffer) < limit and self._receive():
            pass
        end = self._buffer.find(b"\n", 0, limit) + 1 or limit
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._lines, self._bytes = self._lines + 1, self._bytes + len(line)
        if self._lines > _MAX_LINES or self._bytes > _MAX_BYTES:
            raise EndlessReply
        return line

    def _receive(self):
        if self._end:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        data = self._sock.recv(_RECEIVED_BYTES)
        self._buffer += data
        return bool(data)

    def has_unread(self):
        """Return whether the server said something that was not read, or closed the connection."""
        if self._buffer:
            return True
        timeout = getattr(self._sock, "socket", self._sock).gettimeout()  # urllib3's for pyOpenSSL has no such method
        self._sock.settimeout(0)
        self._end = None
        try:
            self._receive()
        except (BlockingIOError, ssl.SSLWantReadError, TimeoutError):  # the last is that of pyOpenSSL in urllib3
            return False
        finally:
            self._sock.settimeout(timeout)
        return True

    def close(self):
        """Forget the connection, which smtplib closes itself."""
        self._buffer.clear()


class Session(smtplib.SMTP):
    """smtplib's client on a connection that exists already. It keeps the last reply and the secrets that were sent.

    :param sock: the connection
    :param host: the name of the server
    :param name: the name with which this machine introduces itself
    :ivar host: the name of the server
    :ivar reply_seconds: how long each reply may take from its first to its last byte; None for any time, if no piece takes
        longer than the time-out of the socket
    :ivar last: (code, text) of the last reply
    :ivar mechanism: the mechanism of the last AUTH command (RFC 4954)
    """

    def __init__(self, sock, host: str, name: str):
        super().__init__(local_hostname=name)
        self.sock, self.host = sock, host
        self._host = host  # smtplib's starttls verifies this name, and sets it for connections that it opens itself
        self.last, self.mechanism, self.reply_seconds = (-1, b""), "", None
        self._handle = sock.dup()  # of the connection itself, whatever TLS makes of `sock`
        self._secrets, self._logging_in = set(), False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The words that were sent at the login, in the encoding in which they were sent."""
        return tuple(self._secrets)

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted, by the standard library or by pyOpenSSL."""
        return not isinstance(self.sock, socket.socket) or isinstance(self.sock, ssl.SSLSocket)

    @property
    def stays_here(self) -> bool:
        """Whether the server runs on this machine."""
        return is_same_machine(self.sock.getpeername()[0], self.sock.getsockname()[0])

    def getreply(self):
        """Extends smtplib's method: keeps the reply, and stops reading a reply that is too long.

        :raises smtplib.SMTPServerDisconnected: when the connection broke, or was closed for :class:`EndlessReply`
        """
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock)
        if self.file is not None:
            self.file.begin(self.reply_seconds)
        self.last = super().getreply()
        return self.last

    def has_unread(self) -> bool:
        """Return whether the server said something that no command asked for, or closed the connection."""
        return bool(self.file) and self.file.has_unread()

    def putcmd(self, cmd, args=""):
        """Extends smtplib's method: keeps the words of a login, which must not be shown if the server repeats them."""
        words = f"{cmd} {args}".split()
        if self._logging_in and words and words[0].upper() == "AUTH":
            self.mechanism, words = (words[1].upper() if len(words) > 1 else ""), words[2:]
        if self._logging_in and self.mechanism:
            self._secrets.update(word for word in words if len(word) >= _MIN_SECRET_CHARS)
        return super().putcmd(cmd, args)

    def log_in(self, login: Callable[[smtplib.SMTP], None]) -> None:
        """Log in, and check the reply, which Odoo's OAuth modules ignore.

        :param login: a function that logs in on a given connection

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
        if code == 334:  # noqa: PLR2004 RFC 4954; a challenge that reports an error gets an empty answer: RFC 7628, 3.2.3
            reason = _decode(text)
            code, text = self.docmd("")
            text = b" ".join((text, reason))
        if not 200 <= code < 300:  # noqa: PLR2004
            raise smtplib.SMTPAuthenticationError(code, text)

    def cut(self) -> None:
        """End the connection at once. Another thread that waits for the server gets an error."""
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Extends smtplib's method: closes the handle of :meth:`cut` as well."""
        self._handle.close()
        return super().close()

    def leave(self) -> None:
        """Reset the transaction, quit and close; errors are ignored."""
        with suppress(smtplib.SMTPException, OSError, ValueError):
            if self.sock:
                self.sock.settimeout(_FAREWELL_SECONDS)
                self.reply_seconds = _FAREWELL_SECONDS
                self.rset()
                self.quit()
        self.close()


def _decode(challenge):
    try:
        return b64decode(challenge, validate=True)
    except NoBase64:
        return b""
