from odoo import models

from ....tools.classify.automatic_reply import automatic_reply, may_be_bounce


class MailCheckAutomatic(models.AbstractModel):
    """Recognises automatic messages (RFC 3834, and what vendors made of it): vacation notices, acknowledgements.

    They come before bounces, since vacation notices go to the bounce address, too. What may be a bounce is left to that
    check.
    """

    _name = "mail.check.automatic"
    _inherit = "mail.check"
    _description = "Automatic reply"

    def _explanation(self):
        return self.env._(
            "Vacation notices, acknowledgements and other messages that no person wrote, by a header that proves it: an "
            "empty Return-Path (<>) of what is no bounce, Auto-Submitted, X-Autoreply and the like. A subject proves "
            "nothing."
        )

    def _look(self, incoming):
        sign = automatic_reply(incoming.message)
        if not sign or self._is_left_to_bounces(incoming):
            return None
        return self.env._("An automatic reply (%(header)s: %(value)s).", **sign._asdict())

    def _is_left_to_bounces(self, incoming):
        """Whether Odoo takes it for a bounce, and not for its address alone. Mail servers say auto-replied, too."""
        if not incoming.values["is_bounce"]:
            return False
        whoever_it_is_for = {**incoming.values, "to": ""}
        return self.env["mail.thread"]._detect_is_bounce(incoming.message, whoever_it_is_for) or may_be_bounce(
            incoming.message
        )
