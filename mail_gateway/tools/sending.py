"""What is learned about messages while they are sent; travels in the context of one run of core's sending."""

from typing import NamedTuple


class SentAs(NamedTuple):
    """How a message left.

    :ivar header_from: its From header
    :ivar return_path: the envelope sender
    :ivar reply_to: its Reply-To header
    """

    header_from: str
    return_path: str
    reply_to: str


class Sending:
    """One run of core's sending, which works on one message after the other.

    A class of its own, so that nothing that a remote caller puts into the context can pass for one.

    :ivar sent_as: how the message at hand was made ready to leave; None before that
    :ivar selections: what was chosen, by everything that the choice depends on
    """

    KEY = "mail_gateway_sending"

    def __init__(self):
        self.sent_as = None
        self.selections = {}

    @classmethod
    def of(cls, context) -> "Sending | None":
        """The run under way in this context."""
        sending = context.get(cls.KEY)
        return sending if isinstance(sending, cls) else None

    def take(self) -> SentAs | None:
        """Return how the message at hand left, and forget it."""
        sent_as, self.sent_as = self.sent_as, None
        return sent_as
