"""Names, sockets and smtplib's client, each with a limit in time."""

import smtplib
import socket
import ssl
import threading
import time
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

# what smtplib says where the machine has no name (RFC 5321, section 4.1.3)
NAMELESS = "[127.0.0.1]"
_SHORTEST_SECRET = 4
# of one reply; smtplib limits each line and nothing else. RFC 5321 wants 512 bytes a line, and EHLO needs some ten
_MAX_LINES = 200
_MAX_BYTES = 64 * 1024


class Address(NamedTuple):
    """Where to connect to, as getaddrinfo says it."""

    family: int
    place: tuple

    @property
    def text(self) -> str:
        """The IP address."""
        return str(self.place[0])

    def at(self, port: int) -> "Address":
        """The same machine, another port."""
        return self._replace(place=(self.place[0], port, *self.place[2:]))


def in_background(function: Callable, *args) -> Future:
    """Run a function in a thread that nothing waits for, not even the end of the program."""
    outcome = Future()

    def run():
        try:
            outcome.set_result(function(*args))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name=f"smtp probe {function.__name__}", daemon=True).start()
    return outcome


def resolve(host: str, port: int, seconds: float, resolver: Callable) -> tuple[Address, ...]:
    """Look a name up.

    :param resolver: as ``socket.getaddrinfo``
    :raises TimeoutError: the resolver itself knows no limit
    :raises OSError, UnicodeError: when there is no such name, or it can be none
    """
    found = _within(seconds, _look_up, resolver, host, port)
    return tuple(dict.fromkeys(Address(family, place) for family, _type, _protocol, _name, place in found))


def _within(seconds, function, *args):
    outcome = in_background(function, *args)
    if not wait([outcome], seconds).done:
        raise TimeoutError
    return outcome.result()


def _look_up(resolver, host, port):
    return resolver(host, port, type=socket.SOCK_STREAM)


def own_name(seconds: float) -> str:
    """How smtplib introduces this machine; it asks the resolver, so that has a limit here."""
    try:
        return _within(seconds, _own_name)
    except OSError:
        return NAMELESS


def _own_name():
    # connects to nothing
    return smtplib.SMTP(timeout=1).local_hostname


def connect(
    addresses: tuple[Address, ...], seconds: float, new_socket: Callable[[int], socket.socket] | None = None
) -> tuple[socket.socket, Address, tuple[Address, ...]]:
    """Connect to the first address that takes it; those that are left share the time that is left.

    :param new_socket: makes a stream socket of an address family
    :return: the socket, its address, the addresses that failed before
    :raises OSError: of the last address, when none takes it
    """
    end = time.monotonic() + seconds
    for number, address in enumerate(addresses):
        left = max(end - time.monotonic(), 0.1) / (len(addresses) - number)
        try:
            return _connect(address, left, new_socket or _new_socket), address, addresses[:number]
        except OSError:
            if number == len(addresses) - 1:
                raise
    raise OSError("no address")


def _new_socket(family):
    return socket.socket(family, socket.SOCK_STREAM)


def _connect(address, seconds, new_socket):
    sock = new_socket(address.family)
    try:
        sock.settimeout(seconds)
        sock.connect(address.place)
    except BaseException:
        sock.close()
        raise
    return sock


class TimeLimit:
    """Cuts a connection when its time is up: a server that sends a byte now and then never runs into a time-out."""

    def __init__(self, seconds: float):
        self.passed = False
        self._end = time.monotonic() + seconds
        self._handle = self._timer = None

    @property
    def left(self) -> float:
        """Seconds."""
        return max(self._end - time.monotonic(), 0)

    def guard(self, sock: socket.socket) -> None:
        """Watch over a connection, whatever is wrapped around it later."""
        self._handle = sock.dup()
        self._timer = threading.Timer(self.left, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self):
        self.passed = True
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Watch no longer."""
        if self._timer:
            self._timer.cancel()
            self._timer.join()
            self._handle.close()


def is_same_machine(there: str, here: str) -> bool:
    """Whether the two ends of a connection, IP addresses, are on one machine: nobody reads along on the way."""
    return there == here or ip_address(there.partition("%")[0]).is_loopback


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
            self._secrets.update(word for word in words if len(word) >= _SHORTEST_SECRET)
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
