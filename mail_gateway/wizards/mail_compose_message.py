from odoo import models

from ..models.outgoing.mail_thread import BY_PROGRAM
from ..tools.server_selection import Traffic


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    def _prepare_mail_values_static(self):
        """Extends core's method: what the composer writes in its mass mode is mass mail."""
        values = super()._prepare_mail_values_static()
        if self.composition_mode == "mass_mail" and not self.env.context.get(BY_PROGRAM):
            values["traffic"] = Traffic.MASS.value
        return values
