"""Alerts about incoming mail servers that Odoo can't fetch from."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_datetime

from .mail_postmaster_alert import Alert

# Odoo fetches every 5 minutes by default: an error that the next fetch ends causes no alert.
PATIENCE = timedelta(minutes=8)


class FetchmailServer(models.Model):
    """Alerts postmasters about servers that have failed for some minutes."""

    _name = "fetchmail.server"
    _inherit = ["fetchmail.server", "mail.postmaster.alert.mixin"]

    _alert_action = "mail.action_email_server_tree"
    _alert_filter = "failing"

    @api.model
    def _take_unalerted(self, since, chosen):
        """Implements the method: one alert for each period in which a server fails."""
        due = self._waiting().filtered(
            lambda server: not server.alerted_date or server.alerted_date < max(min(server.error_date, since), chosen)
        )
        due.alerted_date = fields.Datetime.now()
        return due

    @api.model
    def _waiting(self, limit=None):
        """Implements the method: all servers that have failed for some minutes."""
        failing = [("state", "=", "done"), ("error_date", "<=", fields.Datetime.now() - PATIENCE)]
        return self.search(failing, limit=limit)

    def _alert(self) -> Alert:
        """Implements the method: describes since when each server has failed, and why."""
        failures = [(server, format_datetime(self.env, server.error_date, dt_format="short")) for server in self]
        body = self.env["ir.qweb"]._render("mail_gateway.alert_servers", {"failures": failures})
        if len(self) == 1:
            return Alert(self.env._("Odoo can't fetch messages from “%s”", self.name), body, self._name, self.id)
        return Alert(self.env._("Odoo can't fetch messages from %s incoming mail servers", len(self)), body)
