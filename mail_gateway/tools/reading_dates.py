"""When a message was written, as far as its Date header tells."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import dateutil.parser

# Nobody wrote mail before; what says later is a clock that stopped or runs wild. Odoo writes years of fewer than four
# digits that it can't read again, and can't show the last hours of the year 9999 in every time zone.
MIN_DATE, MAX_DATE = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DATE_CHARS = 200
# Python takes 0001 for 2001: it reads the two digits that a year had once (RFC 5322, section 4.3)
_EARLY_YEAR = re.compile(r"(?<![\d:.+-])0\d{3}(?![\d:])")
# what a text leaves out is taken from these: what differs then was no date
_DEFAULTS = datetime(2000, 1, 1), datetime(2003, 2, 2)


def read_date(value: str) -> datetime | None:
    """A Date header (RFC 5322) in UTC, also as programs write it that never read the RFC.

    :param value: as it stands in the message
    :return: None when it is no date, or none that a message can have; a date without a zone is taken for UTC
    """
    text = " ".join(value[:_DATE_CHARS].split())
    if _EARLY_YEAR.search(text):
        return None
    for parser in (parsedate_to_datetime, _parse_any):
        with suppress(Exception):  # they fail in many ways
            if date := _plausible(parser(text)):
                return date
    return None


def _plausible(date):
    utc = date.replace(tzinfo=UTC) if date.utcoffset() is None else date.astimezone(UTC)
    return utc if MIN_DATE <= utc < MAX_DATE else None


def _parse_any(text):
    first, second = (dateutil.parser.parse(text, default=default) for default in _DEFAULTS)
    if first != second:
        raise ValueError("a part of a date")
    return first
