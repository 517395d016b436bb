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
