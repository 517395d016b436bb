"""The findings about a message during its delivery, in order. Each is an immutable value of its own type."""

from email.message import EmailMessage
from typing import NamedTuple, TypeVar

from .former_address import Redirect
from .policy import RuleResult, Stage, Verdict
from .tolerant_parsing.defects import Defect

# The types of findings, in their usual order. A trace also holds RuleResult and Verdict (policy.py).


class Judged(NamedTuple):
    """The rules of a stage were asked."""

    stage: Stage


class Read(NamedTuple):
    """The source was read.

    :ivar source: the message as it came
    :ivar defects: the reasons why Odoo gets a simpler message
    """

    source: bytes
    defects: tuple[Defect, ...] = ()


class Redirected(NamedTuple):
    """The message was sent to former addresses."""

    redirects: tuple[Redirect, ...]


class Remarked(NamedTuple):
    """Odoo gets the message as it came, but does not use all of it."""

    defects: tuple[Defect, ...]


class Identified(NamedTuple):
    """The message was identified.

    :ivar message_id: its Message-Id, as Odoo parsed it
    :ivar stored_id: the Message-Id under which the chatter stores it; another one if a different message has the same
    :ivar identity: a key that is the same for copies of the message, see :func:`.fingerprint.identity`
    :ivar known_ids: ids of the mail.message records that the same message created before
    :ivar copy_ids: ids of the mail.inbound.message records of copies that were processed
    """

    message_id: str
    stored_id: str
    identity: str
    known_ids: tuple[int, ...] = ()
    copy_ids: tuple[int, ...] = ()


class Parsed(NamedTuple):
    """The message was parsed.

    :ivar message: the message as the email package parsed it
    :ivar values: core's dictionary of the message (mail.thread.message_parse)
    """

    message: EmailMessage
    values: dict


class Routed(NamedTuple):
    """Routes were found; records are created and updated next.

    :ivar routes: core's routes (mail.thread.message_route)
    """

    routes: tuple


class Refusal(NamedTuple):
    """Core is about to refuse the message, and to notify its sender.

    :ivar is_catchall: whether the message was sent to the catchall address and answers no other message
    """

    reason: str
    is_catchall: bool = False


class LimitReached(NamedTuple):
    """The next notice is about a limit; a sender gets such a notice only once within a period.

    :ivar cause: empty when the limit was not reached after all
    """

    cause: str


class Notified(NamedTuple):
    """The sender was notified.

    :ivar address: the address of the sender
    """

    address: str


class Made(NamedTuple):
    """The records that the message became.

    :ivar message_ids: ids of mail.message records
    :ivar record: (model, id) of the first record that has one of them in its chatter
    """

    message_ids: tuple[int, ...] = ()
    record: tuple[str, int] | None = None


Finding = TypeVar("Finding")


class Trace:
    """The findings about a message, in order. Findings are added, but never changed or removed."""

    def __init__(self):
        self._findings = []

    def add(self, finding) -> None:
        """Add a finding."""
        self._findings.append(finding)

    def every(self, kind: type[Finding]) -> tuple[Finding, ...]:
        """Return all findings of a kind, in their order."""
        return tuple(finding for finding in self._findings if isinstance(finding, kind))

    def last(self, kind: type[Finding]) -> Finding | None:
        """Return the last finding of a kind, None when there is none."""
        return next((finding for finding in reversed(self._findings) if isinstance(finding, kind)), None)

    @property
    def rule(self) -> RuleResult | None:
        """The result of the rule that matched, after which no further rule is asked."""
        return next((result for result in self.every(RuleResult) if result.reason), None)

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict, which counts, since the caller of a step knows more than the step."""
        return self.last(Verdict)

    @property
    def source(self) -> bytes:
        """The message as it came; empty until it is read."""
        read = self.last(Read)
        return read.source if read else b""

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The reasons why Odoo got a simpler message than the one that came."""
        read = self.last(Read)
        return read.defects if read else ()

    @property
    def remarks(self) -> tuple[Defect, ...]:
        """The defects for which Odoo did not use all of a message that it got as it came."""
        remarked = self.last(Remarked)
        return remarked.defects if remarked else ()

    @property
    def redirects(self) -> tuple[Redirect, ...]:
        """The redirects of the former addresses to which the message was sent."""
        redirected = self.last(Redirected)
        return redirected.redirects if redirected else ()

    @property
    def routes(self) -> tuple:
        """Core's routes."""
        routed = self.last(Routed)
        return routed.routes if routed else ()
