"""Senders that no limit applies to."""

from markupsafe import Markup

from odoo import api, models

from ...tools.headers.addresses import author_address, counted_address
from ..bounded_char import BoundedChar


class MailGatewayAllowed(models.Model):
    """Extends core's list of senders without a limit: it recognizes every spelling of their addresses."""

    _inherit = "mail.gateway.allowed"

    sender = BoundedChar(
        "Sender's Address",
        compute="_compute_sender",
        store=True,
        index="btree_not_null",
        help="The normalized address: the same for all its spellings.",
    )

    @api.depends("email")
    def _compute_sender(self):
        for allowed in self:
            allowed.sender = author_address(allowed.email) or False

    @api.model
    def _is_exempt(self, email_from) -> bool:
        """Whether no limit applies to a sender, by one look-up in an index.

        :param str email_from: the value of a From; an entry for name@ exempts name+tag@ as well
        """
        senders = {author_address(email_from), counted_address(email_from)} - {None}
        return bool(senders and self.search_count([("sender", "in", list(senders))], limit=1))

    @api.model
    def get_empty_list_help(self, help_message):  # noqa: ARG002 core's signature
        """Replaces core's method, because it shows the numbers of core's own limit, which does not apply."""
        number, minutes, scope = self.env["mail.inbound.created.record"]._limits()
        words = {"number": number, "minutes": minutes}
        if scope == "alias":
            limit = self.env._("The limit is %(number)s new records per alias within %(minutes)s minutes.", **words)
        else:
            limit = self.env._(
                "The limit is %(number)s new records per alias and sender within %(minutes)s minutes.",
                **words,
            )
        return Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s %s</p>') % (
            self.env._("Add addresses that no limit applies to"),
            limit,
            self.env._("Odoo holds further messages, unless their sender is listed here."),
        )
