from odoo import api, models

from ...tools.delivery import Delivery
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

    def _alias_bounce_incoming_email(self, message, message_dict, set_invalid=True):
        """Extends core's method: within a delivery the sender does not hear of our own faults.

        Core calls this with `set_invalid` in a transaction of its own whenever creating a record fails, be it a
        passing conflict, and tells the sender that the address does not work. Here the message is tried again,
        or set aside for a person.
        """
        delivery = Delivery.of(self.env.context)
        if set_invalid and delivery and delivery.queues_mail:
            return
        if delivery and not set_invalid:
            delivery.refusal = self.env._("The alias %s does not take mail from this sender.", self.display_name)
        super()._alias_bounce_incoming_email(message, message_dict, set_invalid=set_invalid)
