from markupsafe import Markup

from odoo import api, models

from ...tools.headers.addresses import author_address, counted_address
from ..bounded_char import BoundedChar


class MailGatewayAllowed(models.Model):
    """Core's list of senders without a limit."""

    _inherit = "mail.gateway.allowed"

    sender = BoundedChar(
        "Sender's Address",
        compute="_compute_sender",
        store=True,
        index="btree_not_null",
        help="The same in all spellings.",
    )

    @api.depends("email")
    def _compute_sender(self):
        for allowed in self:
            allowed.sender = author_address(allowed.email) or False

    @api.model
    def _is_exempt(self, email_from) -> bool:
        """Whether no limit counts a sender: one look into an index.

        :param str email_from: the value of a From; name+tag@ is spared as well where name@ is listed
        """
        senders = {author_address(email_from), counted_address(email_from)} - {None}
        return bool(senders and self.search_count([("sender", "in", list(senders))], limit=1))

    @api.model
    def get_empty_list_help(self, help_message):
        """Replaces core's method, because it tells the numbers of core's own limit, which no longer counts."""
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
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
