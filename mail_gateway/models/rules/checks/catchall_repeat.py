"""The check for repeated mail to the catchall."""

from odoo import models


class MailCheckCatchallRepeat(models.AbstractModel):
    """Recognizes messages that Odoo would refuse again: their sender does not read notices, or a program answers them."""

    _name = "mail.check.catchall_repeat"
    _inherit = "mail.check"
    _description = "Repeated Mail to the Catchall"

    def _explanation(self):
        _number, minutes, _scope = self.env["mail.inbound.created.record"]._limits()
        return self.env._(
            "Messages to the catchall that are no replies, if Odoo refused a message with the same sender, subject and text "
            "in the last %s minutes.",
            minutes,
        )

    def _look(self, incoming):
        if incoming.values.get("parent_id") or not self.env["mail.thread"]._detect_write_to_catchall(incoming.values):
            return None
        if not self.env["mail.inbound.sender.notice"].sudo()._was_refused_the_same(incoming):
            return None
        return self.env._("Odoo refused the same message a short time ago. This is probably a mail loop.")
