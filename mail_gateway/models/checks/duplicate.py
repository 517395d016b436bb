from odoo import models


class MailCheckDuplicate(models.AbstractModel):
    """Recognises by its Message-Id what was processed before (D4)."""

    _name = "mail.check.duplicate"
    _inherit = "mail.check"
    _description = "Duplicate"

    def _explanation(self):
        return self.env._(
            "A Message-Id that was processed before, unless this copy names an alias that no earlier copy named."
        )

    def _look(self, incoming):
        inbound = self.env["mail.inbound.message"].sudo()
        earlier = inbound.browse(incoming.copy_ids)
        if not earlier and not incoming.known_ids:
            return None
        if earlier and inbound._aliases_among(incoming.values["recipients"]) - earlier._aliases_named():
            return None
        return self.env._("A message with this Message-Id was processed before.")
