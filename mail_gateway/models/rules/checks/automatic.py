"""The check for automatic replies."""

from odoo import models

from ....tools.classify.automatic_reply import automatic_reply, may_be_bounce


class MailCheckAutomatic(models.AbstractModel):
    """Recognizes automatic messages (RFC 3834, and headers of vendors): vacation notices, acknowledgements.

    It precedes the check for bounces, since vacation notices go to the bounce address, too. It leaves messages that may
    be bounces to that check.
    """

    _name = "mail.check.automatic"
    _inherit = "mail.check"
    _description = "Automatic Replies"

    def _explanation(self):
        return self.env._(
            "Vacation notices, acknowledgements and other automatic messages, if a header proves it: an empty Return-Path "
            "(<>) unless the message is a bounce, Auto-Submitted, X-Autoreply and others. The subject does not count."
        )

    def _look(self, incoming):
        sign = automatic_reply(incoming.message)
        if not sign or self._is_left_to_bounces(incoming):
            return None
        return self.env._("An automatic reply (%(header)s: %(value)s).", **sign._asdict())

    def _is_left_to_bounces(self, incoming):
        """Whether Odoo takes the message for a bounce, and not only because of its recipient.

        The headers of a bounce may say auto-replied as well.
        """
        if not incoming.values["is_bounce"]:
            return False
        whoever_it_is_for = {**incoming.values, "to": ""}
        return self.env["mail.thread"]._detect_is_bounce(incoming.message, whoever_it_is_for) or may_be_bounce(
            incoming.message
        )
