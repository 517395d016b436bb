"""What becomes of one message while rules, Odoo's router and mail.thread work on it."""

from typing import NamedTuple

from .former_address import Redirect
from .policy import Action, Cause, CheckInput, RuleResult, Stage, Verdict  # noqa: F401 Stage: addons with checks import it from here
from .tolerant_parsing.defects import Defect


class Unroutable(ValueError):
    """No route leads anywhere. A ValueError, as callers of message_process expect.

    :ivar cause: Cause.NO_ROUTE, or Cause.LOST_ADDRESS when only addresses that were given up are named
    :ivar delivery: the delivery that ended so
    """

    def __init__(self, reason: str, cause: Cause = Cause.NO_ROUTE, delivery: "Delivery | None" = None):
        super().__init__(reason)
        self.cause = cause
        self.delivery = delivery


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


class Delivery:
    """Travels in the context of one delivery; rules and core's hooks tell it what they decided.

    A class of its own, so that nothing that a remote caller puts into the context can pass for one.

    :ivar queues_mail: mail caused by the delivery is left to the queue instead of being sent on the spot
    :ivar rehearses: everything is rolled back afterwards; nothing that a rollback can't undo may be done
    :ivar route: the route that a person decided on, None for Odoo's routing
    :ivar released: a person let the message pass: rules that would keep it back are not asked
    :ivar caller_id: the user whose rights count for what a program handed over with the message, None for all rights
    :ivar creates_as_caller: whether the record that is about to be created is the one that this user asked for
    :ivar text_only: earlier tries ended badly: only its text and the source as an attachment are processed
    :ivar incoming: what is known of the message so far
    :ivar message_id: as Odoo parsed it
    :ivar stored_id: what the chatter gets for it, which links what was made: another one where a different message has it
    :ivar identity: the same for copies of the message, see :func:`.fingerprint.identity`
    :ivar rule_results: of the rules that were asked, in their order
    :ivar is_source_judged: the rules of Stage.SOURCE were asked
    :ivar rule: the result of the rule that hit; no further one is asked
    :ivar refusal: why the sender is about to be told that the message is refused
    :ivar refuses_catchall: whether that is since it was sent to the catchall and rule_results nothing
    :ivar is_routed: whether the routes are known and records are being made
    :ivar telling: the cause for which they are about to be told, if that is to happen once within a period
    :ivar told: whether the sender was told
    :ivar leads: of the former addresses that the message was sent to
    :ivar source: the message as it came, once it is parsed
    :ivar flaws: why Odoo was given a simpler message than the one that came
    :ivar remarks: what was not used of a message though it was handed on
    """

    KEY = "mail_gateway_delivery"

    def __init__(
        self,
        incoming: CheckInput,
        queues_mail: bool = False,
        route: Route | None = None,
        released: bool = False,
        text_only: bool = False,
        is_dry_run: bool = False,
    ):
        self.incoming = incoming
        self.queues_mail = queues_mail
        self.is_dry_run = is_dry_run
        self.route = route
        self.released = released
        self.text_only = text_only
        self.caller_id: int | None = None
        self.creates_as_caller = False
        self.message_id = None
        self.stored_id = None
        self.identity = ""
        self.rule_results: list[RuleResult] = []
        self.is_source_judged = False
        self.rule: RuleResult | None = None
        self.refusal = ""
        self.refuses_catchall = False
        self.is_routed = False
        self.telling = ""
        self.told = False
        self.redirects: tuple[Redirect, ...] = ()
        self.source = b""
        self.defects: tuple[Defect, ...] = ()
        self.remarks: tuple[Defect, ...] = ()
        self.verdict: Verdict | None = None

    @classmethod
    def of(cls, context) -> "Delivery | None":
        """The delivery under way in this context."""
        delivery = context.get(cls.KEY)
        return delivery if isinstance(delivery, cls) else None

    def decide(self, action: Action, reason: str, cause: str = "") -> None:
        """Note a verdict. The last one counts: whoever calls a step knows more than the step."""
        self.verdict = Verdict(action, reason, cause)

    def record(self, result: RuleResult) -> None:
        """Note what a rule said; if it hit, that is the verdict."""
        self.rule_results.append(result)
        if result.reason:
            self.rule = result
            self.decide(Action(result.action), result.reason, result.check)

    @property
    def stopped(self) -> bool:
        """Whether a rule keeps the message from Odoo."""
        return bool(self.rule) and Action(self.rule.action).stops

    @property
    def is_note(self) -> bool:
        """Whether the message is to be logged without telling anyone."""
        return bool(self.rule) and self.rule.action == Action.NOTE.value

    def has_passed(self, check: str) -> bool:
        """Whether a rule with this check was asked and did not hit."""
        return any(result.check == check and not result.reason for result in self.rule_results)

    def skips(self, check: str, action: str) -> bool:
        """Whether a rule is not asked, since a person decided.

        What was processed already is never processed twice, whatever they decided.
        """
        if check == "duplicate":
            return False
        return bool(self.route) or (self.released and Action(action) in {Action.HOLD, Action.DEFER, Action.REJECT})
