"""The history of decisions about inbound messages."""

from odoo import fields, models
from odoo.exceptions import UserError


class MailInboundDecision(models.Model):
    """Who decided what about an inbound message, and when. Rows are added and never changed."""

    _name = "mail.inbound.decision"
    _description = "Decision about an Inbound Message"
    _rec_name = "decision"
    _order = "id desc"

    inbound_message_id = fields.Many2one(
        "mail.inbound.message", "Message", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one(
        "res.users",
        "Decided By",
        readonly=True,
        default=lambda self: self.env.user,
        index="btree_not_null",
        ondelete="set null",
    )
    date = fields.Datetime("Decided", required=True, readonly=True, default=fields.Datetime.now)
    decision = fields.Selection(
        [
            ("process_again", "Process Again"),
            ("release", "Release"),
            ("route", "Route"),
            ("reject", "Reject"),
            ("discard", "Discard"),
            ("allow", "Allow This Sender"),
            ("fetch", "Fetch Full Message"),
            ("keep", "Keep Source"),
            ("let_go", "Stop Keeping Source"),
        ],
        required=True,
        readonly=True,
    )
    note = fields.Text(
        "Details", readonly=True, help="Where the message was routed, or what the postmaster wrote to its sender."
    )
    reason = fields.Text(readonly=True, help="The reason that the message had before this decision.")

    def write(self, vals):  # noqa: ARG002 pylint: disable=method-required-super
        """Replaces core's method, because history is not rewritten.

        :raises UserError: always
        """
        raise UserError(self.env._("Decisions about messages can't be changed."))
