"""When a message was written, as far as its Date header tells."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import dateutil.parser

# Nobody wrote mail before; what says later is a clock that stopped or runs wild. Odoo writes years of fewer than four
# digits that it can't read again, and can't show the last hours of the year 9999 in every time zone.
MIN_DATE, MAX_DATE = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DATE_CHARS = 200
# Python takes 0001 for 2001: it reads the two digits that a year had once (RFC 5322, section 4.3)
_EARLY_YEAR = re.compile(r"(?<![\d:.+-])0\d{3}(?![\d:])")
# RFC 5322, section 3.3, has it; Python's datetime does not.
_LEAP_SECOND = re.compile(r"(?<=\d:\d\d:)60(?!\d)")
# JavaScript writes GMT+0100 for an hour before GMT, where dateutil reads an hour after it (POSIX).
_ZONE_NAME = re.compile(r"\b(?:GMT|UTC)(?=[+-]\d)")
# Python takes an hour for a minute.
_ZONE_OF_HOURS = re.compile(r"[\s\d][+-]\d\d?(?!\S)")
# The name of the day, in any language: 'mar.' is Tuesday in French, and March where it is not left out.
_DAY_NAME = re.compile(r"[^\W\d]+\.?(?:\s?,\s?| (?=\d\d?\.? [^\W\d]))")
# what a text leaves out is taken from these: what differs then was no date
_DEFAULTS = datetime(2000, 1, 1), datetime(2003, 2, 2)


def read_date(value: str) -> datetime | None:
    """A Date header (RFC 5322) in UTC, also as programs write it that never read the RFC.

    :param value: as it stands in the message
    :return: None when it is no date, or none that a message can have; a date without a zone is taken for UTC, and a leap
        second for the second before
    """
    text = " ".join(value[:_DATE_CHARS].split())
    if _EARLY_YEAR.search(text):
        return None
    text = _ZONE_NAME.sub("", _LEAP_SECOND.sub("59", text))
    for parser in (_parse_standard, _parse_any, parsedate_to_datetime):
        with suppress(Exception):  # they fail in many ways
            if date := _plausible(parser(text)):
                return date
    return None


def _plausible(date):
    utc = date.replace(tzinfo=UTC) if date.utcoffset() is None else date.astimezone(UTC)
    return utc if MIN_DATE <= utc < MAX_DATE else None


def _parse_standard(text):
    """A date whose zone is written by the standard: Python reads others as if they were not there."""
    date = parsedate_to_datetime(text)
    if date.utcoffset() is None or _ZONE_OF_HOURS.search(text):
        raise ValueError("no zone of RFC 5322")
    return date


def _parse_any(text):
    """As core reads dates, whatever stands around them; but nothing is taken from today's date."""
    day_name = _DAY_NAME.match(text)
    rest = text[day_name.end() if day_name else 0 :]
    first, second = (
        dateutil.parser.parse(rest, default=default, fuzzy=True, tzinfos=_zone_of) for default in _DEFAULTS
    )
    if first != second:
        raise ValueError("a part of a date")
    return first


def _zone_of(_name, offset):
    """The zone of an offset in seconds, None for a name without one: it may be any zone, but hardly the server's."""
    return None if offset is None else timezone(timedelta(seconds=offset))
