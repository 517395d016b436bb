"""What becomes of one message while Odoo's router and mail.thread work on it."""

from enum import Enum
from typing import NamedTuple

from .former import Lead


class Action(str, Enum):
    """What is done with a message; the values are the states it ends in."""

    ACCEPT = "delivered"
    HOLD = "held"
    REJECT = "rejected"
    DISCARD = "discarded"


class Verdict(NamedTuple):
    """:ivar reason: in words that an administrator understands"""

    action: Action
    reason: str = ""


class Unroutable(ValueError):
    """No route leads anywhere. A ValueError, as callers of message_process expect.

    :ivar leads: of the former addresses that the message was sent to
    """

    def __init__(self, reason: str, leads: tuple[Lead, ...] = ()):
        super().__init__(reason)
        self.leads = leads


class Route(NamedTuple):
    """Where a person decided that a message goes: a record, or an alias (then res_id is 0)."""

    model: str
    res_id: int = 0
    alias_id: int = 0


class Delivery:
    """Travels in the context of one delivery; core's hooks tell it what they decided.

    A class of its own, so that nothing that a remote caller puts into the context can pass for one.

    :ivar queues_mail: mail caused by the delivery is left to the queue instead of being sent on the spot
    :ivar route: the route that a person decided on, None for Odoo's routing
    :ivar message_id: as Odoo parsed it; links what was made
    :ivar refusal: why the sender is about to be told that the message is refused
    :ivar leads: of the former addresses that the message was sent to
    """

    KEY = "mail_gateway_delivery"

    def __init__(self, queues_mail: bool = False, route: Route | None = None):
        self.queues_mail = queues_mail
        self.route = route
        self.message_id = None
        self.refusal = ""
        self.leads: tuple[Lead, ...] = ()
        self.verdict = None

    @classmethod
    def of(cls, context) -> "Delivery | None":
        """The delivery under way in this context."""
        delivery = context.get(cls.KEY)
        return delivery if isinstance(delivery, cls) else None

    def decide(self, action: Action, reason: str) -> None:
        """Note a verdict. The last one counts: whoever calls a step knows more than the step."""
        self.verdict = Verdict(action, reason)
