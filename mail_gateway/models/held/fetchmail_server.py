from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_datetime

from .mail_postmaster_alert import Alert

# What the next fetch mends, every 5 minutes unless an administrator changed that, is nobody's concern.
PATIENCE = timedelta(minutes=8)


class FetchmailAlert(models.Model):
    """Servers that postmasters are told of: those that fail for some minutes."""

    _inherit = "fetchmail.server"

    alerted_date = fields.Datetime(
        "Postmasters Told", readonly=True, copy=False, help="When they were told that it can't be read."
    )

    @api.model
    def _take_untold(self, since, chosen):
        """The failing servers that postmasters are to be told of, which are marked as told.

        A server is told once for each period in which it fails.

        :param since: those that they were told of after that time wait
        :param chosen: those that they were told of before that time are told anew, in another way
        """
        due = self._waiting().filtered(
            lambda server: not server.alerted_date or server.alerted_date < max(min(server.error_date, since), chosen)
        )
        due.alerted_date = fields.Datetime.now()
        return due

    @api.model
    def _waiting(self, limit=None):
        """All servers that fail for some minutes."""
        failing = [("state", "=", "done"), ("error_date", "<=", fields.Datetime.now() - PATIENCE)]
        return self.search(failing, limit=limit)

    def _alert(self) -> Alert:
        """What postmasters are told of these servers."""
        failures = [(server, format_datetime(self.env, server.error_date, dt_format="short")) for server in self]
        body = self.env["ir.qweb"]._render("mail_gateway.alert_servers", {"failures": failures})
        if len(self) == 1:
            return Alert(self.env._("“%s” can't be read", self.name), body, self._name, self.id)
        return Alert(self.env._("%s incoming mail servers can't be read", len(self)), body)

    def _open_alerted(self):
        """An action that opens the only server that fails, or the list of those that do."""
        action = self.env["ir.actions.act_window"]._for_xml_id("mail.action_email_server_tree")
        if len(self) == 1:
            return {**action, "res_id": self.id, "views": [(False, "form")], "view_mode": "form"}
        return {**action, "context": {"search_default_failing": 1}}
