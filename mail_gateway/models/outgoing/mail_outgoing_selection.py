"""Sending details: which server sent an e-mail, and why."""

import logging
from datetime import timedelta
from functools import partial

from odoo import SUPERUSER_ID, api, fields, models
from odoo.modules.registry import Registry

from ...tools.server_selection import Step

_logger = logging.getLogger(__name__)

DAYS_PARAMETER = "mail_gateway.selection_retention_days"
# Rows that are deleted in one transaction.
SLICE = 10_000


class MailOutgoingSelection(models.Model):
    """Which server sent an e-mail, under which From, and why: one row for each mail.mail.

    Core usually deletes the e-mail itself after sending it; its row stays with the chatter message.
    """

    _name = "mail.outgoing.selection"
    _description = "Sending Details"
    _order = "date desc, id desc"
    _rec_name = "server_name"

    mail_message_id = fields.Many2one(
        "mail.message", "Message", required=True, ondelete="cascade", index=True, readonly=True
    )
    mail_mail_id = fields.Many2one("mail.mail", "E-mail", ondelete="set null", index="btree_not_null", readonly=True)
    mail_key = fields.Integer("E-mail ID", readonly=True, help="The ID remains when the e-mail itself is deleted.")
    failed = fields.Boolean(
        readonly=True, help="Sending the e-mail failed. The other fields say how Odoo would have sent it."
    )
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    mail_server_id = fields.Many2one(
        "ir.mail_server", "Outgoing Mail Server", ondelete="set null", index="btree_not_null", readonly=True
    )
    server_name = fields.Char("Server", readonly=True, help="The name of the server when it sent the e-mail.")
    step = fields.Selection(
        [
            (Step.FORCED.value, "Specified by the Message"),
            (Step.ADDRESS.value, "1. Author's Address in Filter"),
            (Step.DOMAIN.value, "2. Author's Domain in Filter"),
            (Step.NO_FILTER.value, "3. No Filter"),
            (Step.DEFAULT_ADDRESS.value, "4. Default From in Filter"),
            (Step.DEFAULT_DOMAIN.value, "4. Default From's Domain in Filter"),
            (Step.FIRST.value, "5. First Server"),
            (Step.ODOO_BIN.value, "Settings of odoo-bin"),
        ],
        string="Reason",
        readonly=True,
        help="The step of the selection that found the server. The numbers give the order of the steps.",
    )
    from_filter = fields.Char(
        "FROM Filtering", readonly=True, help="Which authors keep their own address when this server sends."
    )
    traffic = fields.Selection([("transactional", "Transactional"), ("mass", "Mass")], readonly=True)
    recipients = fields.Char("To", readonly=True)
    from_before = fields.Char("Original From", readonly=True, help="The author of the message.")
    from_after = fields.Char("Sent From", readonly=True, help="The From header of the e-mail that was sent.")
    return_path = fields.Char("Return-Path", readonly=True)
    reply_to = fields.Char("Reply-To", readonly=True)
    passed_over = fields.Text("Other Servers", readonly=True, help="Why the other servers did not send the e-mail.")

    _mail_key_unique = models.UniqueIndex("(mail_key) WHERE mail_key IS NOT NULL")
    _date_index = models.Index("(date)")

    def _record_later(self, rows):
        """Record rows after the commit, in a transaction of their own.

        An error here must not roll back the sending of e-mails: Odoo would send them once more.

        :param list rows: values for create()
        """
        if rows:
            self.env.cr.postcommit.add(partial(self._record_in_transaction, self.env.cr.dbname, rows))

    @staticmethod
    def _record_in_transaction(dbname, rows):
        try:
            with Registry(dbname).cursor() as cr:
                api.Environment(cr, SUPERUSER_ID, {})["mail.outgoing.selection"]._record(rows)
        except Exception:  # noqa: BLE001 the e-mails are sent already
            _logger.warning("Odoo could not record the sending details of %s e-mails", len(rows), exc_info=True)

    def _record(self, rows):
        """Record how e-mails were sent; a later try of an e-mail replaces the row of an earlier one.

        :param list rows: values for create(); rows of deleted messages are left out
        """
        # after an error, core may process an e-mail twice: the last row applies
        rows = {row["mail_key"]: row for row in rows}
        messages = self.env["mail.message"].browse({row["mail_message_id"] for row in rows.values()}).exists()
        mails = self.env["mail.mail"].browse(rows).exists()
        servers = self.env["ir.mail_server"].browse({row["mail_server_id"] for row in rows.values()} - {False}).exists()
        self.search([("mail_key", "in", [*rows])]).unlink()
        self.create(
            [
                {
                    **row,
                    "mail_mail_id": key if key in mails._ids else False,
                    "mail_server_id": row["mail_server_id"] if row["mail_server_id"] in servers._ids else False,
                }
                for key, row in rows.items()
                if row["mail_message_id"] in messages._ids
            ]
        )

    @api.autovacuum
    def _gc_selections(self):
        """Delete old rows, a limited number at a time.

        :return: (number of deleted rows, whether there may be more)
        """
        days = self.env["ir.config_parameter"]._get_mail_parameter(DAYS_PARAMETER)
        old = self.search([("date", "<", fields.Datetime.now() - timedelta(days=days))], order="date", limit=SLICE)
        old.unlink()
        return len(old), len(old) == SLICE
