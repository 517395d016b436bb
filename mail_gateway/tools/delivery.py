"""One delivery: what it is asked to do, and what rules, Odoo's router and mail.thread find out about the message."""

import time
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from .policy import Action, Cause, CheckInput, RuleResult, Stage, Verdict  # addons with checks import Stage from here
from .trace import Identified, Judged, Parsed, Trace


class Unroutable(ValueError):
    """No route leads anywhere. A ValueError, as callers of message_process expect.

    :ivar cause: Cause.NO_ROUTE, Cause.LOST_ADDRESS when the message names deleted addresses only, or Cause.REFUSED when a
        route can't be used
    """

    def __init__(self, reason: str, cause: Cause = Cause.NO_ROUTE):
        super().__init__(reason)
        self.cause = cause


class Route(NamedTuple):
    """Where a person decided that a message goes: a record, or an alias (then res_id is 0)."""

    model: str
    res_id: int = 0
    alias_id: int = 0


class HandedOver(dict):
    """Field values that a program handed over with a message, told apart from those of an alias.

    :ivar model: the one that they are for
    """

    def __init__(self, model: str, values: dict):
        super().__init__(values)
        self.model = model


@dataclass(frozen=True)
class DeliveryRequest:
    """What a delivery is asked to do, and about which message; decided before it begins.

    :ivar size: of the message, in bytes
    :ivar inbound_id: of its mail.inbound.message; 0 for one that is not stored
    :ivar server_id: of the fetchmail.server that it came through, 0 for none
    :ivar is_head: only its headers are here
    :ivar may_be_large: a person requested it, whatever its size
    :ivar try_count: the number of this try, from 1; 0 for a call of a program, which is no try
    :ivar deferral_count: how often it was deferred before
    :ivar text_only: earlier tries failed: only the text and the source as an attachment are processed
    :ivar queues_mail: mail that the delivery causes is left to the queue instead of being sent on the spot
    :ivar is_dry_run: everything is rolled back afterwards; nothing that a rollback can't undo may be done
    :ivar route: the route that a person decided on, None for Odoo's routing
    :ivar released: a person released the message: rules that would keep it back are not asked
    :ivar caller_id: the user whose rights count for what a program handed over with the message, None for all rights
    :ivar discards_unroutable: its incoming server discards messages without a route
    """

    size: int
    inbound_id: int = 0
    server_id: int = 0
    is_head: bool = False
    may_be_large: bool = False
    try_count: int = 1
    deferral_count: int = 0
    text_only: bool = False
    queues_mail: bool = False
    is_dry_run: bool = False
    route: Route | None = None
    released: bool = False
    caller_id: int | None = None
    discards_unroutable: bool = False


@dataclass(frozen=True, eq=False)
class Delivery:
    """Travels in the context of one delivery: the request, which stays as it is, and the trace, which grows.

    A class of its own, so that nothing that a remote caller puts into the context can pass for one.

    :ivar creates_as_caller: the record that is about to be created is the one that the caller asked for
    :ivar started: value of time.monotonic() when it began
    """

    KEY: ClassVar[str] = "mail_gateway_delivery"

    request: DeliveryRequest
    trace: Trace = field(default_factory=Trace)
    creates_as_caller: bool = False
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, context) -> "Delivery | None":
        """The delivery under way in this context."""
        delivery = context.get(cls.KEY)
        return delivery if isinstance(delivery, cls) else None

    def creating_as_caller(self) -> "Delivery":
        """The same delivery, while it creates the record that the caller asked for."""
        return replace(self, creates_as_caller=True)

    def decide(self, action: Action, reason: str, cause: str = "") -> None:
        """Add a verdict."""
        self.trace.add(Verdict(action, reason, cause))

    def record(self, result: RuleResult) -> None:
        """Add what a rule said; if it matched, that is the verdict."""
        self.trace.add(result)
        if result.reason:
            self.decide(Action(result.action), result.reason, result.check)

    @property
    def check_input(self) -> CheckInput:
        """What checks may look at by now."""
        request, parsed, identified = self.request, self.trace.last(Parsed), self.trace.last(Identified)
        return CheckInput(
            size=request.size,
            inbound_id=request.inbound_id,
            server_id=request.server_id,
            message=parsed.message if parsed else None,
            values=parsed.values if parsed else None,
            known_ids=identified.known_ids if identified else (),
            copy_ids=identified.copy_ids if identified else (),
            routes=self.trace.routes,
            is_head=request.is_head,
            may_be_large=request.may_be_large,
        )

    @property
    def message_id(self) -> str:
        """The Message-Id, as Odoo parsed it; empty until it did."""
        identified = self.trace.last(Identified)
        return identified.message_id if identified else ""

    @property
    def stored_id(self) -> str:
        """The Message-Id under which the chatter stores the message; empty until it is parsed."""
        identified = self.trace.last(Identified)
        return identified.stored_id if identified else ""

    @property
    def stopped(self) -> bool:
        """Whether a rule keeps the message from Odoo."""
        rule = self.trace.rule
        return bool(rule) and Action(rule.action).stops

    @property
    def is_note(self) -> bool:
        """Whether the message is to be logged without notifying anyone."""
        rule = self.trace.rule
        return bool(rule) and rule.action == Action.NOTE.value

    def was_judged(self, stage: Stage) -> bool:
        """Whether the rules of a stage were asked."""
        return any(judged.stage is stage for judged in self.trace.every(Judged))

    def has_passed(self, check: str) -> bool:
        """Whether a rule with this check was asked and did not match."""
        return any(result.check == check and not result.reason for result in self.trace.every(RuleResult))

    def skips(self, check: str, action: str) -> bool:
        """Whether a rule is not asked, since a person decided.

        What was processed already is never processed twice, whatever they decided.
        """
        if check == "duplicate":
            return False
        keeps_back = Action(action) in {Action.HOLD, Action.DEFER, Action.REJECT}
        return bool(self.request.route) or (self.request.released and keeps_back)
