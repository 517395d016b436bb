"""Messages that programs hand over to mail.thread, and the rights of these programs."""

import xmlrpc.client

from odoo import api, models

from ...tools.delivery import Delivery, HandedOver
from ...tools.sql_log import no_values_in_log


class MailThread(models.AbstractModel):
    """Uses a program's own rights for what it asks for in addition to handing over a message.

    This class is loaded before the other extensions of core's gateway, which call its methods for one route at a time.
    """

    _inherit = "mail.thread"

    @api.model
    def _process_for_program(self, model, message, arguments):
        """Deliver a message that a program hands over, and return what core's method promises.

        The call of a user who may not do so leaves no row. Odoo routes the message with all rights, as in a lane, because
        anybody can send mail. It does what the caller asks for in addition with the caller's rights.
        """
        flags = {name: bool(arguments[name]) for name in ("save_original", "strip_attachments")}
        call = {"model": model, **arguments, **flags}
        threads = self if self.env.su else self._without_callers_context().sudo()
        messages = threads.env["mail.inbound.message"].sudo()
        if not self.env.su:
            messages._check_call({key: call[key] for key in ("model", "custom_values", "thread_id")}, self.env.user)
        source = self._source_of(message)
        inbound = messages._store_call(source, {**call, "superuser": self.env.su})
        delivery = Delivery(inbound._request_of_call())
        if not self.env.su:
            call = inbound._call_arguments(delivery.request)
        try:
            with no_values_in_log():
                result = threads.with_context(**{Delivery.KEY: delivery}).message_process(message=source, **call)
        except Exception as error:
            inbound._settle_refused_call(error, source)
            raise
        inbound._settle(delivery)
        return result

    def _without_callers_context(self):
        """Return the model without the context of an outside caller, whose default values would apply with all rights."""
        kept = {key: self.env.context[key] for key in ("lang", "tz") if key in self.env.context}
        return self.with_env(self.env(context=kept))

    @staticmethod
    def _source_of(message):
        """Return the bytes of a message in any form that core's method takes.

        :raises TypeError: for other types; Python would convert a number to so many zero bytes
        """
        if isinstance(message, xmlrpc.client.Binary):
            message = message.data
        if isinstance(message, str):
            return message.encode("utf-8", "replace")
        if isinstance(message, bytes | bytearray):
            return bytes(message)
        raise TypeError("A message is text or bytes.")

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        """Extends core's method: uses handed-over values only for the model that the program named with them.

        Core uses them for a reply to a deleted record as well, whatever its model.
        """
        checked = super()._routing_check_route(message, message_dict, route, raise_exception=raise_exception)
        if checked and isinstance(checked[2], HandedOver) and checked[0] != checked[2].model:
            return (*checked[:2], {}, *checked[3:])
        return checked

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        """Extends core's method: marks the delivery if one of the routes is the one that the caller asked for."""
        delivery = Delivery.of(self.env.context)
        threads = self
        if delivery and delivery.request.caller_id is not None:
            # core's route to the model that a caller named is the only one whose alias is None
            new = [route for route in routes or () if not route[1]]
            if any(route[4] is None or isinstance(route[2], HandedOver) for route in new):
                threads = self.with_context(**{Delivery.KEY: delivery.creating_as_caller()})
        return super(MailThread, threads)._message_route_process(message, message_dict, routes)

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Extends core's method: creates the record that a caller asked for as that caller, so that their rights apply."""
        delivery = Delivery.of(self.env.context)
        creates = delivery and delivery.creates_as_caller
        thread = self.with_user(delivery.request.caller_id) if creates else self
        return super(MailThread, thread).message_new(msg_dict, custom_values)
