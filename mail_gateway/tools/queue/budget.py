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
    :ivar limit: the limit that leaves the least; None without limits
    :ivar until: when that limit has room again, if it has none now
    """

    messages: int | None = None
    recipients: int | None = None
    limit: Limit | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing may be sent now."""
        return self.messages == 0 or self.recipients == 0

    def holds(self, recipients: int) -> bool:
        """Return whether a message to so many recipients may be sent now."""
        return not self.is_empty and (self.recipients is None or recipients <= self.recipients)


def bucket(now: datetime) -> datetime:
    """Return the beginning of the minute in which something sent now counts."""
    return now.replace(second=0, microsecond=0)


def room(limits: Iterable[Limit], uses: Iterable[Use], now: datetime) -> Room:
    """Return what may be sent now.

    The periods end now, whatever the clock says: 200 a day are 200 in any 24 hours, as providers count.

    :param limits: those with the number 0 do not count
    :param uses: of the last day, by all processes
    """
    uses = sorted(uses)
    left, tightest = {"messages": None, "recipients": None}, (None, None)
    for limit in limits:
        if not limit.number:
            continue
        free = max(limit.number - sum(_amounts(limit, uses, now)), 0)
        if left[limit.what] is None or free < left[limit.what]:
            left[limit.what] = free
        until = _free_again(limit, uses, now) if not free else None
        if tightest[0] is None or _rank(free, until) < _rank(*tightest[1]):
            tightest = limit, (free, until)
    limit, (_free, until) = tightest if tightest[0] else (None, (None, None))
    return Room(left["messages"], left["recipients"], limit, until)


def _rank(free, until):
    """The limit that holds longest comes first, then the one that leaves least."""
    return (free, -until.timestamp() if until else 0)


def _counts(limit, use, now):
    return use.start + BUCKET > now - PERIODS[limit.period]


def _amounts(limit, uses, now):
    return [getattr(use, limit.what) for use in uses if _counts(limit, use, now)]


def _free_again(limit, uses, now):
    """When so much has left the period that one more fits."""
    counting = [use for use in uses if _counts(limit, use, now)]
    too_many = sum(getattr(use, limit.what) for use in counting) - limit.number + 1
    for use in counting:
        too_many -= getattr(use, limit.what)
        if too_many <= 0:
            return use.start + BUCKET + PERIODS[limit.period]
    return now + PERIODS[limit.period]
