"""Whether a server can be used: it is left alone while it fails, and a message is sent as a probe now and then."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..failures.categories import Category, Failure

# Seconds until the next probe. After the first minutes a server that is back is found within a minute.
_PROBES = (5, 10, 20, 40, 50)
# A provider that refuses because of its limits may count each further try.
_PROBES_OF_A_LIMIT = (60, 120, 300, 600, 900)
JITTER = 0.1


@dataclass(frozen=True)
class Health:
    """The health of a server.

    :ivar failing_since: when it failed first; None while it is healthy
    :ivar failures: failed connections and probes since then
    :ivar next_probe: no message is sent before
    :ivar category: of the last failure
    """

    failing_since: datetime | None = None
    failures: int = 0
    next_probe: datetime | None = None
    category: Category | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether messages may leave without a probe."""
        return self.failing_since is None

    def may_probe(self, now: datetime) -> bool:
        """Return whether one connection may be tried."""
        return self.next_probe is None or now >= self.next_probe


HEALTHY = Health()


def after_failure(health: Health, failure: Failure, now: datetime, dice: random.Random = random) -> Health:
    """Return the health of a server that has failed.

    A failure of several connections at the same time counts once: those that began before the next probe was due.
    """
    if not health.is_healthy and not health.may_probe(now):
        return health
    failures = health.failures + 1
    probes = _PROBES_OF_A_LIMIT if failure.category is Category.RATE else _PROBES
    usual = timedelta(seconds=probes[min(failures, len(probes)) - 1])
    # what a server says while it goes down ("idle after 300 seconds") must not keep its return from being found
    delay = max(failure.wait or usual, usual) if failure.category is Category.RATE else usual
    return Health(health.failing_since or now, failures, now + delay * (1 + dice.random() * JITTER), failure.category)
