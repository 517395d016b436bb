from odoo import models


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    def _manage_mail_values(self, mail_values_all):
        """Extends core's method: without a chatter to post in, core makes a notification of what a person writes.

        Notifications leave as written by a program; this one denies it (RFC 3834, section 5).
        """
        values_all = super()._manage_mail_values(mail_values_all)
        if self.composition_mode == "comment" and not self._has_chatter():
            for values in values_all.values():
                values["mail_headers"] = {"Auto-Submitted": "no"} | (values.get("mail_headers") or {})
        return values_all

    def _has_chatter(self):
        return bool(self.model) and hasattr(self.env[self.model], "message_post")
