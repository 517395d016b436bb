from odoo import models
from odoo.tools.mail import decode_message_header

OWN_MESSAGE_ID = "X-Odoo-Message-Id"


class MailCheckLoop(models.AbstractModel):
    """Recognises what Odoo sent itself, by whatever way it comes back."""

    _name = "mail.check.loop"
    _inherit = "mail.check"
    _description = "Loop"

    def _explanation(self):
        return self.env._(
            "Odoo's own mail that comes back, also when its Message-Id was changed on the way, and answers to notices "
            "that a message was refused."
        )

    def _look(self, incoming):
        if self.env["mail.thread"]._detect_loop_headers(incoming.values):
            return self.env._("An answer to a notice that Odoo sent; it would loop.")
        if self._is_ours(incoming.message):
            return self.env._("Odoo sent this message itself, and it came back.")
        return None

    def _is_ours(self, message):
        """The header also tells when a relay gave the message another Message-Id."""
        message_id = decode_message_header(message, OWN_MESSAGE_ID).strip()
        return bool(message_id) and bool(
            self.env["mail.message"].sudo().search_count([("message_id", "=", message_id)], limit=1)
        )
