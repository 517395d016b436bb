from odoo import api, fields, models
from odoo.exceptions import UserError


class MailInboundBulkDecision(models.TransientModel):
    """Shows everything that is held for the same as some messages, and decides about all of it at once."""

    _name = "mail.inbound.bulk.decision"
    _description = "Inbound Messages Held for the Same"

    decided_message_ids = fields.Many2many(
        "mail.inbound.message",
        string="Messages",
        readonly=True,
        help="As many as there were when the dialog was opened: later ones wait.",
    )
    message_count = fields.Integer(compute="_compute_words")
    words = fields.Text(compute="_compute_words")
    is_releasable = fields.Boolean(compute="_compute_usual")
    is_limited = fields.Boolean(compute="_compute_usual")
    usual = fields.Char(compute="_compute_usual", help="What helps as a rule, by the cause: its button stands out.")

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
        """The senders with the most messages, and how many others there are."""
        shown = [f"{sender or self.env._('nobody')} ({count})" for sender, count in senders[:10]]
        more = len(senders) - len(shown)
        return ", ".join([*shown, self.env._("%s others", more)] if more else shown)

    def action_release(self):
        """Deliver all of them, whatever rule held them."""
        return self._decide("action_release")

    def action_process_again(self):
        """Hand all of them to delivery as if they had just come in."""
        return self._decide("action_process_again")

    def action_discard(self):
        """Decide that none of them is wanted."""
        return self._decide("action_discard")

    def action_allow_sender(self):
        """Exempt their senders from all limits, and deliver all that is held of them for one."""
        return self._decide("action_allow_sender")

    def action_route(self):
        """Open the dialog that asks where all of them go."""
        return self._decide("action_route")

    def action_reject(self):
        """Open the dialog that asks what their senders are told."""
        return self._decide("action_reject")

    def _decide(self, method):
        """What somebody else decided about meanwhile is left as it is.

        :raises UserError: when that is all of them
        """
        self.ensure_one()
        self.check_access("read")
        waiting = self.decided_message_ids.filtered("is_decidable")
        if not waiting:
            raise UserError(self.env._("Somebody decided about all of them meanwhile."))
        return getattr(waiting, method)()
