"""The delays before a message is tried again, and the numbers of tries."""

from datetime import timedelta

# A message whose worker is killed each time fails after this number of tries.
MAX_TRIES = 3
# Number of deferrals for passing faults, such as a full disk: together they last about three days.
MAX_DEFERRALS = 16

_AFTER_A_TRY = tuple(timedelta(seconds=s) for s in (5, 60, 300))
_AFTER_A_FAULT = tuple(timedelta(minutes=m) for m in (0.5, 1, 5, 15, 30, 60, 120, 240, 480))


def delay_after_try(tries: int) -> timedelta:
    """Return how long to wait after a try that ended with a bug, or whose worker was killed.

    :param tries: tries so far, at least 1
    """
    return _AFTER_A_TRY[min(tries, len(_AFTER_A_TRY)) - 1]


def delay_after_fault(deferrals: int) -> timedelta:
    """Return how long to wait after a passing fault.

    :param deferrals: how often the message was deferred so far, 0 for the first time
    """
    return _AFTER_A_FAULT[min(deferrals, len(_AFTER_A_FAULT) - 1)]
