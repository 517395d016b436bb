from odoo import api, fields, models

from ..rules.mail_inbound_sender_notice import TOO_MANY
from .mail_postmaster_alert import Alert


class MailPostmasterAlert(models.AbstractModel):
    _inherit = "mail.postmaster.alert"

    def _tell_of_notices(self):
        """Postmasters are told once when so many notices were sent within an hour that no further one is."""
        users = self._people()
        if users and self._lock():
            self._tell(users, self.env["mail.inbound.sender.notice"]._take_untold())


class MailInboundSenderNotice(models.Model):
    """What postmasters are told of notices: that senders are not told any more."""

    _inherit = "mail.inbound.sender.notice"

    @api.model
    def _take_untold(self):
        """The rows that postmasters are to be told of, which are marked as told."""
        due = self.search([("told", "=", TOO_MANY), ("alerted_date", "=", False)])
        due.alerted_date = fields.Datetime.now()
        return due[:1]

    @api.model
    def _waiting(self, limit=None):
        """Those for which no further notice is sent."""
        over = self.search([("told", "=", TOO_MANY)], limit=1)
        return over if over and self._is_limit_reached() else over.browse()

    def _alert(self) -> Alert:
        """What postmasters are told."""
        body = self.env["ir.qweb"]._render("mail_gateway.alert_notices", {"limit": self._limit()})
        return Alert(self.env._("Senders of refused messages are no longer told"), body)

    def _open_alerted(self):
        """An action that lists the messages whose senders were not told."""
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action")
        return {**action, "context": {"search_default_not_told": 1}}
