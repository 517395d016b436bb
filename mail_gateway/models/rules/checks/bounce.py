"""The check for bounces."""

from odoo import models


class MailCheckBounce(models.AbstractModel):
    """Recognizes bounces as core does (mail.thread._detect_is_bounce)."""

    _name = "mail.check.bounce"
    _inherit = "mail.check"
    _description = "Bounces"

    def _explanation(self):
        return self.env._(
            "Reports that a message from Odoo could not be delivered, and all messages to a bounce address."
        )

    def _look(self, incoming):
        if not incoming.values["is_bounce"]:
            return None
        address = incoming.values.get("bounced_email") or self.env._("an unknown recipient")
        return self.env._("A bounce: mail to %s could not be delivered.", address)
