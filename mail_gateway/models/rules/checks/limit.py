from odoo import models

from ....tools.headers.addresses import counted_address
from ....tools.policy import Stage


class MailCheckLimit(models.AbstractModel):
    """Counts the records that an alias made (D1)."""

    _name = "mail.check.limit"
    _inherit = "mail.check"
    _description = "Over the limit"
    _stage = Stage.ROUTE
    _tells_sender = True

    def _explanation(self):
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
        words = {"number": number, "minutes": minutes}
        if scope == "alias":
            return self.env._("More than %(number)s new records by one alias within %(minutes)s minutes.", **words)
        return self.env._(
            "More than %(number)s new records of one sender by one alias within %(minutes)s minutes. Addresses in Mail "
            "Gateway Allowed have no limit.",
            **words,
        )

    def _look(self, incoming):
        sender = counted_address(incoming.values["email_from"])
        creations = self.env["mail.inbound.created.record"].sudo()
        for model, thread_id, _defaults, _user, alias in incoming.routes:
            target = creations._target(alias, incoming.server_id, model)
            if not thread_id and creations._is_used_up(target, sender) and not self._is_exempt(incoming):
                return self._words(sender)
        return None

    def _is_exempt(self, incoming):
        """As core's mail.thread._detect_loop_sender has it, whatever way the address is spelled."""
        return self.env["mail.gateway.allowed"].sudo()._is_exempt(incoming.values["email_from"])

    def _words(self, sender):
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
        words = {"number": number, "minutes": minutes, "sender": sender or self.env._("senders without an address")}
        if scope == "alias":
            return self.env._(
                "New records by this address within %(minutes)s minutes: %(number)s, as many as it may make.", **words
            )
        return self.env._(
            "New records from %(sender)s within %(minutes)s minutes: %(number)s, as many as one sender may make.",
            **words,
        )
