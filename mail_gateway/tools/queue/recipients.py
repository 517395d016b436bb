"""What each recipient of a message still needs, by the attempts so far: only these say whom a message goes to again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ..failures.categories import Category, Scope
from .retry import DEADLINE, is_given_up

# After which an uncertain recipient gets the message again, if nothing has proved the outcome.
UNCERTAIN_AFTER = timedelta(minutes=15)


class Progress(str, Enum):
    """How far a message has got to one recipient."""

    READY = "ready"  # may leave now, if its server may be used
    WAITING = "waiting"  # for its next try
    UNCERTAIN = "uncertain"  # for a person, who knows whether it arrived
    ACCEPTED = "accepted"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried."""
        return self in {Progress.ACCEPTED, Progress.FAILED}


@dataclass(frozen=True)
class Attempt:
    """One try for one recipient.

    :ivar outcome: "accepted", "delayed", "failed" or "uncertain"; empty while it runs
    :ivar ended: when it ended; None while it runs, or when a crash ended it
    :ivar scope: whose failure it was; None without one
    :ivar next_try: not before, for a failure of the recipient or the message
    """

    recipient: str
    outcome: str
    ended: datetime | None = None
    scope: Scope | None = None
    category: Category | None = None
    next_try: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether it uses up a delay of the message: failures of the server do not."""
        return self.outcome == "delayed" and self.scope is not Scope.SERVER


@dataclass(frozen=True)
class Policy:
    """How long to try.

    :ivar deadline: after the first refusal that is not the server's failure
    :ivar uncertain_after: when an uncertain recipient gets the message again; None for never by itself
    :ivar outage: how long the message has waited for its server since then
    """

    deadline: timedelta = DEADLINE
    uncertain_after: timedelta | None = UNCERTAIN_AFTER
    outage: timedelta = timedelta()


USUAL_POLICY = Policy()


@dataclass(frozen=True)
class RecipientStatus:
    """What a recipient needs.

    :ivar next_try: when it is :attr:`Progress.WAITING`
    :ivar failures: refusals that used up a delay
    :ivar category: of the last failure; None when there was none
    :ivar given_up: whether it failed because of the deadline, and not by a permanent refusal
    """

    recipient: str
    progress: Progress
    next_try: datetime | None = None
    failures: int = 0
    category: Category | None = None
    given_up: bool = False


def recipient_status(
    recipient: str, attempts: Sequence[Attempt], now: datetime, policy: Policy = USUAL_POLICY
) -> RecipientStatus:
    """Return what one recipient needs.

    :param attempts: those for this recipient, in their order
    :param now: in UTC
    """
    ended = [attempt for attempt in attempts if attempt.outcome]
    if any(attempt.outcome == "accepted" for attempt in ended):
        return RecipientStatus(recipient, Progress.ACCEPTED)
    if not ended:
        return RecipientStatus(recipient, Progress.READY)
    last, counting = ended[-1], [attempt for attempt in ended if attempt.counts]
    progress, next_try, given_up = _after(last, counting, now, policy)
    return RecipientStatus(recipient, progress, next_try, len(counting), last.category, given_up)


def _after(last, counting, now, policy):
    """The progress, the next try, and whether the deadline is over."""
    if last.outcome == "failed":
        return Progress.FAILED, None, False
    if last.outcome == "uncertain":
        if policy.uncertain_after is None:
            return Progress.UNCERTAIN, None, False
        return *_waits_until((last.ended or now) + policy.uncertain_after, now), False
    if last.counts and is_given_up(counting[0].ended or now, now, policy.outage, policy.deadline):
        return Progress.FAILED, None, True
    # a failure of the server leaves a delay that is still running as it is
    return *_waits_until(counting[-1].next_try if counting else None, now), False


def _waits_until(time, now):
    return (Progress.WAITING, time) if time and time > now else (Progress.READY, None)


@dataclass(frozen=True)
class MessageStatus:
    """What a message needs.

    :ivar recipients: one for each
    """

    recipients: tuple[RecipientStatus, ...]

    @property
    def ready(self) -> tuple[str, ...]:
        """The recipients whom the message may go to now."""
        return tuple(status.recipient for status in self.recipients if status.progress is Progress.READY)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried for anybody."""
        return all(status.progress.is_over for status in self.recipients)

    @property
    def has_failed(self) -> bool:
        """Whether somebody will not get the message."""
        return any(status.progress is Progress.FAILED for status in self.recipients)

    @property
    def next_try(self) -> datetime | None:
        """When the first waiting recipient is due; None when one is ready, or nobody waits."""
        times = [status.next_try for status in self.recipients if status.next_try]
        return min(times) if times and not self.ready else None


def message_status(
    recipients: Iterable[str], attempts: Iterable[Attempt], now: datetime, policy: Policy = USUAL_POLICY
) -> MessageStatus:
    """Return what a message needs.

    :param recipients: all whom it goes to
    :param attempts: of this message, in their order
    """
    by_recipient = {recipient: [] for recipient in recipients}
    for attempt in attempts:
        if attempt.recipient in by_recipient:
            by_recipient[attempt.recipient].append(attempt)
    return MessageStatus(
        tuple(recipient_status(recipient, tries, now, policy) for recipient, tries in by_recipient.items())
    )
