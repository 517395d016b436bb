"""Reads the Date header of a message, in the forms that programs write."""

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import dateutil.parser

# There was no e-mail before this range, and later dates come from wrong clocks. Odoo writes years before 1000 with fewer
# than four digits, which it can't read again, and can't show the last hours of the year 9999 in every time zone.
MIN_DATE, MAX_DATE = datetime(1970, 1, 2, tzinfo=timezone.utc), datetime(2100, 1, 1, tzinfo=timezone.utc)
_DATE_CHARS = 200
# Python reads 0001 as 2001, as if it were a year of two digits (RFC 5322, section 4.3).
_EARLY_YEAR = re.compile(r"(?<![\d:.+-])0\d{3}(?![\d:])")
# RFC 5322, section 3.3, allows leap seconds; Python's datetime does not.
_LEAP_SECOND = re.compile(r"(?<=\d:\d\d:)60(?!\d)")
# JavaScript writes GMT+0100 for one hour ahead of GMT; dateutil reads this as one hour behind GMT (POSIX).
_ZONE_NAME = re.compile(r"\b(?:GMT|UTC)(?=[+-]\d)")
# Python reads hours in a zone of one or two digits as minutes.
_ZONE_OF_HOURS = re.compile(r"[\s\d][+-]\d\d?(?!\S)")
# The name of the day, in any language: 'mar.' is Tuesday in French, but dateutil would read it as March.
_DAY_NAME = re.compile(r"[^\W\d]+\.?(?:\s?,\s?| (?=\d\d?\.? [^\W\d]))")
# Parts that a text lacks are taken from these; if the results differ, the text is not a complete date.
_DEFAULTS = datetime(2000, 1, 1), datetime(2003, 2, 2)


def read_date(value: str) -> datetime | None:
    """Read a Date header as UTC, even one that does not follow RFC 5322.

    :param value: as it stands in the message
    :return: None when it is not a date, or a date that no message can have; a date without a zone is read as UTC, and a
        leap second as the second before
    """
    text = " ".join(value[:_DATE_CHARS].split())
    if _EARLY_YEAR.search(text):
        return None
    text = _ZONE_NAME.sub("", _LEAP_SECOND.sub("59", text))
    for parser in (_parse_standard, _parse_any, parsedate_to_datetime):
        with suppress(Exception):  # these parsers fail in many ways
            if date := _plausible(parser(text)):
                return date
    return None


def _plausible(date):
    utc = date.replace(tzinfo=timezone.utc) if date.utcoffset() is None else date.astimezone(timezone.utc)
    return utc if MIN_DATE <= utc < MAX_DATE else None


def _parse_standard(text):
    """Read a date whose zone follows the standard, since Python ignores other zones."""
    date = parsedate_to_datetime(text)
    if date.utcoffset() is None or _ZONE_OF_HOURS.search(text):
        raise ValueError("no zone of RFC 5322")
    return date


def _parse_any(text):
    """Read a date among other words as core does, except that missing parts are not taken from today's date."""
    day_name = _DAY_NAME.match(text)
    rest = text[day_name.end() if day_name else 0 :]
    first, second = (
        dateutil.parser.parse(rest, default=default, fuzzy=True, tzinfos=_zone_of) for default in _DEFAULTS
    )
    if first != second:
        raise ValueError("a part of a date")
    return first


def _zone_of(_name, offset):
    """Return the zone of an offset in seconds; None for a name without offset, which may be any zone, not the server's."""
    return None if offset is None else timezone(timedelta(seconds=offset))
