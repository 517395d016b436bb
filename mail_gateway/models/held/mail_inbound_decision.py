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
        "Who",
        readonly=True,
        default=lambda self: self.env.user,
        index="btree_not_null",
        ondelete="set null",
    )
    date = fields.Datetime("When", required=True, readonly=True, default=fields.Datetime.now)
    decision = fields.Selection(
        [
            ("process_again", "Process again"),
            ("release", "Release"),
            ("route", "Route"),
            ("reject", "Reject"),
            ("discard", "Discard"),
            ("allow", "Allow the sender"),
            ("fetch", "Fetch it"),
            ("keep", "Keep the source"),
            ("let_go", "Let the source go"),
        ],
        required=True,
        readonly=True,
    )
    note = fields.Text("Details", readonly=True, help="Where a message was routed, what its sender was told.")
    reason = fields.Text("Held Because", readonly=True, help="The reason of the message when it was decided.")

    def write(self, vals):  # pylint: disable=method-required-super
        """Replaces core's method: history is not rewritten.

        :raises UserError: always
        """
        raise UserError(self.env._("What was decided about a message can't be changed afterwards."))
