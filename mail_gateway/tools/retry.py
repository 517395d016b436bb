"""When to try again."""

from datetime import timedelta

# A message that kills its worker is set aside after this many tries.
MAX_TRIES = 3
# Passing faults (a full disk, a database that is down) are waited out this often: about three days.
MAX_DEFERRALS = 16

_AFTER_A_TRY = tuple(timedelta(seconds=s) for s in (5, 60, 300))
_AFTER_A_FAULT = tuple(timedelta(minutes=m) for m in (0.5, 1, 5, 15, 30, 60, 120, 240, 480))


def delay_after_try(tries: int) -> timedelta:
    """How long a try that ended without a word (its worker was killed) or with a bug keeps the message back.

    :param tries: tries so far, at least 1
    """
    return _AFTER_A_TRY[min(tries, len(_AFTER_A_TRY)) - 1]


def delay_after_fault(deferrals: int) -> timedelta:
    """How long to wait for a passing fault to pass.

    :param deferrals: how often the message was deferred so far, 0 for the first time
    """
    return _AFTER_A_FAULT[min(deferrals, len(_AFTER_A_FAULT) - 1)]
