"""Any bytes as a message that Odoo's own gateway gets through, in a few seconds and without an exception.

Most messages are handed on byte for byte. What would break or stop Odoo (malformed headers, unknown charsets, NUL,
thousands of parts, HTML bombs) is replaced by a message of the simplest form, with what could be read in it and the
original attached. What Odoo would only misread is put right once it is parsed: see normalize.
"""

import re
from contextlib import suppress
from typing import NamedTuple

from .check import find_defects
from .dates import read_date
from .defects import Defect
from .structure import HEAD_CHARS
from .substitute import last_resort, substitute

# a header block ends at an empty line
_HEAD = re.compile(rb"(?:[^\r\n]+(?:\r\n|\r|\n)?)*")
_DATE = re.compile(rb"^date[ \t]*:([^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


class Readable(NamedTuple):
    """:ivar source: to be handed to Odoo
    :ivar flaws: why it is not the original; empty when it is, byte for byte
    """

    source: bytes
    defects: tuple[Defect, ...] = ()


def make_readable(source: bytes, text_only: bool = False) -> Readable:
    """Have Odoo get through a message. Never raises.

    :param source: any bytes
    :param text_only: build the text_only form whatever the message looks like: headers, plain text, the original
    """
    defects = find_defects(source)
    if text_only:
        defects = defects or {Defect.REPEATED}
    if not defects:
        return Readable(source)
    return Readable(_without_defects(source, text_only), tuple(sorted(defects)))


def find_remarks(source: bytes) -> tuple[Defect, ...]:
    """What is not used of a message though it is handed on; never raises.

    :param source: any bytes
    """
    return (Defect.DATE,) if any(date.strip() and not read_date(date) for date in _first_dates(source)) else ()


def _first_dates(source):
    head = _HEAD.match(source[:HEAD_CHARS]).group()
    found = _DATE.search(head)
    return [found.group(1).decode("utf-8", "replace")] if found else []


def _without_defects(source, text_only):
    """The first form that stands the same check as the message did not."""
    for plain in (False, True)[text_only:]:
        with suppress(Exception):
            written = substitute(source, plain)
            if not find_defects(written):
                return written
    return last_resort(source)
