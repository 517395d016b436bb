from odoo import models


class MailCheckCatchallRepeat(models.AbstractModel):
    """Recognises what would be refused once more: the sender does not read our notices, or answers them by a program."""

    _name = "mail.check.catchall_repeat"
    _inherit = "mail.check"
    _description = "Catchall again"

    def _explanation(self):
        _number, minutes, _scope = self.env["mail.inbound.created.record"]._limits()
        return self.env._(
            "Mail to the catchall that answers nothing, after the same sender was refused the same subject and text in "
            "the last %s minutes.",
            minutes,
        )

    def _look(self, incoming):
        if incoming.values.get("parent_id") or not self.env["mail.thread"]._detect_write_to_catchall(incoming.values):
            return None
        if not self.env["mail.inbound.sender.notice"].sudo()._was_refused_the_same(incoming):
            return None
        return self.env._("The same message was refused a moment ago: a loop.")
