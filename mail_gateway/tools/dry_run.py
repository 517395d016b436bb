"""The result of a dry run, in plain values: it tells what would become of a message."""

from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakSet

# Cursors whose transaction is certain to be rolled back. A context would not do: code that drops it must not send either.
_DRY_RUNS = WeakSet()


def begin_dry_run(cr) -> None:
    """Forbid everything that a rollback can't undo for this cursor from now on."""
    _DRY_RUNS.add(cr)


def is_dry_run(cr) -> bool:
    """Whether everything that is done with a cursor will be rolled back."""
    return cr in _DRY_RUNS


class Recipient(NamedTuple):
    """A recipient of the message.

    :ivar header: the header that names the recipient
    :ivar matches: what the address matches, in words
    :ivar counts: whether the address leads anywhere
    """

    header: str
    address: str
    matches: str
    counts: bool


class Value(NamedTuple):
    """The value of a field.

    :ivar label: the label of the field
    :ivar before: the earlier value, only for a record that existed before
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
    """A record that the message created or updated.

    :ivar res_id: 0 for a new record, since its id is free again
    :ivar name: empty when the user who asks may not read the record; the values are hidden, too
    :ivar values: field -> value
    :ivar followers: names of new followers
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
        """Whether the message created the record."""
        return not self.res_id


class Told(NamedTuple):
    """A person who would be notified.

    :ivar by: the way of notification, "email" or "inbox" (mail.notification)
    :ivar about: empty for the message itself, else the subject of a message that it caused
    """

    partner_id: int
    name: str
    email: str
    by: str
    about: str = ""


class Leaving(NamedTuple):
    """An e-mail that would be sent.

    :ivar kind: the kind of e-mail, in words
    :ivar text: the text of an e-mail that is not a notification
    """

    kind: str
    to: str
    subject: str
    text: str = ""


@dataclass
class DryRunResult:
    """The result of a dry run.

    :ivar state: a state of mail.inbound.message; empty when a passing fault kept the dry run from its end
    :ivar cause: as in tools.policy.Verdict
    :ivar rule_id: the id of the rule that decided, 0 for none
    :ivar rule_results: the results of the rules that were asked: dictionaries of tools.policy.RuleResult
    :ivar routes: the routes, in words
    :ivar contacts: the contacts that would be created, in words
    :ivar remarks: further facts that may be useful
    :ivar detail: where the delivery failed, for developers
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
