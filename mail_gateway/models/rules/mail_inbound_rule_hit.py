"""Matches of rules."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

# the 30 days that rules show, and one more day
_KEPT = timedelta(days=31)


class MailInboundRuleHit(models.Model):
    """The match of a rule and a message; a later decision of a person does not change it."""

    _name = "mail.inbound.rule.hit"
    _description = "Match of an Inbound Rule"
    _order = "id desc"

    rule_id = fields.Many2one("mail.inbound.rule", required=True, readonly=True, ondelete="cascade")
    inbound_message_id = fields.Many2one(
        "mail.inbound.message", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _rule_index = models.Index("(rule_id, create_date)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _note(self, rule_id, inbound_id):
        """Record a match.

        :param int rule_id: of the mail.inbound.rule
        :param int inbound_id: of the mail.inbound.message; False in a dry run
        """
        self.create({"rule_id": rule_id, "inbound_message_id": inbound_id})

    @api.autovacuum
    def _gc_rule_hits(self):
        """Delete rows that no rule shows any more."""
        old = self.search(
            [("create_date", "<", fields.Datetime.now() - _KEPT)], order="create_date", limit=GC_UNLINK_LIMIT
        )
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
