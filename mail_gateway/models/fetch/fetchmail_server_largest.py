from dataclasses import replace

from odoo import models

from ...tools.fetch.mailbox_settings import MAX_BYTES
from ...tools.policy import Action, Stage


class FetchmailLargest(models.Model):
    """Which messages are not fetched as they are."""

    _inherit = "fetchmail.server"

    def _mailbox_settings(self):
        """Extends the method: what a rule keeps from Odoo because of its size is not downloaded first."""
        limit = self.env["mail.check.size"]._most_bytes()
        rules = self.env["mail.inbound.rule"].sudo()._active_rules().get(Stage.SOURCE, ())
        applies = any(rule.check == "size" and Action(rule.action).stops for rule in rules)
        return replace(super()._mailbox_settings(), largest=min(limit, MAX_BYTES) if applies else MAX_BYTES)
