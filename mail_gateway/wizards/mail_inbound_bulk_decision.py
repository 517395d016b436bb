"""The dialog that decides about all similar messages."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class MailInboundBulkDecision(models.TransientModel):
    """Shows all messages that are similar to some held ones, and decides about all of them at once."""

    _name = "mail.inbound.bulk.decision"
    _description = "All Similar Messages"

    decided_message_ids = fields.Many2many(
        "mail.inbound.message",
        string="Messages",
        readonly=True,
        help="The similar messages at the time when the dialog was opened. It leaves out later ones.",
    )
    message_count = fields.Integer(compute="_compute_words")
    words = fields.Text(compute="_compute_words")
    is_releasable = fields.Boolean(compute="_compute_usual")
    is_limited = fields.Boolean(compute="_compute_usual")
    usual = fields.Char(
        compute="_compute_usual", help="The action that usually helps, by the cause: its button is the primary one."
    )

    @api.depends("decided_message_ids")
    def _compute_words(self):
        for wizard in self:
            found = wizard.decided_message_ids
            wizard.message_count = len(found)
            senders = found._read_group([("id", "in", found.ids)], ["sender"], ["__count"], order="__count DESC")
            words = {"number": len(found), "senders": self._list(senders)}
            wizard.words = self.env._("Messages: %(number)s, from %(senders)s", **words)

    @api.depends(
        "decided_message_ids.is_decidable",
        "decided_message_ids.is_releasable",
        "decided_message_ids.is_limited",
        "decided_message_ids.cause",
    )
    def _compute_usual(self):
        for wizard in self:
            waiting = wizard.decided_message_ids.filtered("is_decidable")
            wizard.is_releasable = any(waiting.mapped("is_releasable"))
            wizard.is_limited = any(waiting.mapped("is_limited"))
            wizard.usual = wizard._usual(waiting)

    def _usual(self, waiting):
        if waiting and all(message.cause in waiting._UNROUTABLE for message in waiting):
            return "route"
        return "allow" if self.is_limited else "process_again"

    def _list(self, senders):
        """List the senders with the most messages, and count the others."""
        shown = [f"{sender or self.env._('no sender')} ({count})" for sender, count in senders[:10]]
        more = len(senders) - len(shown)
        return ", ".join([*shown, self.env._("%s others", more)] if more else shown)

    def action_release(self):
        """Deliver all of them, whatever rule held them."""
        return self._decide("action_release")

    def action_process_again(self):
        """Hand all of them to delivery as if they had just come in."""
        return self._decide("action_process_again")

    def action_discard(self):
        """End all of them without delivering them."""
        return self._decide("action_discard")

    def action_allow_sender(self):
        """Exempt their senders from all limits, and deliver all messages of them that a limit holds."""
        return self._decide("action_allow_sender")

    def action_route(self):
        """Open the dialog that asks where to route all of them."""
        return self._decide("action_route")

    def action_reject(self):
        """Open the dialog that asks what to write to their senders."""
        return self._decide("action_reject")

    def _decide(self, method):
        """Call a method of the messages that still wait for a decision.

        :raises UserError: when somebody else decided about all of them in the meantime
        """
        self.ensure_one()
        self.check_access("read")
        waiting = self.decided_message_ids.filtered("is_decidable")
        if not waiting:
            raise UserError(
                self.env._("Somebody else has decided about all of these messages in the meantime. Close this dialog.")
            )
        return getattr(waiting, method)()
