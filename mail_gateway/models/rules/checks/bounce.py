from odoo import models


class MailCheckBounce(models.AbstractModel):
    """As core recognises bounces (mail.thread._detect_is_bounce)."""

    _name = "mail.check.bounce"
    _inherit = "mail.check"
    _description = "Bounce"

    def _explanation(self):
        return self.env._("Reports that a message of ours could not be delivered, and all mail to a bounce address.")

    def _look(self, incoming):
        if not incoming.values["is_bounce"]:
            return None
        address = incoming.values.get("bounced_email") or self.env._("an unknown recipient")
        return self.env._("A bounce: mail to %s could not be delivered.", address)
