"""How many messages and recipients a server may still get, by limits per minute, hour and day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

# Uses are counted by the minute, so a limit frees itself up to a minute late, and never early.
BUCKET = timedelta(minutes=1)
PERIODS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class Limit(NamedTuple):
    """At most so many per period.

    :ivar what: "messages" or "recipients"
    :ivar period: a key of :data:`PERIODS`
    """

    what: str
    period: str
    number: int


class Use(NamedTuple):
    """What was sent, or is about to be sent, in the minute that begins at `start`."""

    start: datetime
    messages: int
    recipients: int


@dataclass(frozen=True)
class Room:
    """What may be sent now.

    :ivar messages: None for any number
    :ivar recipients: None for any number
    :ivar limit: the limit that holds longest, else the one that leaves least; None without limits
    :ivar until: when there is room for what was asked for; None when there is now
    """

    messages: int | None = None
    recipients: int | None = None
    limit: Limit | None = None
    until: datetime | None = None

    @property
    def is_enough(self) -> bool:
        """Whether there is room now for what was asked for."""
        return self.until is None


def bucket(now: datetime) -> datetime:
    """Return the beginning of the minute in which something sent now counts."""
    return now.replace(second=0, microsecond=0)


def room(limits: Iterable[Limit], uses: Iterable[Use], now: datetime, recipients: int = 1) -> Room:
    """Return what may be sent now, and whether a message to so many recipients may.

    The periods end now, whatever the clock says: 200 a day are 200 in any 24 hours, as providers count.

    :param limits: those with the number 0 do not count
    :param uses: of the last day, by all processes
    :param recipients: of the next message. A message to more of them than a limit allows waits until all of the limit is
        free; then it can leave in parts
    """
    uses, needed = sorted(uses), {"messages": 1, "recipients": recipients}
    states = [_state(limit, uses, now, needed[limit.what]) for limit in limits if limit.number]
    if not states:
        return Room()
    left = {what: min((free for limit, free, _until in states if limit.what == what), default=None) for what in needed}
    limit, _free, until = min(states, key=_rank)
    return Room(left["messages"], left["recipients"], limit, until)


def _rank(state):
    """The limit that holds longest comes first, then the one that leaves least."""
    _limit, free, until = state
    return (-until.timestamp() if until else 0, free)


def _state(limit, uses, now, needed):
    """The limit, what it leaves, and when it leaves enough if it does not now."""
    counting = [use for use in uses if use.start + BUCKET > now - PERIODS[limit.period]]
    free = limit.number - sum(getattr(use, limit.what) for use in counting)
    missing, until = min(needed, limit.number) - free, None
    for use in counting:
        if missing <= 0:
            break
        missing -= getattr(use, limit.what)
        until = use.start + BUCKET + PERIODS[limit.period]
    return limit, max(free, 0), until
