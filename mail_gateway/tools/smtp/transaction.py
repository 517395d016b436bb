"""One message on its way through a session, and how a session can end."""

from dataclasses import dataclass, field

from ..failures.categories import Failure, Phase
from ..failures.classify import classify_reply
from ..failures.reply import Reply
from .envelope import Envelope, Outcome, RecipientResult


class SessionOver(Exception):
    """The session can't go on.

    :ivar failure: what that means
    :ivar phase: which was under way
    :ivar reply: of the server when it said why
    """

    def __init__(self, failure: Failure, phase: Phase, reply: Reply | None = None):
        super().__init__(failure.category.value)
        self.failure, self.phase, self.reply = failure, phase, reply


class SessionEnded(Exception):
    """The session has to end, and nobody is at fault."""


class JournalFailed(Exception):
    """The journal raised an error, which is the cause: no failure of the server."""


class OutOfStep(OSError):
    """The server said something that is no reply to a command: which reply belongs to which command is unknown."""


@dataclass
class Transaction:
    """One message on its way.

    :ivar content: what is still to be sent of it, as it goes over the wire
    :ivar commands: (phase, recipient, line) of the commands that were not answered
    :ivar go_ahead: whether the server wants the data
    """

    envelope: Envelope
    content: bytes
    commands: list
    phase: Phase = Phase.MAIL
    grouped: int = 0  # commands that were sent, and whose replies were not read
    replied: bool = False  # whether the server has answered any of its commands
    results: dict = field(default_factory=dict)
    go_ahead: bool = False

    @property
    def open_recipients(self):
        """The recipients whose outcome is not known."""
        return [recipient for recipient in self.envelope.recipients if recipient not in self.results]

    def refuse(self, recipients, phase, reply, failure=None):
        """Note that the server refused, by a reply or by a limit that it named before."""
        failure = failure or classify_reply(reply, phase)
        outcome = Outcome.FAILED if failure.permanent else Outcome.DELAYED
        for recipient in recipients:
            self.results.setdefault(recipient, RecipientResult(recipient, outcome, phase, reply, failure))

    def settle(self, outcome, reply=None, failure=None):
        """Note what became of all recipients whose outcome is not known."""
        for recipient in self.open_recipients:
            self.results[recipient] = RecipientResult(recipient, outcome, self.phase, reply, failure)

    def all_results(self):
        """The results, in the order of the envelope."""
        return tuple(self.results[recipient] for recipient in dict.fromkeys(self.envelope.recipients))
