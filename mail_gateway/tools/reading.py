"""Any bytes as a message that Odoo's own gateway gets through, in a few seconds and without an exception.

Most messages are handed on byte for byte. What would break or stop Odoo (malformed headers, unknown charsets, NUL,
thousands of parts, HTML bombs) is replaced by a message of the simplest form, with what could be read in it and the
original attached.
"""

from contextlib import suppress
from typing import NamedTuple

from .reading_check import find_flaws
from .reading_flaws import Flaw
from .reading_substitute import last_resort, substitute


class Readable(NamedTuple):
    """:ivar source: to be handed to Odoo
    :ivar flaws: why it is not the original; empty when it is, byte for byte
    """

    source: bytes
    flaws: tuple[Flaw, ...] = ()


def make_readable(source: bytes, plainest: bool = False) -> Readable:
    """Have Odoo get through a message. Never raises.

    :param source: any bytes
    :param plainest: build the plainest form whatever the message looks like: headers, plain text, the original
    """
    flaws = find_flaws(source)
    if plainest:
        flaws = flaws or {Flaw.REPEATED}
    if not flaws:
        return Readable(source)
    return Readable(_flawless(source, plainest), tuple(sorted(flaws)))


def _flawless(source, plainest):
    """The first form that stands the same check as the message did not."""
    for plain in (False, True)[plainest:]:
        with suppress(Exception):
            written = substitute(source, plain)
            if not find_flaws(written):
                return written
    return last_resort(source)
