"""The limits of one visit to a mail server: seconds, bytes, and an end from another thread."""

import socket
import ssl
import threading
import time
from contextlib import suppress

from ..network import connect, resolve

# Limits of a visit whose caller sets none, such as Test & Confirm.
MAX_SECONDS = 75.0
MAX_BYTES = 2 * 2**30


class VisitOver(TimeoutError):
    """The time of a visit is up, or its caller ended it."""


class EndlessServer(OSError):
    """A server sends more than it was asked for, which could fill the memory."""


class Visit:
    """The time and the bytes of one visit, and its current connection.

    Each read checks the time, since a server that sends a few bytes now and then never exceeds the time-out of the socket.
    The caller can end the visit from another thread by :meth:`cut`, which also interrupts waiting for the network.

    :param seconds: until the visit is over
    :param max_bytes: the maximum number of bytes that may be received
    :ivar received: bytes that were received, on all connections
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
        """The seconds that are left, 0 when the visit is over."""
        return 0.0 if self._is_cut else max(self._end - time.monotonic(), 0.0)

    @property
    def is_almost_full(self) -> bool:
        """Whether more than half of the bytes were received, so that the rest should be left to another visit."""
        return self.received > self._max_bytes // 2

    def check(self) -> None:
        """Make sure that the visit is not over.

        :raises VisitOver: when it is over
        """
        if not self.left:
            raise VisitOver("the time of the visit is up")

    def connect(self, host: str, port: int, timeout: float, context: ssl.SSLContext | None = None) -> socket.socket:
        """Open a connection whose reads and writes belong to this visit.

        :param timeout: seconds for looking up the name, connecting, the TLS handshake, and each read later
        :param context: a context from :meth:`prepare` for TLS from the first byte; None for no TLS
        :raises VisitOver, OSError, UnicodeError: when no connection can be made
        """
        self.check()
        # the thread of the resolver may outlive the visit, since it never talks to the server
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
        """Make the connections that `context` encrypts belong to this visit.

        :return: the same context
        """
        context.sslsocket_class = type("TlsSocket", (_TlsSocket,), {"visit": self})
        return context

    def cut(self) -> None:
        """End the visit now; may be called from any thread."""
        with self._lock:
            self._is_cut = True
            current = self._socket
        if current is not None:
            with suppress(OSError):
                # not SSLSocket's own method, which other threads must not call
                socket.socket.shutdown(current, socket.SHUT_RDWR)

    # ------------------------------------------------------------------ called by the sockets

    def watch(self, sock: socket.socket) -> None:
        """Record the current connection.

        :raises VisitOver: when the visit was ended meanwhile
        """
        with self._lock:
            self._socket = sock
        self.check()

    def count(self, received: int) -> None:
        """Count received bytes.

        :raises VisitOver, EndlessServer: when the time or the bytes of the visit are used up
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
    """A socket that belongs to a visit. imaplib and poplib read from it through files, which use ``recv_into``."""

    visit = None

    def recv_into(self, buffer, nbytes=0, flags=0):
        """Extends socket's method: observes the time and the bytes of the visit."""
        self._shorten_timeout()
        try:
            received = super().recv_into(buffer, nbytes, flags)
        except OSError:
            self.visit.check()
            raise
        self.visit.count(received)
        return received

    def _shorten_timeout(self):
        """Shorten the time-out to the time that the visit has left."""
        left = self.visit.left
        if left < (self.gettimeout() or float("inf")):
            self.visit.check()
            self.settimeout(left)


class _PlainSocket(_Bounded, socket.socket):
    pass


class _TlsSocket(_Bounded, ssl.SSLSocket):
    def do_handshake(self, block=False):
        """Extends SSLSocket's method: the visit can end during the handshake, too."""
        self.visit.watch(self)
        self._shorten_timeout()
        try:
            return super().do_handshake(block)
        except OSError:
            self.visit.check()
            raise
