"""The records that the limits count."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..bounded_char import BoundedChar
from ..numbered_rows import add_numbered

SCOPE_OF_ALIAS = "alias"


class MailInboundCreatedRecord(models.Model):
    """A record that a message created; the limits count these rows (D1).

    Rows are numbered by alias or server, and by sender. Two lanes that create a record for the same sender at the same
    time take the same number, and PostgreSQL has one of them start again: the limit is never exceeded.
    """

    _name = "mail.inbound.created.record"
    _description = "Record Created by Incoming Mail"
    _order = "id desc"

    target = BoundedChar(required=True, readonly=True, help="The alias or incoming mail server.")
    counted_for = BoundedChar(readonly=True, help="The sender; empty when the limit counts all senders together.")
    number = fields.Integer(required=True, readonly=True)
    inbound_message_id = fields.Many2one(
        "mail.inbound.message", readonly=True, ondelete="set null", index="btree_not_null"
    )
    res_model = fields.Char("Record Model", readonly=True)
    res_id = fields.Many2oneReference("Record ID", model_field="res_model", readonly=True)

    _number_unique = models.UniqueIndex("(target, counted_for, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _limits(self):
        """Return (number of records, minutes, scope) from the system parameters."""
        read = self.env["ir.config_parameter"]._get_mail_parameter
        return tuple(read(f"mail.incoming.limit.{name}") for name in ("alias", "period", "scope"))

    @api.model
    def _period_start(self):
        """Return the start of the period in which the limits count."""
        return fields.Datetime.now() - timedelta(minutes=self._limits()[1])

    @api.model
    def _counted_for(self, sender) -> str:
        return "" if self._limits()[2] == SCOPE_OF_ALIAS else sender or ""

    @api.model
    def _is_used_up(self, target, sender) -> bool:
        """Whether messages have created as many records as the limits allow, by one look-up in an index.

        :param str target: what :meth:`_target` returned
        :param str sender: normalized address
        """
        allowed, _minutes, _scope = self._limits()
        # if this transaction does not see all rows yet, it has to start again (see the class)
        oldest_that_counts = self.search_fetch(
            [("target", "=", target), ("counted_for", "=", self._counted_for(sender))],
            ["create_date"],
            order="number desc",
            offset=allowed - 1,
            limit=1,
        )
        return bool(oldest_that_counts) and oldest_that_counts.create_date >= self._period_start()

    @api.model
    def _target(self, alias, server_id, model) -> str:
        """Return the key that limits count by: the alias, else the server (0 for a program) and the created model."""
        return f"mail.alias,{alias.id}" if alias else f"fetchmail.server,{server_id or 0},{model}"

    @api.model
    def _count(self, target, sender, inbound_id, record):
        """Count a record that a message created.

        :param str target: what :meth:`_target` returned
        :param str sender: normalized address
        :param inbound_id: of the mail.inbound.message
        """
        self.flush_model()
        add_numbered(
            self.env.cr,
            self._table,
            {"target": target, "counted_for": self._counted_for(sender)},
            {"inbound_message_id": inbound_id or None, "res_model": record._name, "res_id": record.id},
        )

    @api.autovacuum
    def _gc_created_records(self):
        """Delete rows that no limit counts any more."""
        old = self.search(
            [("create_date", "<", self._period_start() - timedelta(days=1))], order="create_date", limit=GC_UNLINK_LIMIT
        )
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
