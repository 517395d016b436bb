"""The lab's TCP ports: one block of loopback ports, remembered in .lab/ports.json."""

import json
import socket
import zlib

from lab.errors import LabError
from lab.host.console import say
from lab.host.paths import LAB, ROOT

_MAIL = ("imap", "imaps", "pop3", "pop3s", "lmtp")
# One Dovecot for each kind of certificate.
_DOVECOTS = {"": 10, "untrusted-": 20, "expired-": 30}
_POSTFIXES = {"": 1, "second-": 4, "third-": 6}
_OFFSETS = {
    "postgres": 0,
    "odoo": 3,
    **{prefix + name: first + n for prefix, first in _POSTFIXES.items() for n, name in enumerate(("smtp", "smtps"))},
    **{prefix + name: first + n for prefix, first in _DOVECOTS.items() for n, name in enumerate(_MAIL)},
}
_SIZE = 40
_FIRST, _BLOCKS = 18000, 100
_FILE = LAB / "ports.json"


def port(name):
    """Return the port of the service *name*.

    :param name: postgres, smtp, smtps, odoo (the demo), imap, imaps, pop3, pop3s or lmtp; the last five also with the
        prefix "untrusted-" or "expired-" for the Dovecots with bad certificates, smtp and smtps also with "second-" or
        "third-" for the further Postfixes
    """
    return _base() + _OFFSETS[name]


def is_free(number):
    """Tell whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as probe:
        # Servers set this, too: a port whose last connections are only in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
        return True


def any_free():
    """Return a port of 127.0.0.1 that is free now, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def move():
    """Choose another block, because another program uses a port of ours, and print which.

    Call it only while none of the lab's services runs: a running service would keep its old port.
    """
    old = _base()
    new = _find(avoid=old)
    _remember(new)
    say(f"Ports {old} to {old + _SIZE - 1} are partly in use by other programs: the lab moves to {new} and up.")


def _base():
    if not _FILE.is_file():
        _remember(_find())
    return json.loads(_FILE.read_text())["base"]


def _remember(base):
    _FILE.parent.mkdir(parents=True, exist_ok=True)
    _FILE.write_text(json.dumps({"base": base, **{name: base + offset for name, offset in _OFFSETS.items()}}))


def _find(avoid=None):
    # The search starts at a number made from the checkout's path: several labs on one machine then get different blocks
    # even while they are stopped.
    start = zlib.crc32(str(ROOT).encode())
    for step in range(_BLOCKS):
        base = _FIRST + _SIZE * ((start + step) % _BLOCKS)
        if base != avoid and all(is_free(number) for number in range(base, base + _SIZE)):
            return base
    last = _FIRST + _SIZE * _BLOCKS - 1
    raise LabError(f"No block of {_SIZE} free ports between {_FIRST} and {last} on 127.0.0.1: stop some program there.")
