from odoo import models

from ..tools.server_selection import Traffic


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    def _prepare_mail_values_static(self):
        """Extends core's method: what is written to many records at once is mass mail."""
        values = super()._prepare_mail_values_static()
        if self.composition_mode == "mass_mail":
            values["traffic"] = Traffic.MASS.value
        return values
