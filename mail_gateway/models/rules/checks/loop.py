"""The check for mail loops."""

from odoo import models
from odoo.tools.mail import decode_message_header

OWN_MESSAGE_ID = "X-Odoo-Message-Id"


class MailCheckLoop(models.AbstractModel):
    """Recognizes messages that Odoo sent itself, by whatever way they come back."""

    _name = "mail.check.loop"
    _inherit = "mail.check"
    _description = "Mail Loop"

    def _explanation(self):
        return self.env._(
            "Messages that Odoo sent itself, even if their Message-Id was changed on the way, and answers to notices that "
            "Odoo refused a message."
        )

    def _look(self, incoming):
        if self.env["mail.thread"]._detect_loop_headers(incoming.values):
            return self.env._("This message answers a notice from Odoo. Another notice would start a mail loop.")
        if self._is_ours(incoming.message):
            return self.env._("Odoo sent this message itself, and it came back.")
        return None

    def _is_ours(self, message):
        """Whether the header names a message of Odoo, even if a relay gave the message another Message-Id."""
        message_id = decode_message_header(message, OWN_MESSAGE_ID).strip()
        return bool(message_id) and bool(
            self.env["mail.message"].sudo().search_count([("message_id", "=", message_id)], limit=1)
        )
