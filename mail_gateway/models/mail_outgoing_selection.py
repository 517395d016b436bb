from odoo import fields, models

from ..tools.server_selection import Step


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
    traffic = fields.Selection([("transactional", "Transactional"), ("mass", "Mass")], readonly=True)
    from_before = fields.Char("From, Asked For", readonly=True)
    from_after = fields.Char("From, Sent", readonly=True)
    return_path = fields.Char("Return-Path", readonly=True)
    reply_to = fields.Char("Reply-To", readonly=True)
    passed_over = fields.Text("Other Servers", readonly=True, help="Why the other servers did not send it.")

    _mail_mail_unique = models.UniqueIndex("(mail_mail_id) WHERE mail_mail_id IS NOT NULL")

    def _record(self, values):
        """Write down how an e-mail was sent; a later try of the same e-mail replaces what an earlier one left."""
        earlier = self.search([("mail_mail_id", "=", values["mail_mail_id"])])
        if earlier:
            earlier.write({**values, "date": fields.Datetime.now()})
        else:
            self.create(values)
