from markupsafe import Markup

from odoo import api, models


class MailGatewayAllowed(models.Model):
    """Core's list of senders without a limit."""

    _inherit = "mail.gateway.allowed"

    @api.model
    def get_empty_list_help(self, help_message):
        """Replaces core's method, because it tells the numbers of core's own limit, which no longer counts."""
        number, minutes, scope = self.env["mail.inbound.creation"]._limits()
        words = {"number": number, "minutes": minutes}
        if scope == "alias":
            limit = self.env._("An alias makes %(number)s records from mail within %(minutes)s minutes.", **words)
        else:
            limit = self.env._(
                "An alias makes %(number)s records from mail of the same sender within %(minutes)s minutes.", **words
            )
        return Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s %s</p>') % (
            self.env._("Add senders that no limit counts"),
            limit,
            self.env._("What comes beyond is held, but for mail from the addresses that are listed here."),
        )
