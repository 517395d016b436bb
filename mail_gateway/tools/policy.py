"""The terms of the policy for incoming mail: actions, causes, verdicts, and the input and results of rules."""

from email.message import EmailMessage
from enum import Enum, IntEnum
from typing import NamedTuple


class Action(str, Enum):
    """The action on a message."""

    ACCEPT = "accept"
    NOTE = "note"
    HOLD = "hold"
    DEFER = "defer"
    REJECT = "reject"
    DISCARD = "discard"

    @property
    def state(self) -> str:
        """The state to which the action leads."""
        return _STATES[self]

    @property
    def stops(self) -> bool:
        """Whether the action keeps the message from Odoo."""
        return self not in {Action.ACCEPT, Action.NOTE}


_STATES = {
    Action.ACCEPT: "delivered",
    Action.NOTE: "delivered",
    Action.HOLD: "held",
    Action.DEFER: "deferred",
    Action.REJECT: "rejected",
    Action.DISCARD: "discarded",
}


class Cause(str, Enum):
    """The cause of a message's state if no rule decided; the cause of a rule is the name of its check."""

    NO_ROUTE = "no_route"
    LOST_ADDRESS = "lost_address"
    REPLIES = "replies"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    NOT_TOLD = "not_told"
    ERROR = "error"
    KILLED = "killed"


class Stage(IntEnum):
    """How much is known about a message when a rule is asked."""

    SOURCE = 1
    MESSAGE = 2
    ROUTE = 3


class Verdict(NamedTuple):
    """The action on a message, and the reason.

    :ivar reason: the reason, in words that an administrator understands
    :ivar cause: a :class:`Cause`, or the name of the check that matched
    """

    action: Action
    reason: str = ""
    cause: str = ""


class RuleResult(NamedTuple):
    """The result of one rule for one message.

    :ivar reason: why the rule matched; empty when it did not
    """

    rule_id: int
    name: str
    check: str
    action: str
    reason: str = ""


class CheckInput(NamedTuple):
    """The facts about a message that a check may use.

    :ivar size: the size in bytes
    :ivar inbound_id: the id of its mail.inbound.message; 0 for a message that is not stored
    :ivar server_id: the id of the fetchmail.server through which it came, 0 for none
    :ivar message: the message as the email package parsed it; from Stage.MESSAGE on
    :ivar values: core's dictionary of the parsed message (mail.thread.message_parse); from Stage.MESSAGE on
    :ivar known_ids: ids of the mail.message records that the same message created before; from Stage.MESSAGE on
    :ivar copy_ids: ids of the mail.inbound.message records of copies that were processed; from Stage.MESSAGE on
    :ivar routes: core's routes (mail.thread.message_route), without those that rules do not judge; at Stage.ROUTE
    :ivar is_head: whether only its headers were fetched
    :ivar may_be_large: whether a person requested it, whatever its size
    """

    size: int
    inbound_id: int = 0
    server_id: int = 0
    message: EmailMessage | None = None
    values: dict | None = None
    known_ids: tuple[int, ...] = ()
    copy_ids: tuple[int, ...] = ()
    routes: tuple = ()
    is_head: bool = False
    may_be_large: bool = False
