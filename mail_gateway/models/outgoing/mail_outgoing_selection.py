import logging
from functools import partial

from odoo import SUPERUSER_ID, api, fields, models
from odoo.modules.registry import Registry

from ...tools.server_selection import Step

_logger = logging.getLogger(__name__)


class MailOutgoingSelection(models.Model):
    """Which server sent an e-mail, under which From, and why: one row per mail.mail.

    The e-mail itself is usually deleted once it was sent; its row stays with the chatter message.
    """

    _name = "mail.outgoing.selection"
    _description = "Sending Details"
    _order = "date desc, id desc"
    _rec_name = "server_name"

    mail_message_id = fields.Many2one(
        "mail.message", "Message", required=True, ondelete="cascade", index=True, readonly=True
    )
    mail_mail_id = fields.Many2one("mail.mail", "E-mail", ondelete="set null", index="btree_not_null", readonly=True)
    mail_key = fields.Integer("E-mail ID", readonly=True, help="Stays when the e-mail itself is deleted.")
    failed = fields.Boolean(readonly=True, help="The e-mail did not leave; it would have left like this.")
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    mail_server_id = fields.Many2one(
        "ir.mail_server", "Outgoing Mail Server", ondelete="set null", index="btree_not_null", readonly=True
    )
    server_name = fields.Char("Server", readonly=True, help="As it was called when the e-mail was sent.")
    step = fields.Selection(
        [
            (Step.FORCED.value, "Named by the message"),
            (Step.ADDRESS.value, "1. Filter names the author"),
            (Step.DOMAIN.value, "2. Filter names the author's domain"),
            (Step.NO_FILTER.value, "3. No filter"),
            (Step.DEFAULT_ADDRESS.value, "4. Filter names the default From"),
            (Step.DEFAULT_DOMAIN.value, "4. Filter names the default From's domain"),
            (Step.FIRST.value, "5. First server"),
            (Step.ODOO_BIN.value, "Settings of odoo-bin"),
        ],
        string="Chosen By",
        readonly=True,
    )
    from_filter = fields.Char(
        "FROM Filtering", readonly=True, help="Whose messages could leave under their own address through this server."
    )
    traffic = fields.Selection([("transactional", "Transactional"), ("mass", "Mass")], "Kind of Mail", readonly=True)
    recipients = fields.Char("To", readonly=True)
    from_before = fields.Char("From, Asked For", readonly=True)
    from_after = fields.Char("From, Sent", readonly=True)
    return_path = fields.Char("Return-Path", readonly=True)
    reply_to = fields.Char("Reply-To", readonly=True)
    passed_over = fields.Text("Other Servers", readonly=True, help="Why the other servers did not send it.")

    _mail_key_unique = models.UniqueIndex("(mail_key) WHERE mail_key IS NOT NULL")

    def _record_later(self, rows):
        """Write rows down after the commit, in a transaction of their own.

        An explanation must not undo the sending of what has left already: the e-mail would leave once more.

        :param list rows: values for create()
        """
        if rows:
            self.env.cr.postcommit.add(partial(self._record_in_transaction, self.env.cr.dbname, rows))

    @staticmethod
    def _record_in_transaction(dbname, rows):
        try:
            with Registry(dbname).cursor() as cr:
                api.Environment(cr, SUPERUSER_ID, {})["mail.outgoing.selection"]._record(rows)
        except Exception:  # noqa: BLE001 what has left has left
            _logger.warning("How %s e-mails were sent could not be written down", len(rows), exc_info=True)

    def _record(self, rows):
        """Write down how e-mails were sent; a later try of an e-mail replaces what an earlier one left.

        :param list rows: values for create(); messages that are gone by now are left out
        """
        rows = {
            row["mail_key"]: row for row in rows
        }  # core may come twice to an e-mail in trouble: the last word counts
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
