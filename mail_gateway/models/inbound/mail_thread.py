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
    """Core's gateway asks the rules, and tells the delivery under way what it decides."""

    _inherit = "mail.thread"

    @api.model
    def message_process(
        self, model, message, custom_values=None, save_original=False, strip_attachments=False, thread_id=None
    ):
        """Replaces core's method: rules come first; a message that another program hands over leaves a row, too.

        Core lets everybody who can log in hand over messages, and does with all rights what they ask for along with them.

        :raises AccessError: when the user is not one of those whom an administrator let hand messages over, or asks for
            more than they may do themselves
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
        """Core's message_process step by step, without the steps that the rules *Duplicate* and *Loop* have done.

        Core drops a message whose Message-Id it knows. Whether it is the same message is for the rules to say.

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
        """Ask the rules of a stage."""
        self.env["mail.inbound.rule"]._judge(delivery, stage)

    # ------------------------------------------------------------------ before the route

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: rules judge what was parsed."""
        values = super().message_parse(message, save_original=save_original)
        delivery = Delivery.of(self.env.context)
        if delivery and not delivery.message_id:
            # Python cuts ids that contain blanks or brackets: many would be the same
            values["message_id"] = message_id_of(message) or values["message_id"]
            delivery.trace.add(Parsed(message, values))
            delivery.trace.add(self.env["mail.inbound.message"].sudo()._identify(delivery.request, values))
            self._judge(delivery, Stage.MESSAGE)
            if not delivery.stopped:
                self.env["mail.inbound.message.id.lock"].sudo()._lock(delivery.message_id)
        return values

    def _message_parse_extract_payload(self, message, message_dict, save_original=False):
        """Extends core's method: the original is kept as it came. Core writes it anew, and fails on headers in UTF-8.

        What Odoo was given in place of a broken message has the original attached already.
        """
        delivery = Delivery.of(self.env.context)
        payload = super()._message_parse_extract_payload(message, message_dict, save_original and not delivery)
        if delivery and save_original and not delivery.trace.defects:
            payload["attachments"].insert(0, self._Attachment("original_email.eml", delivery.trace.source, {}))
        return payload

    # ------------------------------------------------------------------ the route

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Extends core's method: a route that a person decided on comes first; a missing route is told apart from a bug.

        :raises Unroutable: when no route leads anywhere, or what is configured can't be used
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        if delivery.is_note:
            message_dict["is_bounce"] = False  # vacation notices go to the Return-Path (RFC 5230): our bounce address
        if delivery.request.route:
            return self._decided_routes(delivery.request.route, message_dict)
        if not thread_id and self._is_only_for_lost_addresses(message, delivery):
            model = False  # the incoming server's model does not replace a deleted target
        try:
            routes = super().message_route(message, message_dict, model, thread_id, custom_values)
        except (UnicodeError, Unroutable):
            raise  # ValueErrors too, but about the message; or told apart already
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
        """The routes that no earlier copy of the message took: one record for each alias (D4).

        A copy got as far as this by naming an alias that no earlier one named.
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
        """Whether the message names only addresses that redirect nowhere.

        Addresses that only transport names (Delivered-To, say) are no recipients of their own. Those of a deleted
        domain may never have been Odoo's: the mailbox that an incoming server reads may be one of them.
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
        """Core's route tuple for a person's decision; references to another thread don't count any more.

        :raises Unroutable: when the alias that they chose was deleted meanwhile
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
        """Extends core's method: says why core refuses what it answers with true.

        What went to a deleted address besides the catchall is held instead.
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
        """Extends core's method: says so."""
        super()._routing_handle_bounce(email_message, message_dict)
        if delivery := Delivery.of(self.env.context):
            address = message_dict.get("bounced_email") or self.env._("an unknown recipient")
            delivery.decide(
                Action.ACCEPT, self.env._("A bounce: mail to %s could not be delivered.", address), "bounce"
            )

    # ------------------------------------------------------------------ once the route is known

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        """Extends core's method: rules judge the routes; the limit of new records is theirs, that of replies core's.

        Odoo holds messages over the limit; core drops them. A person's route has no limit, and notes get no replies.
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
        """Extends core's method: counts what is made, and logs a note where a rule says so.

        A message that reaches a record is accepted, whatever another recipient's alias said. Each route gets core's
        dictionary as it was: core takes out of it what the next route needs as well.
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
            thread_id = thread_id.id  # newer builds of Odoo
        if known_id == thread_id:
            return
        creations = self.env["mail.inbound.created.record"].sudo()
        target = creations._target(alias, delivery.request.server_id, model)
        sender = counted_address(message_dict["email_from"])
        creations._count(target, sender, delivery.request.inbound_id, self.env[model].browse(thread_id))
