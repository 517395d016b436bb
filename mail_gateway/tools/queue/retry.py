"""When a message is tried again that a server refused for the time being (RFC 5321, section 4.5.4.1)."""

import random
from datetime import datetime, timedelta

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
# Greylisting servers accept a second try after some minutes (RFC 6647, section 5); what lasts longer lasts for hours.
DELAYS = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR)
# Of a delay: messages that failed together do not come back together.
JITTER = 0.1
# RFC 5321 recommends four to five days. A person who waits for an answer wants to know earlier.
DEADLINE = timedelta(days=3)


def next_try(failures: int, now: datetime, wait: timedelta | None = None, dice: random.Random = random) -> datetime:
    """Return when to try again.

    :param failures: temporary refusals of this message and recipient so far, at least 1
    :param now: in UTC
    :param wait: how long the server asked to wait; then nothing else counts, but a minute passes in any case
    :param dice: for the jitter; a delay gets longer by up to :data:`JITTER`, and never shorter
    """
    delay = max(wait, DELAYS[0]) if wait is not None else DELAYS[min(failures, len(DELAYS)) - 1]
    return now + delay * (1 + dice.random() * JITTER)


def is_given_up(
    first_failure: datetime, now: datetime, outage: timedelta = timedelta(), deadline: timedelta = DEADLINE
) -> bool:
    """Return whether a message that was refused again has been tried for long enough.

    :param first_failure: when it was refused for the first time
    :param outage: how long it waited for a server since then; that is not its own fault
    """
    return now - first_failure - outage >= deadline
