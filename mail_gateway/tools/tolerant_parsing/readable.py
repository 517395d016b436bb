"""Turns any bytes into a message that Odoo's own gateway can process in a few seconds and without an exception.

Most messages go to Odoo byte for byte. A message on which Odoo would fail or hang (malformed headers, unknown charsets,
NUL, thousands of parts, HTML bombs) is replaced by one of the simplest form, with its readable content and the original
attached. Parts that Odoo would only misread are corrected after parsing: see :mod:`.normalize`.

Start reading at :func:`make_readable`: :mod:`.check` finds defects, :mod:`.substitute` writes the replacement.
"""

import re
from contextlib import suppress
from typing import NamedTuple

from .check import find_defects
from .dates import read_date
from .defects import Defect
from .structure import HEAD_CHARS
from .substitute import last_resort, substitute

# A header block, which ends at an empty line.
_HEAD = re.compile(rb"(?:[^\r\n]+(?:\r\n|\r|\n)?)*")
_DATE = re.compile(rb"^date[ \t]*:([^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


class Readable(NamedTuple):
    """A message for Odoo.

    :ivar source: the bytes for Odoo
    :ivar defects: the reasons why `source` differs from the original; empty when it equals the original byte for byte
    """

    source: bytes
    defects: tuple[Defect, ...] = ()


def make_readable(source: bytes, text_only: bool = False) -> Readable:
    """Return a form of a message that Odoo can process. Never raises.

    :param source: any bytes
    :param text_only: replace any message by headers, plain text and the attached original
    """
    defects = find_defects(source)
    if text_only:
        defects = defects or {Defect.REPEATED}
    if not defects:
        return Readable(source)
    return Readable(_without_defects(source, text_only), tuple(sorted(defects)))


def find_remarks(source: bytes) -> tuple[Defect, ...]:
    """Return the defects for which a message is not replaced. Never raises.

    :param source: any bytes
    """
    return (Defect.DATE,) if any(date.strip() and not read_date(date) for date in _first_dates(source)) else ()


def _first_dates(source):
    head = _HEAD.match(source[:HEAD_CHARS]).group()
    found = _DATE.search(head)
    return [found.group(1).decode("utf-8", "replace")] if found else []


def _without_defects(source, text_only):
    """Return the first form in which the check finds no defects."""
    for only_text in (False, True)[text_only:]:
        with suppress(Exception):
            written = substitute(source, only_text)
            if not find_defects(written):
                return written
    return last_resort(source)
