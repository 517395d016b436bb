"""The alert about too many notices to senders."""

from odoo import api, fields, models

from ..rules.mail_inbound_sender_notice import TOO_MANY
from .mail_postmaster_alert import Alert


class MailInboundSenderNotice(models.Model):
    """Alerts postmasters when Odoo reaches the limit of notices to senders."""

    _name = "mail.inbound.sender.notice"
    _inherit = ["mail.inbound.sender.notice", "mail.postmaster.alert.mixin"]

    _alert_action = "mail_gateway.mail_inbound_message_action"
    _alert_filter = "not_told"

    @api.model
    def _take_unalerted(self, _since, _chosen):
        """Implements the method: one alert for each row that says that the limit was reached."""
        due = self.search([("told", "=", TOO_MANY), ("alerted_date", "=", False)])
        due.alerted_date = fields.Datetime.now()
        return due[:1]

    @api.model
    def _waiting(self, limit=None):  # noqa: ARG002 one row stands for all
        """Implements the method: one row while Odoo sends no further notice."""
        over = self.search([("told", "=", TOO_MANY)], limit=1)
        return over if over and self._is_limit_reached() else over.browse()

    def _alert(self) -> Alert:
        """Implements the method: the limit, and what to do."""
        body = self.env["ir.qweb"]._render("mail_gateway.alert_notices", {"limit": self._limit()})
        return Alert(self.env._("Odoo no longer notifies senders of refused messages"), body)

    def _open_alerted(self):
        """Extends the method: lists the messages whose senders were not notified."""
        return self._open_alerted_list()
