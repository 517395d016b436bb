"""The composer: which of its e-mails are mass mail, and which of them a person wrote."""

from odoo import models

from ..models.outgoing.mail_thread import BY_PROGRAM
from ..tools.server_selection import Traffic


class MailComposeMessage(models.TransientModel):
    """Marks its e-mails for the selection of a server, and for automatic responders."""

    _inherit = "mail.compose.message"

    def _prepare_mail_values_static(self):
        """Extends core's method: e-mails of the composer's mass mode are mass mail."""
        values = super()._prepare_mail_values_static()
        if self.composition_mode == "mass_mail" and not self.env.context.get(BY_PROGRAM):
            values["traffic"] = Traffic.MASS.value
        return values

    def _manage_mail_values(self, mail_values_all):
        """Extends core's method: a person wrote these e-mails, even if core sends them as notifications.

        Core does so if there is no chatter to post in. Odoo marks notifications as written by a program; this header
        prevents that (RFC 3834, section 5).
        """
        values_all = super()._manage_mail_values(mail_values_all)
        if self.composition_mode == "comment" and not self._has_chatter():
            for values in values_all.values():
                values["mail_headers"] = {"Auto-Submitted": "no"} | (values.get("mail_headers") or {})
        return values_all

    def _has_chatter(self):
        return bool(self.model) and hasattr(self.env[self.model], "message_post")
