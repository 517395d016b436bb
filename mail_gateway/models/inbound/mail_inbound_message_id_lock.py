"""Locks on Message-Ids."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..bounded_char import BoundedChar
from ..numbered_rows import add_numbered


class MailInboundMessageIdLock(models.Model):
    """A lock on a Message-Id: two transactions can't process copies of one message at the same time.

    The rows are numbered by Message-Id. The second transaction waits for the first and starts again. It then sees what the
    first one created.
    """

    _name = "mail.inbound.message.id.lock"
    _description = "Lock on a Message-Id"

    message_id = BoundedChar(required=True, readonly=True)
    number = fields.Integer(required=True, readonly=True)

    _number_unique = models.UniqueIndex("(message_id, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _lock(self, message_id):
        """Prevent other transactions from processing a copy of a message until this transaction ends."""
        add_numbered(self.env.cr, self._table, {"message_id": message_id}, {})

    @api.autovacuum
    def _gc_locks(self):
        """Delete locks that are older than a day, because no transaction takes that long."""
        old = self.search(
            [("create_date", "<", fields.Datetime.now() - timedelta(days=1))],
            order="create_date",
            limit=GC_UNLINK_LIMIT,
        )
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
