"""The retention period of the sources of inbound messages."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

DAYS_PARAMETER = "mail_gateway.source_retention_days"
# Sources deleted in one transaction: they stay on the disk until the commit, and nobody should wait long for the rows.
SLICE = 1000


class MailInboundMessage(models.Model):
    """Deletes old sources. The rows stay: they show what a mail server delivered already, and what became of it."""

    _inherit = "mail.inbound.message"

    source_removed_date = fields.Datetime(
        "Source Removed",
        readonly=True,
        help="When Odoo deleted the source, after the retention period in the settings.",
    )

    _source_index = models.Index(
        "(done_date) WHERE source IS NOT NULL AND state IN ('delivered', 'rejected', 'discarded')"
    )

    @api.autovacuum
    def _gc_sources(self):
        """Delete the sources of messages that were processed long ago, a limited number at a time.

        Held and failed messages still wait for a person's decision, and sources that a person keeps are not deleted.

        :return: how many sources were removed, and whether there may be more
        """
        days = self.env["ir.config_parameter"]._get_mail_parameter(DAYS_PARAMETER)
        now = fields.Datetime.now()
        done = self.search(
            [
                ("state", "in", ("delivered", "rejected", "discarded")),
                ("done_date", "<", now - timedelta(days=days)),
                ("source", "!=", False),
                ("keep_source", "=", False),
            ],
            order="done_date",
            limit=SLICE,
        )
        done.write({"source": False, "source_removed_date": now})
        return len(done), len(done) == SLICE

    @api.depends("source_removed_date")
    def _compute_preview(self):
        """Extends the method: shows when the source was deleted, if it was."""
        result = super()._compute_preview()
        for message in self:
            if message.size and not message._source_bytes(1) and not message.is_head:
                message.preview = message._removal_message()
        return result

    def _removal_message(self):
        if not self.source_removed_date:  # removed before Odoo recorded the date
            return self.env._("The source of this message was removed.")
        removed = fields.Datetime.context_timestamp(self, self.source_removed_date).date()
        return self.env._("The source of this message was removed on %s.", format_date(self.env, removed))
