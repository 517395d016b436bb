"""What one visit to a mail server may take: seconds, bytes, and no longer than its caller wants."""

import socket
import ssl
import threading
import time
from contextlib import suppress

from ..network import connect, resolve

# Of a visit that nobody else limits: Test & Confirm, for one.
MAX_SECONDS = 75.0
MAX_BYTES = 2 * 2**30
# Of one reply before the server knows who we are, and of the words, not the messages, of one afterwards. The reply to
# a search is one line, of some 8 bytes for each message.
MAX_GREETING = 64 * 2**10
MAX_REPLY = 64 * 2**20
# Of the messages in one reply, whatever the server says they have. Some servers guess: twice as much is taken.
MAX_MESSAGES = 256 * 2**20
# What a line counts besides its bytes: Python needs some for it, and IMAP has few lines in a reply.
LINE_OVERHEAD = 100
IMAP_LINE_OVERHEAD = 1000


class VisitOver(TimeoutError):
    """The time of a visit is up, or nobody waits for it any more."""


class EndlessServer(OSError):
    """A server sends more than was asked of it; it would fill the memory."""


class Visit:
    """The time and the bytes of one visit, and the connection of the moment.

    Each read looks at the clock: a server that sends a little now and then never runs into a time-out of its own.
    Whoever started the visit ends it from another thread by :meth:`cut`, which wakes what waits for the network.

    :param seconds: until the visit is over
    :param max_bytes: that may be received
    :ivar received: bytes, of all connections
    """

    def __init__(self, seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES):
        self.received = 0
        self._end = time.monotonic() + seconds
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._is_cut = False
        self._socket = None

    @property
    def left(self) -> float:
        """Seconds."""
        return 0.0 if self._is_cut else max(self._end - time.monotonic(), 0.0)

    @property
    def is_almost_full(self) -> bool:
        """Whether so much was received that the rest is better left to another visit."""
        return self.received > self._max_bytes // 2

    def check(self) -> None:
        """:raises VisitOver: when it is over"""
        if not self.left:
            raise VisitOver("the time of the visit is up")

    def connect(self, host: str, port: int, timeout: float, context: ssl.SSLContext | None = None) -> socket.socket:
        """A connection whose reads and writes belong to this visit.

        :param timeout: seconds for looking up the name, connecting, the TLS handshake, and each read later
        :param context: for TLS from the first byte, made ready by :meth:`prepare`
        :raises VisitOver, OSError, UnicodeError: when there is none to be had
        """
        self.check()
        # the resolver knows no limit: it works in a thread of its own, which never talks to the server
        addresses = resolve(host, port, min(timeout, self.left), socket.getaddrinfo)
        sock, _address, _failed = connect(addresses, min(timeout, self.left), self._plain_socket)
        try:
            sock.settimeout(min(timeout, self.left) or None)
            self.check()
            return context.wrap_socket(sock, server_hostname=host) if context else sock
        except BaseException:
            sock.close()
            raise

    def prepare(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Have the connections that `context` encrypts belong to this visit."""
        context.sslsocket_class = type("TlsSocket", (_TlsSocket,), {"visit": self})
        return context

    def cut(self) -> None:
        """End the visit now, from whatever thread."""
        with self._lock:
            self._is_cut = True
            current = self._socket
        if current is not None:
            with suppress(OSError):
                # not SSLSocket's own method, which is no business of another thread
                socket.socket.shutdown(current, socket.SHUT_RDWR)

    # ------------------------------------------------------------------ called by the sockets

    def watch(self, sock: socket.socket) -> None:
        """`sock` is the connection of the moment.

        :raises VisitOver: when the visit was ended meanwhile
        """
        with self._lock:
            self._socket = sock
        self.check()

    def count(self, received: int) -> None:
        """So many bytes came.

        :raises VisitOver, EndlessServer: when that is the end
        """
        self.check()
        self.received += received
        if self.received > self._max_bytes:
            raise EndlessServer(f"more than {self._max_bytes} bytes in one visit")

    def _plain_socket(self, family: int) -> socket.socket:
        sock = _PlainSocket(family, socket.SOCK_STREAM)
        sock.visit = self
        self.watch(sock)
        return sock


class _Bounded:
    """A socket that belongs to a visit. Files made of it read by recv_into, as those of imaplib and poplib do."""

    visit = None

    def recv_into(self, buffer, nbytes=0, flags=0):
        """Extends socket's method: the time and the bytes of the visit count."""
        self._hurry()
        try:
            received = super().recv_into(buffer, nbytes, flags)
        except OSError:
            self.visit.check()
            raise
        self.visit.count(received)
        return received

    def _hurry(self):
        """Wait no longer than the visit lasts."""
        left = self.visit.left
        if left < (self.gettimeout() or float("inf")):
            self.visit.check()
            self.settimeout(left)


class _PlainSocket(_Bounded, socket.socket):
    pass


class _TlsSocket(_Bounded, ssl.SSLSocket):
    def do_handshake(self, block=False):
        """Extends SSLSocket's method: the handshake may be ended, too."""
        self.visit.watch(self)
        self._hurry()
        try:
            return super().do_handshake(block)
        except OSError:
            self.visit.check()
            raise


class ReplyBudget:
    """The bytes that one reply may have.

    :param overhead: that each line counts besides its own bytes
    :ivar limit: bytes of the words of a reply
    :ivar literals: bytes of the messages in a reply
    :ivar exceeded: whether a reply was too long; what comes is still that reply, so the connection is of no more use
    """

    def __init__(self, overhead: int = LINE_OVERHEAD):
        self.limit = MAX_GREETING
        self.literals = 0
        self.exceeded = False
        self._overhead = overhead
        self.begin()

    def begin(self) -> None:
        """A command is sent; what comes is its reply."""
        self._words = self._literal_bytes = 0

    @property
    def line_limit(self) -> int:
        """The bytes that the next line may have, at most."""
        return max(self.limit - self._words, 0)

    def count_line(self, size: int) -> None:
        """A line of so many bytes came.

        :raises EndlessServer: when the reply is too long
        """
        self._words += size + self._overhead
        if self._words > self.limit:
            self.exceeded = True
            raise EndlessServer(f"more than {self.limit} bytes in one reply")

    def count_literal(self, size: int) -> None:
        """A literal of so many bytes is announced.

        :raises EndlessServer: when that is more than was asked for
        """
        self._literal_bytes += size
        if self._literal_bytes > self.literals:
            self.exceeded = True
            raise EndlessServer(f"{size} bytes that were not asked for")
