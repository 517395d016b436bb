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
        message_id = incoming.values["message_id"]
        inbound = self.env["mail.inbound.message"].sudo()
        earlier = inbound._earlier_copies(incoming, message_id)
        # A program that hands over a bounce or a refused message once more means it, as with Odoo's own gateway.
        fetched = earlier.filtered(lambda copy: copy.transport != "call")
        if not fetched and not self._is_known(message_id):
            return None
        if earlier and inbound._aliases_among(incoming.values["recipients"]) - earlier._aliases_named():
            return None
        return self.env._("A message with this Message-Id was processed before.")

    def _is_known(self, message_id):
        return bool(self.env["mail.message"].sudo().search_count([("message_id", "=", message_id)], limit=1))
