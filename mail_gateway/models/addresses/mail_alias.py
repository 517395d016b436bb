from odoo import api, models

from ...tools.former_address import local_part


class MailAlias(models.Model):
    _inherit = "mail.alias"

    @api.model
    def _named_by(self, addresses):
        """The aliases that any of these normalized addresses may name, by core's own search (message_route)."""
        former = self.env["mail.former.address"].sudo()
        names = former._domain_names()
        return self.search(
            [
                "|",
                (
                    "alias_full_name",
                    "in",
                    list({*addresses, *(former._spelled(address, names) for address in addresses)}),
                ),
                "&",
                ("alias_name", "in", [local_part(address) for address in addresses]),
                ("alias_incoming_local", "=", True),
            ]
        )
