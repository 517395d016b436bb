"""Collects facts about messages while they are sent, in the context of one run of core's sending."""

from typing import NamedTuple

from .server_selection import Selection


class SentAs(NamedTuple):
    """The addresses with which a message was sent.

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
    """One run of core's sending, which chooses servers first and then works on one message after the other.

    It is a class, so that no value that a remote caller puts into the context can pass for a run.

    :ivar selected: id of the first message of a group that core made one selection for -> that selection, of which core's
        method returns only a part
    :ivar selections: id of a message -> the selection that was made for it
    :ivar by_odoo_bin: whether core is about to connect for messages that no server may send, and will ask again
    :ivar sent_as: the addresses of the current message; None before it was prepared
    :ivar rows: values of the sending details to record
    """

    KEY = "mail_gateway_sending"

    def __init__(self):
        self.selected: dict[int, Selection] = {}
        self.selections: dict[int, Selection] = {}
        self.by_odoo_bin = False
        self.sent_as: SentAs | None = None
        self.rows = []
        self._asked = {}

    @classmethod
    def of(cls, context) -> "Sending | None":
        """Return the run that is under way in this context, None when there is none."""
        sending = context.get(cls.KEY)
        return sending if isinstance(sending, cls) else None

    def asked(self, message_id: int, allowed: object) -> None:
        """Note that core has asked which servers a message may use.

        :param allowed: the answer; core passes the very object for the first message of a group when it selects
        """
        self._asked[id(allowed)] = (message_id, allowed)

    def select(self, allowed: object, selection: Selection) -> None:
        """Note the selection for the group of messages whose first one got `allowed` as the servers that it may use."""
        message_id, answer = self._asked.get(id(allowed), (None, None))
        if answer is allowed:
            self.selected[message_id] = selection

    def forget_asked(self) -> None:
        """Forget which servers messages may use: core has selected."""
        self._asked.clear()

    def take_by_odoo_bin(self) -> bool:
        """Return whether core asks again for messages that no server may send, and reset the mark."""
        by_odoo_bin, self.by_odoo_bin = self.by_odoo_bin, False
        return by_odoo_bin

    def take_sent_as(self) -> SentAs | None:
        """Return the addresses with which the current message was sent, and remove them."""
        sent_as, self.sent_as = self.sent_as, None
        return sent_as

    def take_rows(self) -> list:
        """Return the values to record, and remove them."""
        rows, self.rows = self.rows, []
        return rows
