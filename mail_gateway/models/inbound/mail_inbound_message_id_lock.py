"""Locks on Message-Ids."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..bounded_char import BoundedChar
from ..numbered_rows import add_numbered


class MailInboundMessageIdLock(models.Model):
    """That a message is being processed: two transactions can't process copies of it at the same time.

    Numbered by Message-Id. The one that comes second waits for the first and starts again: then it sees what that made.
    """

    _name = "mail.inbound.message.id.lock"
    _description = "Lock on a Message-Id"

    message_id = BoundedChar(required=True, readonly=True)
    number = fields.Integer(required=True, readonly=True)

    _number_unique = models.UniqueIndex("(message_id, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _lock(self, message_id):
        """Process a message alone."""
        add_numbered(self.env.cr, self._table, {"message_id": message_id}, {})

    @api.autovacuum
    def _gc_locks(self):
        """No transaction takes a day."""
        old = self.search(
            [("create_date", "<", fields.Datetime.now() - timedelta(days=1))],
            order="create_date",
            limit=GC_UNLINK_LIMIT,
        )
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
