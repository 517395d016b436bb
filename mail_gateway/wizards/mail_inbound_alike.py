from odoo import api, fields, models


class MailInboundAlike(models.TransientModel):
    """Shows everything that is held for the same as some messages, and decides about all of it at once."""

    _name = "mail.inbound.alike"
    _description = "Inbound Messages Held for the Same"

    alike_ids = fields.Many2many(
        "mail.inbound.message",
        string="Messages",
        readonly=True,
        help="As many as there were when the dialog was opened: later ones wait.",
    )
    alike_count = fields.Integer(compute="_compute_words")
    words = fields.Text(compute="_compute_words")

    @api.depends("alike_ids")
    def _compute_words(self):
        for wizard in self:
            found = wizard.alike_ids
            wizard.alike_count = len(found)
            senders = found._read_group([("id", "in", found.ids)], ["sender"], ["__count"], order="__count DESC")
            words = {"number": len(found), "senders": self._list(senders)}
            wizard.words = self.env._("Messages: %(number)s, from %(senders)s", **words)

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

    def _decide(self, method):
        """What somebody else decided about meanwhile is left as it is."""
        self.ensure_one()
        getattr(self.alike_ids.filtered("is_decidable"), method)()
        return {"type": "ir.actions.act_window_close"}
