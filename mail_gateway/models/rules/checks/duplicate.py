"""The check for duplicate messages."""

from odoo import models


class MailCheckDuplicate(models.AbstractModel):
    """Recognizes messages that Odoo processed before, by Message-Id and content (D4)."""

    _name = "mail.check.duplicate"
    _inherit = "mail.check"
    _description = "Duplicate Messages"

    def _explanation(self):
        return self.env._(
            "Messages that Odoo processed before (same Message-Id, sender, subject, text and files), unless this copy is "
            "addressed to an alias that no earlier copy was addressed to."
        )

    def _look(self, incoming):
        inbound = self.env["mail.inbound.message"].sudo()
        earlier = inbound.browse(incoming.copy_ids)
        if not earlier and not incoming.known_ids:
            return None
        if earlier and inbound._aliases_among(incoming.values["recipients"]) - earlier._aliases_named():
            return None
        return self.env._("Odoo processed this message before.")
