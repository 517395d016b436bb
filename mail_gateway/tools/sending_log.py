"""What is learned about messages while they are sent; travels in the context of one run of core's sending."""

from typing import NamedTuple

from .server_selection import Selection


class SentAs(NamedTuple):
    """How a message left.

    :ivar author: the From that was asked for
    :ivar header_from: its From header
    :ivar return_path: the envelope sender
    :ivar reply_to: its Reply-To header
    """

    author: str
    header_from: str
    return_path: str
    reply_to: str


class Sending:
    """One run of core's sending, which chooses servers first and then works on one message after the other.

    A class of its own, so that nothing that a remote caller puts into the context can pass for one.

    :ivar server_ids: message -> the server that sends it, None for the settings of odoo-bin
    :ivar sent_as: how the message at hand was made ready to leave; None before that
    :ivar rows: what is to be written down
    """

    KEY = "mail_gateway_sending"

    def __init__(self):
        self.server_ids = {}
        self.sent_as = None
        self.rows = []
        self._selections = {}

    @classmethod
    def of(cls, context) -> "Sending | None":
        """The run under way in this context."""
        sending = context.get(cls.KEY)
        return sending if isinstance(sending, cls) else None

    def chose(self, selection: Selection, default_from: str) -> None:
        """Note a choice."""
        server_id = selection.server.id if selection.server else None
        self._selections[selection.author, default_from, server_id] = selection

    def selection(self, author: str, default_from: str, server_id: int | None) -> Selection | None:
        """The choice that led from this author to this server; None when the message itself named the server."""
        return self._selections.get((author, default_from, server_id))

    def take_sent_as(self) -> SentAs | None:
        """Return how the message at hand left, and forget it."""
        sent_as, self.sent_as = self.sent_as, None
        return sent_as

    def take_rows(self) -> list:
        """Return what is to be written down, and forget it."""
        rows, self.rows = self.rows, []
        return rows
