"""How long a server asks to wait: "greylisted, try again in 300 seconds", "retry after 00:05:00"."""

import re
from datetime import timedelta

MAX_WAIT = timedelta(days=1)

_UNITS = {"s": 1, "m": 60, "h": 3600}
_COUNTED = re.compile(
    r"\b(?:(?:try|retry|again|back|wait|greylist\w*|delay\w*)[\w ,]{0,20}?\b(?:in|after|for|within)|in|wait|retry time:?)"
    r"\s*[:=]?\s*(?:about |at least )?(\d{1,6})\s?"
    r"(s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(?:in|again after|wait)\s+(\d{1,2}):([0-5]\d)(?::([0-5]\d))?\b", re.IGNORECASE)


def waiting_time(text: str) -> timedelta | None:
    """Return the time that a temporary reply names, at most :data:`MAX_WAIT`; None when it names none.

    Hours, minutes and seconds by a colon are read as h:mm:ss, or mm:ss when there are two numbers.
    """
    if found := _CLOCK.search(text):
        first, second, third = (int(number) if number else None for number in found.groups())
        seconds = first * 60 + second if third is None else first * 3600 + second * 60 + third
    elif found := _COUNTED.search(text):
        seconds = int(found[1]) * _UNITS[found[2][0].lower()]
    else:
        return None
    return min(timedelta(seconds=seconds), MAX_WAIT)
