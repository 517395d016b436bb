"""Odoo's gateway within a delivery: rules, route, records."""

import ast
from email import message_from_bytes, policy

from odoo import api, models

from ...tools.delivery import Delivery, Unroutable
from ...tools.headers.addresses import counted_address, normalize_address
from ...tools.headers.recipients import joined, recipients_of
from ...tools.headers.stored_headers import message_id_of
from ...tools.policy import Action, Cause, Stage
from ...tools.tolerant_parsing.readable import make_readable
from ...tools.trace import LimitReached, Parsed, Read, Refusal, Routed
from ..core_assumptions import is_without_route


class MailThread(models.AbstractModel):
    """Has core's gateway evaluate the rules, and record its decisions in the delivery."""

    _inherit = "mail.thread"

    @api.model
    def message_process(
        self, model, message, custom_values=None, save_original=False, strip_attachments=False, thread_id=None
    ):
        """Replaces core's method: rules come first, and Odoo stores messages that programs hand over, too.

        Core accepts messages from everybody who can log in, and does what they ask for in addition with all rights.

        :raises AccessError: when no administrator allowed the user to hand messages over, or the user asks for more than
            they may do themselves
        """
        arguments = {
            "custom_values": custom_values,
            "save_original": save_original,
            "strip_attachments": strip_attachments,
            "thread_id": thread_id,
        }
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return self._process_for_program(model, message, arguments)
        self._judge(delivery, Stage.SOURCE)
        result = False if delivery.stopped else self._process_source(delivery, message, model, **arguments)
        if delivery.stopped:
            self._tell_what_a_rule_did(delivery, message)
            return False
        return result

    @api.model
    def _process_source(self, delivery, source, model, custom_values, save_original, strip_attachments, thread_id):
        """Do what core's message_process does, without the steps that the rules *Duplicate* and *Loop* replace.

        Core drops a message whose Message-Id it knows. Here the rules decide whether it is the same message.

        :param bytes source: the message as it came
        """
        readable = make_readable(source, text_only=delivery.request.text_only)
        delivery.trace.add(Read(source, readable.defects))
        message = message_from_bytes(readable.source, policy=policy.SMTP)
        values = self.message_parse(message, save_original=save_original)
        if delivery.stopped:
            return False
        if strip_attachments:
            values.pop("attachments", None)
        routes = self.message_route(message, values, model, thread_id, custom_values)
        if self._detect_loop_sender(message, values, routes):
            return False
        values.update(self._message_parse_post_process(message, values, routes))
        return self._message_route_process(message, values, routes)

    @api.model
    def _judge(self, delivery, stage):
        """Evaluate the rules of a stage."""
        self.env["mail.inbound.rule"]._judge(delivery, stage)

    # ------------------------------------------------------------------ before the route

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: evaluates the rules about the parsed message."""
        values = super().message_parse(message, save_original=save_original)
        delivery = Delivery.of(self.env.context)
        if delivery and not delivery.message_id:
            # Python's parser cuts off ids at blanks or brackets, so that many would be the same
            values["message_id"] = message_id_of(message) or values["message_id"]
            delivery.trace.add(Parsed(message, values))
            delivery.trace.add(self.env["mail.inbound.message"].sudo()._identify(delivery.request, values))
            self._judge(delivery, Stage.MESSAGE)
            if not delivery.stopped:
                self.env["mail.inbound.message.id.lock"].sudo()._lock(delivery.message_id)
        return values

    def _message_parse_extract_payload(self, message, message_dict, save_original=False):
        """Extends core's method: keeps the original as it came. Core serializes it, and fails on headers in UTF-8.

        The substitute for a broken message has the original attached already.
        """
        delivery = Delivery.of(self.env.context)
        payload = super()._message_parse_extract_payload(message, message_dict, save_original and not delivery)
        if delivery and save_original and not delivery.trace.defects:
            payload["attachments"].insert(0, self._Attachment("original_email.eml", delivery.trace.source, {}))
        return payload

    # ------------------------------------------------------------------ the route

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Extends core's method: a person's route comes first, and a missing route is distinguished from a bug.

        :raises Unroutable: when there is no route, or the configuration of a route can't be used
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        if delivery.is_note:
            message_dict["is_bounce"] = False  # vacation notices go to the Return-Path (RFC 5230), our bounce address
        if delivery.request.route:
            return self._decided_routes(delivery.request.route, message_dict)
        if not thread_id and self._is_only_for_lost_addresses(message, delivery):
            model = False  # the incoming server's model does not replace a deleted target
        try:
            routes = super().message_route(message, message_dict, model, thread_id, custom_values)
        except (UnicodeError, Unroutable):
            raise  # both are ValueErrors; the first is about the message, the second is distinguished already
        except ValueError as error:
            if delivery.is_note:
                return []
            raise self._unroutable(error, message, message_dict, delivery) from error
        return self._without_served(routes, delivery)

    def _unroutable(self, error, message, message_dict, delivery):
        if not is_without_route(error):
            return Unroutable(str(error), Cause.REFUSED)
        if reasons := [redirect.reason for redirect in delivery.trace.redirects if not redirect.to]:
            return Unroutable("\n".join(reasons), Cause.LOST_ADDRESS)
        recipients = message_dict["recipients"] or joined(recipients_of(message).transport)
        words = self.env._(
            "No recipient matches: %s is no alias, the message is no reply to a message from Odoo, and its "
            "incoming mail server creates no records.",
            recipients,
        )
        if not recipients:
            words = self.env._(
                "The message names no recipient, it is no reply to a message from Odoo, and its incoming mail "
                "server creates no records."
            )
        return Unroutable(words)

    def _without_served(self, routes, delivery):
        """Return the routes that no earlier copy of the message took: one record for each alias (D4).

        A copy gets this far only if it names an alias that no earlier copy named.
        """
        copies = self.env["mail.inbound.message"].sudo().browse(delivery.check_input.copy_ids)
        if not routes or not copies or not delivery.has_passed("duplicate"):
            return routes
        known = self.env["mail.message"].sudo().browse(delivery.check_input.known_ids)
        records, aliases = {(message.model, message.res_id) for message in known}, copies._aliases_named()
        left = [route for route in routes if (route[0], route[1]) not in records and route[4] not in aliases]
        if not left:
            delivery.decide(Action.DISCARD, self.env._("Odoo processed this message before."), "duplicate")
        return left

    def _is_only_for_lost_addresses(self, message, delivery):
        """Whether the message names only former addresses without a target.

        Addresses that occur only in headers of the transport (such as Delivered-To) are not recipients of their own.
        Addresses in a deleted domain may never have belonged to Odoo: the mailbox that an incoming server reads may be
        one of them.
        """
        last = self.env["mail.former.address"].sudo()._last
        lost = {
            redirect.address
            for redirect in delivery.trace.redirects
            if not redirect.to and last(redirect).kind != "domain"
        }
        if not lost:
            return False
        written = recipients_of(message).written
        return {normalize_address(mailbox.address) for name in ("To", "Cc") for mailbox in written[name]} <= lost

    def _decided_routes(self, route, message_dict):
        """Return core's routes for a person's decision, and drop the reference to another thread.

        :raises Unroutable: when the alias that the person chose was deleted meanwhile
        """
        if not route.res_id and not route.alias_id:
            words = self.env._("The alias that a person chose for it was deleted.")
            raise Unroutable(words, Cause.LOST_ADDRESS)
        alias = self.env["mail.alias"].browse(route.alias_id)
        parent = self.env["mail.message"].sudo().browse(message_dict.get("parent_id"))
        if (parent.model, parent.res_id) != (route.model, route.res_id):
            message_dict.pop("parent_id", None)
        defaults = ast.literal_eval(alias.alias_defaults) if alias else {}
        user = self._mail_find_user_for_gateway(message_dict["email_from"], alias=alias)
        return [(route.model, route.res_id or alias.alias_force_thread_id, defaults, user.id or self.env.uid, alias)]

    @api.model
    def _detect_write_to_catchall(self, msg_dict):
        """Extends core's method: records why core refuses a message to the catchall.

        Odoo holds a message to both the catchall and a deleted address instead.
        """
        detected = super()._detect_write_to_catchall(msg_dict)
        delivery = Delivery.of(self.env.context)
        lost = delivery and not all(redirect.to for redirect in delivery.trace.redirects)
        if lost and self.env.context.get("mail_catchall_write_any_to"):
            return False
        if detected and delivery:
            words = self.env._("The catchall address accepts replies only, and the message is not a reply.")
            delivery.trace.add(Refusal(words, is_catchall=True))
        return detected

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Extends core's method: records that the message is a bounce."""
        super()._routing_handle_bounce(email_message, message_dict)
        if delivery := Delivery.of(self.env.context):
            address = message_dict.get("bounced_email") or self.env._("an unknown recipient")
            delivery.decide(
                Action.ACCEPT, self.env._("A bounce: mail to %s could not be delivered.", address), "bounce"
            )

    # ------------------------------------------------------------------ once the route is known

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        """Extends core's method: evaluates the rules about the routes. They limit new records, and core limits replies.

        Core drops messages over its limit; here Odoo holds them. No limit applies to messages that a person routed or
        released, to allowed senders, and to notes, which cause no replies.
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return super()._detect_loop_sender(message, message_dict, routes)
        delivery.trace.add(Routed(tuple(routes or ())))
        self._judge(delivery, Stage.ROUTE)
        if delivery.stopped:
            return True
        replies = [route for route in routes or () if route[1]]
        if not replies or delivery.request.route or delivery.request.released or delivery.is_note:
            return False
        if self.env["mail.gateway.allowed"].sudo()._is_exempt(message_dict["email_from"]):
            return False
        delivery.trace.add(LimitReached(Cause.REPLIES.value))
        looping = super()._detect_loop_sender(message, message_dict, replies)
        if not looping:
            delivery.trace.add(LimitReached(""))
        else:
            words = self.env._("%s sent more replies to one record than the limit allows.", message_dict["email_from"])
            delivery.decide(Action.HOLD, words, Cause.REPLIES.value)
        return looping

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        """Extends core's method: counts new records, and logs a note if a rule requires that.

        A message that reaches a record is accepted, even if the alias of another recipient refused it. Each route gets a
        copy of core's dictionary, because core removes values from it that the next route needs as well.
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return super()._message_route_process(message, message_dict, routes)
        if delivery.is_note:
            return self._log_as_note(delivery, message_dict, routes)
        thread_id = False
        for route in routes or ():
            values = {**message_dict, "message_id": delivery.stored_id or message_dict["message_id"]}
            thread_id = super()._message_route_process(message, values, [route])
            self._count_created_record(delivery, message_dict, route, thread_id)
            delivery.decide(Action.ACCEPT, "")
        return thread_id

    def _count_created_record(self, delivery, message_dict, route, thread_id):
        model, known_id, _defaults, _user, alias = route
        if isinstance(thread_id, models.BaseModel):
            thread_id = thread_id.id  # newer builds of Odoo return the record
        if known_id == thread_id:
            return
        creations = self.env["mail.inbound.created.record"].sudo()
        target = creations._target(alias, delivery.request.server_id, model)
        sender = counted_address(message_dict["email_from"])
        creations._count(target, sender, delivery.request.inbound_id, self.env[model].browse(thread_id))
