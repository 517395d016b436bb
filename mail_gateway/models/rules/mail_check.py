from odoo import models

from ...tools.policy import CheckInput, Stage

PREFIX = "mail.check."


class MailCheck(models.AbstractModel):
    """What all checks of incoming mail share.

    A check reads a message and answers a reason, or None. It never writes and does not know what is done about it:
    that is a :class:`mail.inbound.rule`. An addon adds one by a model named `mail.check.<name>` that inherits this one,
    and a record of `mail.inbound.rule` whose `check` is that name.
    """

    _name = "mail.check"
    _description = "Check of Incoming Mail"

    # how much of the message it needs to know
    _stage = Stage.MESSAGE
    # whether a sender whose message is held for this is told so, once within the period of the limits
    _tells_sender = False

    def _explanation(self) -> str:
        """What hits, in a postmaster's words; shown with the rule."""
        return ""

    def _sender_message(self) -> str:
        """Why a message that it hits is refused, in words for its sender. They say nothing that comes from the message."""
        return ""

    def _look(self, incoming: CheckInput) -> str | None:
        """Read a message.

        :return: why it hits, in words that an administrator understands; None when it does not
        """
        raise NotImplementedError
