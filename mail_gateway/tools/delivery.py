"""One delivery: its request, and the findings of the rules, Odoo's router and mail.thread about the message."""

import time
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from .policy import Action, Cause, CheckInput, RuleResult, Stage, Verdict  # addons with checks import Stage from here
from .trace import Identified, Judged, Parsed, Trace


class Unroutable(ValueError):
    """No route leads anywhere. This is a ValueError, which callers of message_process expect.

    :ivar cause: Cause.NO_ROUTE, Cause.LOST_ADDRESS when the message names only deleted addresses, or Cause.REFUSED when a
        route can't be used
    """

    def __init__(self, reason: str, cause: Cause = Cause.NO_ROUTE):
        super().__init__(reason)
        self.cause = cause


class Route(NamedTuple):
    """The destination that a person chose for a message: a record, or an alias (then res_id is 0)."""

    model: str
    res_id: int = 0
    alias_id: int = 0


class HandedOver(dict):
    """Field values that a program handed over with a message, as opposed to those of an alias.

    :ivar model: the model to which the values belong
    """

    def __init__(self, model: str, values: dict):
        super().__init__(values)
        self.model = model


@dataclass(frozen=True)
class DeliveryRequest:
    """The task of a delivery, and its message; both are fixed before the delivery begins.

    :ivar size: the size of the message in bytes
    :ivar inbound_id: the id of its mail.inbound.message; 0 for a message that is not stored
    :ivar server_id: the id of the fetchmail.server through which it came, 0 for none
    :ivar is_head: whether only its headers were fetched
    :ivar may_be_large: whether a person requested it, whatever its size
    :ivar try_count: the number of this try, from 1; 0 for a call of a program, which does not count as a try
    :ivar deferral_count: how often it was deferred before
    :ivar text_only: whether only the text and the source as an attachment are processed, since earlier tries failed
    :ivar queues_mail: whether mail that the delivery causes is left to the queue instead of being sent at once
    :ivar is_dry_run: whether everything is rolled back afterwards, so that nothing may be done that a rollback can't undo
    :ivar route: the route that a person chose, None for Odoo's routing
    :ivar released: whether a person released the message, so that rules that would keep it back are not asked
    :ivar caller_id: the user whose rights apply to values that a program handed over with the message, None for all rights
    :ivar discards_unroutable: whether its incoming server discards messages without a route
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
    """The delivery in a context: the request, which never changes, and the trace, to which findings are added.

    It is a class, so that no value that a remote caller puts into the context can pass for a delivery.

    :ivar creates_as_caller: whether the record that is about to be created is the one for which the caller asked
    :ivar started: value of time.monotonic() when the delivery began
    """

    KEY: ClassVar[str] = "mail_gateway_delivery"

    request: DeliveryRequest
    trace: Trace = field(default_factory=Trace)
    creates_as_caller: bool = False
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, context) -> "Delivery | None":
        """Return the delivery that is under way in this context, None when there is none."""
        delivery = context.get(cls.KEY)
        return delivery if isinstance(delivery, cls) else None

    def creating_as_caller(self) -> "Delivery":
        """Return the same delivery, marked to create the record for which the caller asked."""
        return replace(self, creates_as_caller=True)

    def decide(self, action: Action, reason: str, cause: str = "") -> None:
        """Add a verdict."""
        self.trace.add(Verdict(action, reason, cause))

    def record(self, result: RuleResult) -> None:
        """Add the result of a rule, and its verdict if the rule matched."""
        self.trace.add(result)
        if result.reason:
            self.decide(Action(result.action), result.reason, result.check)

    @property
    def check_input(self) -> CheckInput:
        """The facts that checks may use at this stage."""
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
        """The Message-Id, as Odoo parsed it; empty until the message is parsed."""
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
        """Whether a rule is skipped because a person decided about the message.

        The check for duplicates is never skipped: whatever the person decided, no message is processed twice.
        """
        if check == "duplicate":
            return False
        keeps_back = Action(action) in {Action.HOLD, Action.DEFER, Action.REJECT}
        return bool(self.request.route) or (self.request.released and keeps_back)
