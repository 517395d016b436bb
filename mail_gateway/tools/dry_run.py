"""What would become of a message: the answer of a dry run, in plain values."""

from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakSet

# Cursors whose transaction is certain to be rolled back. Not in a context: code that drops it must not send either.
_DRY_RUNS = WeakSet()


def begin_dry_run(cr) -> None:
    """From now on nothing that a rollback can't undo may be done with this cursor."""
    _DRY_RUNS.add(cr)


def is_dry_run(cr) -> bool:
    """Whether everything that is done with a cursor is rolled back."""
    return cr in _DRY_RUNS


class Recipient(NamedTuple):
    """:ivar header: that names it
    :ivar matches: what it is, in words
    :ivar counts: whether it leads anywhere
    """

    header: str
    address: str
    matches: str
    counts: bool


class Value(NamedTuple):
    """:ivar label: of the field
    :ivar before: only of a record that existed
    """

    label: str
    text: str
    before: str = ""


class Posted(NamedTuple):
    """A message in a chatter."""

    author: str
    kind: str
    text: str
    attachments: tuple[str, ...] = ()


class Target(NamedTuple):
    """A record that the message made or updated.

    :ivar res_id: 0 for one that was made: its number is free again
    :ivar name: empty when the user who asks may not read it; the values are hidden, too
    :ivar values: by field
    :ivar followers: who came to follow it
    """

    model: str
    label: str
    res_id: int
    name: str
    values: dict[str, Value]
    posted: tuple[Posted, ...] = ()
    followers: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the message made it."""
        return not self.res_id


class Told(NamedTuple):
    """Somebody who would be notified.

    :ivar by: "email" or "inbox" (mail.notification)
    :ivar about: empty for the message itself, else the subject of what it caused
    """

    partner_id: int
    name: str
    email: str
    by: str
    about: str = ""


class Leaving(NamedTuple):
    """An e-mail that would leave.

    :ivar kind: in words
    :ivar text: of what is no notification
    """

    kind: str
    to: str
    subject: str
    text: str = ""


@dataclass
class DryRunResult:
    """:ivar state: of a mail.inbound.message; empty when a passing fault kept the dry run from its end
    :ivar cause: as in tools.delivery.Verdict
    :ivar rule_id: of the rule that decided, 0 for none
    :ivar rule_results: of the rules that were asked: dictionaries of tools.delivery.RuleResult
    :ivar routes: in words
    :ivar contacts: that would be made, in words
    :ivar remarks: what is good to know
    :ivar detail: where it failed, for developers
    """

    state: str
    reason: str = ""
    cause: str = ""
    rule_id: int = 0
    rule_results: list[dict] = field(default_factory=list)
    recipients: list[Recipient] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    leaving: list[Leaving] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    detail: str = ""
