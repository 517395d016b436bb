from odoo import models

from ...tools.automatic import automatic_reply


class MailCheckAutomatic(models.AbstractModel):
    """Recognises automatic replies (RFC 3834, and what vendors made of it): vacation notices, acknowledgements."""

    _name = "mail.check.automatic"
    _inherit = "mail.check"
    _description = "Automatic reply"

    def _explanation(self):
        return self.env._(
            "Vacation notices, acknowledgements and other replies that no person wrote, by a header that proves it: an "
            "empty Return-Path, Auto-Submitted, X-Autoreply and the like. A subject proves nothing."
        )

    def _look(self, incoming):
        if self._is_bounce_whoever_it_is_for(incoming):
            return None
        sign = automatic_reply(incoming.message)
        return self.env._("An automatic reply (%(header)s: %(value)s).", **sign._asdict()) if sign else None

    def _is_bounce_whoever_it_is_for(self, incoming):
        """Mail servers say auto-replied, too. Vacation notices may go to the bounce address (RFC 5230), as bounces do."""
        return self.env["mail.thread"]._detect_is_bounce(incoming.message, {**incoming.values, "to": ""})
