import ast
import xmlrpc.client

from odoo import api, models
from odoo.tools import formataddr
from odoo.tools.mail import decode_message_header, email_split_tuples

from ..tools.addresses import normalize_address
from ..tools.delivery import Action, Delivery, Unroutable


class MailThread(models.AbstractModel):
    """Core's gateway tells the delivery under way what it decides; nothing is decided here."""

    _inherit = "mail.thread"

    @api.model
    def message_process(
        self, model, message, custom_values=None, save_original=False, strip_attachments=False, thread_id=None
    ):
        """Extends core's method: a message that another program hands over leaves a row, too."""
        arguments = (custom_values, save_original, strip_attachments, thread_id)
        if Delivery.of(self.env.context):
            return super().message_process(model, message, *arguments)
        delivery = Delivery()
        source = self._source_of(message)
        inbound = self.env["mail.inbound.message"].sudo()._store_call(source)
        try:
            thread = self.with_context(**{Delivery.KEY: delivery})
            result = super(MailThread, thread).message_process(model, message, *arguments)
        except Exception as error:
            inbound._settle_refused_call(error, source)
            raise
        inbound._settle(delivery)
        return result

    @staticmethod
    def _source_of(message):
        """The bytes of what core's method takes as a message."""
        if isinstance(message, xmlrpc.client.Binary):
            return bytes(message.data)
        return message.encode() if isinstance(message, str) else bytes(message)

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: former addresses count as what they lead to now.

        A Message-Id that was processed before is a decision to discard.
        """
        msg_dict = super().message_parse(message, save_original=save_original)
        self._lead_on(message, msg_dict)
        delivery = Delivery.of(self.env.context)
        if delivery and not delivery.message_id:
            delivery.message_id = msg_dict["message_id"]
            if self.env["mail.message"].sudo().search_count([("message_id", "=", delivery.message_id)], limit=1):
                delivery.decide(Action.DISCARD, self.env._("A message with this Message-Id was processed before."))
        return msg_dict

    @api.model
    def _lead_on(self, message, msg_dict):
        """Have the recipients in core's dictionary be what former addresses among them lead to now.

        All of core's routing reads them there: aliases, catchall, who may write to an alias. Only whether it is a
        bounce was read already.
        """
        parts = {key: email_split_tuples(msg_dict[key]) for key in ("to", "cc", "recipients") if msg_dict.get(key)}
        addresses = {normalize_address(address) for pairs in parts.values() for _name, address in pairs} - {None}
        leads = self.env["mail.former.address"].sudo()._leads(addresses)
        if delivery := Delivery.of(self.env.context):
            delivery.leads = tuple(leads.values())
        current = {address: lead.to for address, lead in leads.items() if lead.to}
        if not current:
            return
        for key, pairs in parts.items():
            now = [formataddr((name, current.get(normalize_address(address), address))) for name, address in pairs]
            msg_dict[key] = ",".join(dict.fromkeys(now))
        if not msg_dict["is_bounce"]:
            msg_dict.update(self._message_parse_extract_bounce(message, msg_dict))

    def _is_only_for_lost_addresses(self, message, delivery):
        """Whether nothing stands in for any address that the message names.

        Addresses that only transport names (Delivered-To, say) are no recipients of their own. Those of a deleted
        domain may never have been Odoo's: the mailbox that an incoming server reads may be one of them.
        """
        last = self.env["mail.former.address"].sudo()._last
        lost = {lead.address for lead in delivery.leads if not lead.to and last(lead).kind != "domain"}
        if not lost:
            return False
        named = ",".join(decode_message_header(message, header, separator=",") for header in ("To", "Cc"))
        return {normalize_address(address) for _name, address in email_split_tuples(named)} <= lost

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Extends core's method: a route that a person decided on comes first; no route is told apart from a bug.

        :raises Unroutable: when no route leads anywhere, or what is configured can't be used
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        if delivery.route:
            return self._decided_routes(delivery.route, message_dict)
        if not thread_id and self._is_only_for_lost_addresses(message, delivery):
            model = False  # the incoming server's model does not stand in for what was deleted
        try:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        except UnicodeError:
            raise  # a ValueError too, but about the message and not about its route
        except ValueError as error:
            raise Unroutable(self._words_for_no_route(error, message_dict), delivery.leads) from error

    def _decided_routes(self, route, message_dict):
        """Core's route tuple for a person's decision; references to another thread don't count any more."""
        alias = self.env["mail.alias"].browse(route.alias_id)
        parent = self.env["mail.message"].sudo().browse(message_dict.get("parent_id"))
        if (parent.model, parent.res_id) != (route.model, route.res_id):
            message_dict.pop("parent_id", None)
        defaults = ast.literal_eval(alias.alias_defaults) if alias else {}
        user = self._mail_find_user_for_gateway(message_dict["email_from"], alias=alias)
        return [(route.model, route.res_id or alias.alias_force_thread_id, defaults, user.id or self.env.uid, alias)]

    def _words_for_no_route(self, error, message_dict):
        if str(error).startswith("No possible route"):
            if reasons := [lead.reason for lead in Delivery.of(self.env.context).leads if not lead.to]:
                return "\n".join(reasons)
            return self.env._(
                "No one is at home at %s: none of these addresses is an alias, the message answers nothing that Odoo "
                "sent, and its incoming server creates no records.",
                message_dict["recipients"] or self.env._("(no recipient)"),
            )
        return str(error)

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Extends core's method: says so."""
        super()._routing_handle_bounce(email_message, message_dict)
        if delivery := Delivery.of(self.env.context):
            address = message_dict.get("bounced_email") or self.env._("an unknown recipient")
            delivery.decide(Action.ACCEPT, self.env._("A bounce: mail to %s could not be delivered.", address))

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        """Extends core's method: a notice to the sender means that the message was refused."""
        super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)
        if delivery := Delivery.of(self.env.context):
            why = delivery.refusal or self.env._("Odoo refused it.")
            delivery.decide(Action.REJECT, self.env._("%(why)s %(sender)s was told.", why=why, sender=email_from))

    @api.model
    def _detect_write_to_catchall(self, msg_dict):
        """Extends core's method: says why core refuses what it answers with true.

        What went to a deleted address besides the catchall is held instead.
        """
        detected = super()._detect_write_to_catchall(msg_dict)
        delivery = Delivery.of(self.env.context)
        lost = delivery and not all(lead.to for lead in delivery.leads)
        if lost and self.env.context.get("mail_catchall_write_any_to"):
            return False
        if detected and delivery:
            delivery.refusal = self.env._("The catchall address takes replies only, and this is none.")
        return detected

    @api.model
    def _detect_loop_headers(self, msg_dict):
        """Extends core's method: an answer to one of our notices is discarded, and says so."""
        looping = super()._detect_loop_headers(msg_dict)
        if looping and (delivery := Delivery.of(self.env.context)):
            delivery.decide(Action.DISCARD, self.env._("An answer to a notice that Odoo sent; it would loop."))
        return looping

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        """Extends core's method: what exceeds the limit is held, where core drops it. A person's route has no limit."""
        delivery = Delivery.of(self.env.context)
        if delivery and delivery.route:
            return False
        looping = super()._detect_loop_sender(message, message_dict, routes)
        if looping and delivery:
            sender = message_dict.get("email_from")
            delivery.decide(Action.HOLD, self.env._("%s sent more messages than the limit allows; they were told.", sender))
        return looping

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        """Extends core's method: a message that reaches a record is accepted, whatever another recipient's alias said."""
        thread_id = super()._message_route_process(message, message_dict, routes)
        if routes and (delivery := Delivery.of(self.env.context)):
            delivery.decide(Action.ACCEPT, "")
        return thread_id
