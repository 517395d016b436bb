from datetime import timedelta

from odoo import api, fields, models

DAYS_PARAMETER = "mail_gateway.selection_retention_days"
SLICE = 10_000


class MailOutgoingRetention(models.Model):
    """When sending details are forgotten."""

    _inherit = "mail.outgoing.selection"

    _date_index = models.Index("(date)")

    @api.autovacuum
    def _gc_selections(self):
        """Forget how e-mails were sent long ago, some at a time.

        :return: how many were forgotten, and whether there may be more
        """
        days = self.env["ir.config_parameter"]._get_mail_parameter(DAYS_PARAMETER)
        old = self.search([("date", "<", fields.Datetime.now() - timedelta(days=days))], order="date", limit=SLICE)
        old.unlink()
        return len(old), len(old) == SLICE
