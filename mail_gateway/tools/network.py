"""Looks up host names and connects, within a limit of time that the standard library does not offer.

The resolver works in a thread of its own, since it cannot be interrupted. Fetching mail and testing outgoing servers use
this module.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple


class Address(NamedTuple):
    """An address to which to connect, as ``socket.getaddrinfo`` returns it.

    :ivar family: ``socket.AF_INET`` or ``socket.AF_INET6``
    :ivar place: IP address, port and, for IPv6, flow information and scope
    """

    family: int
    place: tuple

    @property
    def text(self) -> str:
        """The IP address."""
        return str(self.place[0])

    def at(self, port: int) -> "Address":
        """Return the same host with another port."""
        return self._replace(place=(self.place[0], port, *self.place[2:]))


def in_background(function: Callable, *args) -> Future:
    """Run a function in a daemon thread, so that the process can end before the function does.

    :return: a future with the result or the exception of the function
    """
    outcome = Future()

    def run():
        try:
            outcome.set_result(function(*args))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name=f"mail network {function.__name__}", daemon=True).start()
    return outcome


def resolve(host: str, port: int, seconds: float, resolver: Callable) -> tuple[Address, ...]:
    """Return the addresses of a host, each once, in the order of the resolver.

    :param seconds: seconds to wait for the resolver
    :param resolver: ``socket.getaddrinfo``, or a function with the same parameters
    :raises TimeoutError: when the resolver does not answer in time
    :raises OSError: when there is no such name
    :raises UnicodeError: when no host can have that name
    """
    found = within(seconds, _look_up, resolver, host, port)
    return tuple(dict.fromkeys(Address(family, place) for family, _type, _protocol, _name, place in found))


def within(seconds: float, function: Callable, *args):
    """Call a function that cannot be interrupted, and wait for it no longer than `seconds`.

    :return: its result; its exceptions are raised here
    :raises TimeoutError: when the time is up; the function continues in its thread, and its result is ignored
    """
    outcome = in_background(function, *args)
    if not wait([outcome], seconds).done:
        raise TimeoutError
    return outcome.result()


def _look_up(resolver, host, port):
    return resolver(host, port, type=socket.SOCK_STREAM)


def connect(
    addresses: tuple[Address, ...], seconds: float, new_socket: Callable[[int], socket.socket] | None = None
) -> tuple[socket.socket, Address, tuple[Address, ...]]:
    """Connect to the first address that accepts. The remaining addresses share the remaining time.

    :param seconds: seconds for all addresses together
    :param new_socket: a function that makes a stream socket of an address family
    :return: the socket, its address, the addresses that failed before
    :raises OSError: the error of the last address, when none accepts
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
        # clients write a command in pieces: without this, the last piece waits for the acknowledgement of the others
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address.place)
    except BaseException:
        sock.close()
        raise
    return sock


class TimeLimit:
    """Shuts a connection down when its time is up.

    A time-out of the socket is not enough: a server that sends a byte now and then never exceeds it.

    :param seconds: seconds that the connection may last
    :ivar passed: whether the connection was shut down
    """

    def __init__(self, seconds: float):
        self.passed = False
        self._end = time.monotonic() + seconds
        self._handle = self._timer = None

    @property
    def left(self) -> float:
        """The seconds that are left, 0 when the time is up."""
        return max(self._end - time.monotonic(), 0)

    def guard(self, sock: socket.socket) -> None:
        """Limit a connection from now on, even when it is wrapped (TLS) later."""
        self._handle = sock.dup()
        self._timer = threading.Timer(self.left, self._shut_down)
        self._timer.daemon = True
        self._timer.start()

    def _shut_down(self):
        self.passed = True
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Stop limiting the connection."""
        if self._timer:
            self._timer.cancel()
            self._timer.join()
            self._handle.close()


def is_same_machine(there: str, here: str) -> bool:
    """Whether both ends of a connection are on one host, so that it cannot be intercepted on the way.

    :param there: the IP address of the server
    :param here: the IP address of this end
    """
    return there == here or ip_address(there.partition("%")[0]).is_loopback
