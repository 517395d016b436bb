"""Computes the outcome of a try from the request, the findings, and the error that ended the try."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from .delivery import DeliveryRequest
from .former_address import Redirect
from .policy import Action, Cause, RuleResult, Verdict
from .retry import MAX_DEFERRALS, MAX_TRIES, delay_after_fault, delay_after_try
from .tolerant_parsing.defects import Defect
from .trace import Identified, Made, Notified, Trace


class FailureKind(Enum):
    """The kind of error that ended a try."""

    UNROUTABLE = "unroutable"
    MISSING_RIGHT = "missing right"
    REFUSED = "refused"  # Odoo explains in words why it does not accept the message
    ERROR = "error"


class Failure(NamedTuple):
    """An error, in plain values.

    :ivar words: the text of the error
    :ivar error: the name of its class
    :ivar is_temporary: whether the error is not about the message and passes, such as a busy database or a full disk
    :ivar cause: the cause of an unroutable message
    :ivar detail: where the error happened, for developers
    """

    kind: FailureKind
    words: str
    error: str
    is_temporary: bool = False
    cause: Cause = Cause.ERROR
    detail: str = ""


class Sentence(Enum):
    """A sentence that gives the reason for an outcome in a person's language, if no rule and no step has given one."""

    UNDECIDED = "undecided"
    DISCARDED_BY_SERVER = "discarded by server"
    TEMPORARY = "temporary"
    MISSING_RIGHT = "missing right"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a try to deliver a message.

    :ivar state: the new state of its mail.inbound.message
    :ivar cause: as in :class:`.policy.Verdict`
    :ivar reason: the reason in words; a part of the sentence, if there is one
    :ivar error: the name of the error's class
    :ivar detail: where the error happened, for developers
    :ivar delay: the time until the next try; None when there is no next try
    :ivar try_count: the number of tries that count from now on
    :ivar deferral_count: how often the message has been deferred so far
    :ivar rule: the result of the rule that matched
    :ivar rule_results: the results of all rules that were asked, in their order
    :ivar identity: as in :class:`.trace.Identified`; empty when it is not known
    :ivar defects: the defects for which Odoo did not use all of the message as it came
    :ivar redirects: the redirects of the former addresses to which the message was sent
    :ivar notified: the address at which the sender was notified; empty when there was no notice
    :ivar made: the records that the message became
    """

    state: str
    try_count: int
    deferral_count: int
    cause: str = ""
    reason: str = ""
    sentence: Sentence | None = None
    error: str = ""
    detail: str = ""
    delay: timedelta | None = None
    rule: RuleResult | None = None
    rule_results: tuple[RuleResult, ...] = ()
    identity: str = ""
    defects: tuple[Defect, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    notified: str = ""
    made: Made = Made()


def outcome_of(request: DeliveryRequest, trace: Trace, failure: Failure | None = None) -> Outcome:
    """Compute the outcome of a try.

    :param failure: the error that ended the try, or None. After an error, everything that the try made and sent is rolled
        back
    """
    identified, notified = trace.last(Identified), trace.last(Notified)
    found = {
        "rule": trace.rule,
        "rule_results": trace.every(RuleResult),
        "identity": identified.identity if identified else "",
        "defects": trace.defects + trace.remarks,
        "redirects": trace.redirects,
    }
    if failure:
        return Outcome(**{**found, **_judge_failure(request, failure)}, error=failure.error, detail=failure.detail)
    made = trace.last(Made) or Made()
    return Outcome(
        **found, **_judge(request, trace.verdict, made), made=made, notified=notified.address if notified else ""
    )


def _judge(request, verdict, made):
    if verdict is None:
        if not made.message_ids:
            return _ended("held", request, sentence=Sentence.UNDECIDED)
        verdict = Verdict(Action.ACCEPT)
    words = {"cause": verdict.cause, "reason": verdict.reason}
    if verdict.action is not Action.DEFER:
        return _ended(verdict.action.state, request, **words)
    if request.deferral_count >= MAX_DEFERRALS:
        return _ended(Action.HOLD.state, request, **words)  # a person decides
    return _deferred_without_a_try(request, **words)


def _judge_failure(request, failure):
    if failure.kind is FailureKind.UNROUTABLE:
        return _judge_unroutable(request, failure)
    if failure.kind is FailureKind.MISSING_RIGHT:
        # only a person can give a right
        return _ended("held", request, Cause.NOT_ALLOWED.value, failure.words, sentence=Sentence.MISSING_RIGHT)
    if failure.is_temporary and request.deferral_count < MAX_DEFERRALS:
        return _deferred_without_a_try(request, reason=failure.words, sentence=Sentence.TEMPORARY)
    if failure.kind is FailureKind.REFUSED:
        return _judge_refusal(request, failure)
    words = {"reason": failure.words, "sentence": Sentence.ERROR}
    if request.try_count >= MAX_TRIES:
        return _ended("failed", request, Cause.ERROR.value, **words)
    return _ended("deferred", request, delay=delay_after_try(request.try_count), **words)


def _judge_unroutable(request, failure):
    """Judge an unroutable message. Its incoming server may discard it: people may share a mailbox with Odoo."""
    words = {"cause": failure.cause.value, "reason": failure.words}
    if request.discards_unroutable and failure.cause is Cause.NO_ROUTE:
        return _ended("discarded", request, **words, sentence=Sentence.DISCARDED_BY_SERVER)
    return _ended("held", request, **words)


def _judge_refusal(request, failure):
    """Judge a refusal in words, which does not pass by itself: the last try comes next, and then a person decides.

    The last try processes only the text of the message, so it succeeds when Odoo refused the message for its content.
    """
    words = {"reason": failure.words, "sentence": Sentence.REFUSED}
    if request.try_count >= MAX_TRIES:
        return _ended("held", request, Cause.REFUSED.value, **words)
    return {**_ended("deferred", request, delay=delay_after_try(1), **words), "try_count": MAX_TRIES - 1}


def _ended(state, request, cause="", reason="", **values):
    counts = {"try_count": request.try_count, "deferral_count": request.deferral_count}
    return {"state": state, "cause": cause, "reason": reason, **counts, **values}


def _deferred_without_a_try(request, **words):
    """Defer a message, without counting the try."""
    return {
        **_ended("deferred", request, delay=delay_after_fault(request.deferral_count), **words),
        "try_count": max(request.try_count - 1, 0),
        "deferral_count": request.deferral_count + 1,
    }
