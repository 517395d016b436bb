"""What becomes known of messages while core sends them, kept in the context of one run of core's sending."""

from typing import NamedTuple

from .server_selection import Selection


class SentAs(NamedTuple):
    """The sender of a message as it was sent.

    :ivar author: the From that the message asked for
    :ivar header_from: its From header
    :ivar return_path: the envelope sender
    :ivar reply_to: its Reply-To header
    """

    author: str
    header_from: str
    return_path: str
    reply_to: str


class Sending:
    """One run of core's sending, which chooses servers first and then sends the messages one by one.

    It is a class so that no value that a remote caller puts into the context is taken for it.

    :ivar server_ids: message -> the server that sends it, None for the settings of odoo-bin
    :ivar sent_as: the sender of the current message; None before the message is built
    :ivar rows: what is to be stored
    """

    KEY = "mail_gateway_sending"

    def __init__(self):
        self.server_ids = {}
        self.sent_as = None
        self.rows = []
        self._selections = {}

    @classmethod
    def of(cls, context) -> "Sending | None":
        """The current run in a context, None when there is none."""
        sending = context.get(cls.KEY)
        return sending if isinstance(sending, cls) else None

    def chose(self, selection: Selection, default_from: str) -> None:
        """Note the choice of a server."""
        server_id = selection.server.id if selection.server else None
        self._selections[selection.author, default_from, server_id] = selection

    def selection(self, author: str, default_from: str, server_id: int | None) -> Selection | None:
        """The choice of a server for an author; None when the message itself names the server."""
        return self._selections.get((author, default_from, server_id))

    def take_sent_as(self) -> SentAs | None:
        """Return the sender of the current message, and forget it."""
        sent_as, self.sent_as = self.sent_as, None
        return sent_as

    def take_rows(self) -> list:
        """Return what is to be stored, and forget it."""
        rows, self.rows = self.rows, []
        return rows
