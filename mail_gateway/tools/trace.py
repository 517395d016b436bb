"""What is found about a message during its delivery: findings, each an immutable value of its own type, in order."""

from email.message import EmailMessage
from typing import NamedTuple, TypeVar

from .former_address import Redirect
from .policy import RuleResult, Stage, Verdict
from .tolerant_parsing.defects import Defect

# What is found, in the order in which it usually is. Besides these, a trace holds RuleResult and Verdict (policy.py).


class Judged(NamedTuple):
    """The rules of a stage were asked."""

    stage: Stage


class Read(NamedTuple):
    """:ivar source: the message as it came
    :ivar defects: why Odoo is given a simpler message
    """

    source: bytes
    defects: tuple[Defect, ...] = ()


class Redirected(NamedTuple):
    """The message was sent to former addresses."""

    redirects: tuple[Redirect, ...]


class Remarked(NamedTuple):
    """Odoo does not use all of the message, though it is given the message as it came."""

    defects: tuple[Defect, ...]


class Identified(NamedTuple):
    """Which message it is.

    :ivar message_id: its Message-Id, as Odoo parsed it
    :ivar stored_id: the Message-Id under which the chatter stores it: another one where a different message has that
    :ivar identity: the same for copies of the message, see :func:`.fingerprint.identity`
    :ivar known_ids: of the mail.message records that this very message created before
    :ivar copy_ids: of the mail.inbound.message records of copies that were processed
    """

    message_id: str
    stored_id: str
    identity: str
    known_ids: tuple[int, ...] = ()
    copy_ids: tuple[int, ...] = ()


class Parsed(NamedTuple):
    """:ivar message: as the email package parsed it
    :ivar values: core's dictionary of it (mail.thread.message_parse)
    """

    message: EmailMessage
    values: dict


class Routed(NamedTuple):
    """:ivar routes: core's routes (mail.thread.message_route); records are created and updated next"""

    routes: tuple


class Refusal(NamedTuple):
    """Why core is about to refuse the message, and to notify its sender.

    :ivar is_catchall: it was sent to the catchall and answers nothing
    """

    reason: str
    is_catchall: bool = False


class LimitReached(NamedTuple):
    """The next notice is about a limit; a sender is notified of that only once within a period.

    :ivar cause: empty: it was not reached after all
    """

    cause: str


class Notified(NamedTuple):
    """:ivar address: of the sender, who was notified"""

    address: str


class Made(NamedTuple):
    """What the message became.

    :ivar message_ids: of mail.message records
    :ivar record: (model, id) of the first record that has one of them in its chatter
    """

    message_ids: tuple[int, ...] = ()
    record: tuple[str, int] | None = None


Finding = TypeVar("Finding")


class Trace:
    """What was found about a message, in order. Findings are added; none is changed or taken away."""

    def __init__(self):
        self._findings = []

    def add(self, finding) -> None:
        """Add a finding."""
        self._findings.append(finding)

    def every(self, kind: type[Finding]) -> tuple[Finding, ...]:
        """All findings of a kind, in their order."""
        return tuple(finding for finding in self._findings if isinstance(finding, kind))

    def last(self, kind: type[Finding]) -> Finding | None:
        """The last finding of a kind, None when there is none."""
        return next((finding for finding in reversed(self._findings) if isinstance(finding, kind)), None)

    @property
    def rule(self) -> RuleResult | None:
        """The result of the rule that matched; no further rule is asked."""
        return next((result for result in self.every(RuleResult) if result.reason), None)

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict counts: the caller of a step knows more than the step."""
        return self.last(Verdict)

    @property
    def source(self) -> bytes:
        """The message as it came; empty until it is read."""
        read = self.last(Read)
        return read.source if read else b""

    @property
    def defects(self) -> tuple[Defect, ...]:
        """Why Odoo was given a simpler message than the one that came."""
        read = self.last(Read)
        return read.defects if read else ()

    @property
    def remarks(self) -> tuple[Defect, ...]:
        """What is not used of a message that Odoo was given as it came."""
        remarked = self.last(Remarked)
        return remarked.defects if remarked else ()

    @property
    def redirects(self) -> tuple[Redirect, ...]:
        """Those of the former addresses that the message was sent to."""
        redirected = self.last(Redirected)
        return redirected.redirects if redirected else ()

    @property
    def routes(self) -> tuple:
        """Core's routes."""
        routed = self.last(Routed)
        return routed.routes if routed else ()
