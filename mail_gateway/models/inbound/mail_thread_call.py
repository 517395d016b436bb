"""What a program asks for beside a message is done with its own rights."""

from odoo import api, models

from ...tools.delivery import Delivery, HandedOver


class MailThread(models.AbstractModel):
    """What a program asks for beside handing over a message is done with its own rights.

    Loaded before the other extensions of core's gateway, which call these methods for one route at a time.
    """

    _inherit = "mail.thread"

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        """Extends core's method: values that were handed over are for the model that was named with them.

        Core takes them, too, for a reply to a record that is gone, whatever its model.
        """
        checked = super()._routing_check_route(message, message_dict, route, raise_exception=raise_exception)
        if checked and isinstance(checked[2], HandedOver) and checked[0] != checked[2].model:
            return (*checked[:2], {}, *checked[3:])
        return checked

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        """Extends core's method: tells core which of the routes is the one that the caller asked for."""
        delivery = Delivery.of(self.env.context)
        threads = self
        if delivery and delivery.request.caller_id is not None:
            # core's route to the model that a caller named is the only one with None for its alias
            new = [route for route in routes or () if not route[1]]
            if any(route[4] is None or isinstance(route[2], HandedOver) for route in new):
                threads = self.with_context(**{Delivery.KEY: delivery.creating_as_caller()})
        return super(MailThread, threads)._message_route_process(message, message_dict, routes)

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Extends core's method: creates what a caller asked for as that caller, so that Odoo checks all their rights."""
        delivery = Delivery.of(self.env.context)
        creates = delivery and delivery.creates_as_caller
        thread = self.with_user(delivery.request.caller_id) if creates else self
        return super(MailThread, thread).message_new(msg_dict, custom_values)
