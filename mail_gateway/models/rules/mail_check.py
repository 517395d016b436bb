"""The base of all checks."""

from odoo import models

from ...tools.policy import CheckInput, Stage

PREFIX = "mail.check."


class MailCheck(models.AbstractModel):
    """The base of all checks of incoming mail.

    A check reads a message and returns a reason, or None. It never writes, and does not know the action: the rule
    (mail.inbound.rule) has it. An addon adds a check with a model named `mail.check.<name>` that inherits this one, and
    a record of mail.inbound.rule whose `check` is that name.
    """

    _name = "mail.check"
    _description = "Check of Incoming Mail"

    # how much of the message the check needs
    _stage = Stage.MESSAGE
    # whether Odoo notifies a sender whose message this check holds, once within the period of the limits
    _tells_sender = False

    def _explanation(self) -> str:
        """Describe to a postmaster which messages match: the condition of a rule."""
        return ""

    def _sender_message(self) -> str:
        """Explain to the sender why Odoo refuses a matching message. The text must repeat nothing from the message."""
        return ""

    def _look(self, incoming: CheckInput) -> str | None:
        """Check a message.

        :return: why it matches, in words for an administrator; None when it does not match
        """
        raise NotImplementedError
