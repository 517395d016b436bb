"""The words of the policy for incoming mail: what is done with a message, why, and what rules look at and answer."""

from email.message import EmailMessage
from enum import Enum, IntEnum
from typing import NamedTuple


class Action(str, Enum):
    """What is done with a message."""

    ACCEPT = "accept"
    NOTE = "note"
    HOLD = "hold"
    DEFER = "defer"
    REJECT = "reject"
    DISCARD = "discard"

    @property
    def state(self) -> str:
        """Where it leads."""
        return _STATES[self]

    @property
    def stops(self) -> bool:
        """Whether Odoo does not get to see the message."""
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
    """Why a message is where it is, if no rule said so; a rule's cause is the name of its check."""

    NO_ROUTE = "no_route"
    LOST_ADDRESS = "lost_address"
    REPLIES = "replies"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    NOT_TOLD = "not_told"
    ERROR = "error"
    KILLED = "killed"


class Stage(IntEnum):
    """How much is known of a message when a rule is asked."""

    SOURCE = 1
    MESSAGE = 2
    ROUTE = 3


class Verdict(NamedTuple):
    """:ivar reason: in words that an administrator understands
    :ivar cause: a :class:`Cause`, or the name of the check that hit
    """

    action: Action
    reason: str = ""
    cause: str = ""


class RuleResult(NamedTuple):
    """What a rule said to a message.

    :ivar reason: why it hit; empty when it did not
    """

    rule_id: int
    name: str
    check: str
    action: str
    reason: str = ""


class CheckInput(NamedTuple):
    """What a check may look at.

    :ivar size: in bytes
    :ivar inbound_id: of its mail.inbound.message; 0 for one that is not stored
    :ivar server_id: of the fetchmail.server that it came through, 0 for none
    :ivar message: as the email package parsed it; from Stage.MESSAGE on
    :ivar values: core's dictionary of the parsed message (mail.thread.message_parse); from Stage.MESSAGE on
    :ivar known_ids: of the mail.message records that this very message made before; from Stage.MESSAGE on
    :ivar copy_ids: of the mail.inbound.message records of copies that are done with; from Stage.MESSAGE on
    :ivar routes: core's routes (mail.thread.message_route), without those that need no judging; at Stage.ROUTE
    :ivar is_head: only its headers were fetched
    :ivar may_be_large: a person had it fetched, whatever its size
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
