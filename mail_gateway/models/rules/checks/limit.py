"""The check for the limit of new records."""

from odoo import models

from ....tools.headers.addresses import counted_address
from ....tools.policy import Stage


class MailCheckLimit(models.AbstractModel):
    """Counts the records that an alias created (D1)."""

    _name = "mail.check.limit"
    _inherit = "mail.check"
    _description = "Record Limit Exceeded"
    _stage = Stage.ROUTE
    _tells_sender = True

    def _explanation(self):
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
        words = {"number": number, "minutes": minutes}
        if scope == "alias":
            return self.env._(
                "Messages beyond the limit of %(number)s new records per alias within %(minutes)s minutes.",
                **words,
            )
        return self.env._(
            "Messages beyond the limit of %(number)s new records per alias and sender within %(minutes)s minutes. Addresses "
            "in Mail Gateway Allowed have no limit.",
            **words,
        )

    def _look(self, incoming):
        sender = counted_address(incoming.values["email_from"])
        creations = self.env["mail.inbound.created.record"].sudo()
        for model, thread_id, _defaults, _user, alias in incoming.routes:
            target = creations._target(alias, incoming.server_id, model)
            if not thread_id and creations._is_used_up(target, sender) and not self._is_exempt(incoming):
                return self._reason(sender)
        return None

    def _is_exempt(self, incoming):
        """Whether no limit applies to the sender, as in core's mail.thread._detect_loop_sender, but in any spelling."""
        return self.env["mail.gateway.allowed"].sudo()._is_exempt(incoming.values["email_from"])

    def _reason(self, sender):
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
        words = {"number": number, "minutes": minutes, "sender": sender or self.env._("A sender without an address")}
        if scope == "alias":
            return self.env._(
                "The alias has reached the limit of new records: %(number)s within %(minutes)s minutes.",
                **words,
            )
        return self.env._(
            "%(sender)s has reached the limit of new records: %(number)s within %(minutes)s minutes.",
            **words,
        )
