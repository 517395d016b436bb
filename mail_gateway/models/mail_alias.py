from odoo import models

from ..tools.delivery import Delivery


class MailAlias(models.Model):
    _inherit = "mail.alias"

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
