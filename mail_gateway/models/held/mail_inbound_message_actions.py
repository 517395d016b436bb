"""The actions by which postmasters decide about held and failed messages."""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ...tools.delivery import Route
from ...tools.policy import Cause
from ...tools.text.indexed_text import bounded


class MailInboundMessage(models.Model):
    """Implements the decisions: process again, release, route, discard, allow the sender."""

    _inherit = "mail.inbound.message"

    def action_process_again(self):
        """Hand held or failed messages to delivery once more, as if they had just come in.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        messages = self._decidable("received")
        words = {"messages": messages._counted(), "next_step": messages._next_step_message()}
        reason = self.env._("Processed again by %s.", self.env.user.name)
        messages._decided("process_again")._requeue(reason, **self._NOT_ROUTED, released=False)
        return self._notify(self.env._("Processed again: %(messages)s. %(next_step)s", **words))

    def action_release(self):
        """Deliver messages whatever rule held them; of several messages, those that a rule holds.

        :return: an action that shows a notification with the number of messages
        :raises AccessError: when the user is no postmaster
        :raises UserError: when no rule holds any of them, or one is neither held nor failed
        """
        messages = self._decidable("received").filtered("is_releasable")
        if not messages:
            raise UserError(self._nothing_to_release_message())
        words = {"messages": messages._counted(), "next_step": messages._next_step_message()}
        reason = self.env._("Released by %s.", self.env.user.name)
        messages._decided("release")._requeue(reason, **self._NOT_ROUTED, released=True)
        released = self.env._("Released: %(messages)s. %(next_step)s", **words)
        if len(self) == len(messages):
            return self._notify(released)
        others = self - messages
        not_released = self.env._("Not released because no rule holds them: %s.", others._counted())
        return self._notify(f"{released} {not_released}")

    def _nothing_to_release_message(self):
        is_one = len(self) == 1
        if set(self.mapped("cause")) == {Cause.NOT_ALLOWED.value}:
            return self.env._(
                "Odoo lacked an access right to deliver this. Releasing does not help: grant the right, then process it "
                "again."
            )
        if "failed" in self.mapped("state"):
            return (
                self.env._("No rule holds this message: it failed. Process it again instead.")
                if is_one
                else self.env._("No rule holds these messages. Process the failed ones again, and route the others.")
            )
        return (
            self.env._("No rule holds this message. Route it instead.")
            if is_one
            else self.env._("No rule holds these messages. Route them instead.")
        )

    def action_discard(self):
        """End held or failed messages without delivering them. They stay listed, with their source.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        reason = self.env._("Discarded by %s.", self.env.user.name)
        self._decidable("discarded")._decided("discard")._move_to("discarded", reason)
        return self._notify(self.env._("Discarded: %s", self._counted()))

    def action_allow_sender(self):
        """Exempt the senders of messages that a limit holds from all limits, and deliver all their held messages.

        :return: an action that shows a notification with the number of messages
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a limit holds none of them, or one has no valid sender
        """
        messages = self._decidable("received").filtered("is_limited")
        if not messages:
            raise UserError(self.env._("Choose messages that a limit holds: only their senders can be allowed."))
        senders = messages._allow_senders()
        waiting = messages | messages.search(
            [("state", "=", "held"), ("cause", "in", self._LIMITS), ("sender", "in", senders)]
        )
        waiting._decided("allow", ", ".join(senders))
        reason = self.env._("Sender allowed by %s.", self.env.user.name)
        waiting._requeue(reason, **self._NOT_ROUTED, released=True)
        words = {"senders": ", ".join(senders), "number": len(waiting)}
        return self._notify(
            self.env._("No limit applies to %(senders)s any more. Messages released: %(number)s", **words)
        )

    def _route_to(self, route: Route, name=""):
        """Deliver held or failed messages to where a person decided, past Odoo's routing.

        :param str name: of the record or alias
        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        messages = self._decidable("received")
        words = {"name": name, "messages": messages._counted(), "next_step": messages._next_step_message()}
        messages._decided("route", name)._requeue(
            self.env._("Routed by %s.", self.env.user.name),
            route_model=route.model,
            route_res_id=route.res_id,
            route_alias_id=route.alias_id,
        )
        return self._notify(self.env._("Routed to %(name)s: %(messages)s. %(next_step)s", **words))

    # ------------------------------------------------------------------ parts of these actions

    def _next_step_message(self):
        """Describe the next step of requeued messages: Odoo first fetches those of which only the headers are stored."""
        heads = self.filtered("is_head")
        if not heads:
            return self.env._("Delivery follows in a moment.")
        if len(heads) == len(self):
            return self.env._("Only headers are stored: Odoo has to fetch the full message from the mail server first.")
        return self.env._(
            "Delivery follows in a moment. Only the headers of %s are stored: Odoo has to fetch the rest from the mail "
            "server first.",
            heads._counted(),
        )

    def _allow_senders(self):
        """Add the senders to core's list of addresses without a limit.

        :return: their normalized addresses
        :raises UserError: when the From of a message contains no valid address
        """
        if unnamed := self.filtered(lambda message: not message.sender)[:1]:
            raise UserError(self.env._("The From of “%s” contains no valid address.", unnamed.display_name))
        # core has an index on them
        addresses = {bounded(email_normalize(message.email_from) or message.sender) for message in self}
        allowed = self.env["mail.gateway.allowed"]
        known = set(allowed.search([("email_normalized", "in", list(addresses))]).mapped("email_normalized"))
        allowed.create([{"email": address} for address in sorted(addresses - known)])
        return sorted(set(self.mapped("sender")))

    def _requeue(self, reason, **values):
        """Hand messages back to delivery, with all their tries left."""
        now = fields.Datetime.now()
        self._move_to("received", reason, try_count=0, deferral_count=0, next_try=now, **values)
        self._wake_lanes()
