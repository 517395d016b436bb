from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import email_normalize

from ...tools.delivery import Route
from ...tools.policy import Cause
from ...tools.text.indexed_text import bounded
from ..inbound.mail_inbound_message import HELD_UP


class MailInboundDeciding(models.Model):
    """What a postmaster decides about messages, and who did."""

    _inherit = "mail.inbound.message"

    keep_source = fields.Boolean(
        "Keep the Source", readonly=True, help="The source stays when its time is over, until a person lets it go."
    )
    decision_ids = fields.One2many("mail.inbound.decision", "inbound_message_id", "Decisions", readonly=True)
    decided_by_id = fields.Many2one(
        "res.users",
        "Decided by",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The last one who did.",
    )
    decided_date = fields.Datetime("Decided", readonly=True)
    is_decidable = fields.Boolean(compute="_compute_is_decidable", help="Whether a person decides what becomes of it.")
    is_releasable = fields.Boolean(compute="_compute_is_decidable", help="Whether a rule, or Odoo's limit, holds it.")
    is_limited = fields.Boolean(
        compute="_compute_is_decidable", help="Whether it waits since its sender wrote too much."
    )

    _kept_index = models.Index("(id) WHERE keep_source IS TRUE")  # as the ORM asks for it

    _NOT_ROUTED = {"route_model": False, "route_res_id": False, "route_alias_id": False}

    # causes of messages that Allow This Sender lets pass
    _LIMITS = ("limit", "replies")

    # causes that no rule stands behind: released, such messages would come to the same end
    _NOT_RULED = {cause.value for cause in Cause} - set(_LIMITS)
    # causes of messages that a new address helps, or a route
    _UNROUTABLE = (Cause.NO_ROUTE.value, Cause.LOST_ADDRESS.value)

    # what is written down without being a decision about what becomes of a message
    _MARKS = ("keep", "let_go", "fetch")

    @api.depends("state", "cause")
    def _compute_is_decidable(self):
        for message in self:
            message.is_decidable = message.state in HELD_UP
            message.is_releasable = (
                message.is_decidable and bool(message.cause) and message.cause not in self._NOT_RULED
            )
            message.is_limited = message.is_decidable and message.cause in self._LIMITS

    # ------------------------------------------------------------------ decisions

    def action_process_again(self):
        """Hand held or failed messages to delivery once more, as if they had just come in.

        :return: an action that says so
        """
        reason = self.env._("Processed again by %s.", self.env.user.name)
        messages = self._decidable("received")._decided("process_again")
        messages._requeue(reason, **self._NOT_ROUTED, released=False)
        return self._notify(self.env._("Processed again: %s. Delivery follows in a moment.", messages._counted()))

    def action_release(self):
        """Deliver messages whatever rule held them; of several, those that a rule holds.

        :return: an action that tells how many that were
        :raises UserError: when no rule holds any of them
        """
        messages = self._decidable("received").filtered("is_releasable")
        if not messages:
            raise UserError(self._nothing_to_release_message())
        reason = self.env._("Released by %s.", self.env.user.name)
        messages._decided("release")._requeue(reason, **self._NOT_ROUTED, released=True)
        words = {"messages": messages._counted(), "others": len(self) - len(messages)}
        if words["others"]:
            return self._notify(
                self.env._(
                    "Released: %(messages)s. Delivery follows in a moment. No rule holds the others (%(others)s).",
                    **words,
                )
            )
        return self._notify(self.env._("Released: %s. Delivery follows in a moment.", words["messages"]))

    def _nothing_to_release_message(self):
        if set(self.mapped("cause")) == {Cause.NOT_ALLOWED.value}:
            return self.env._(
                "No rule holds this message: Odoo was not allowed to deliver it. Give the right, then process it again."
            )
        if "failed" in self.mapped("state"):
            return (
                self.env._("No rule holds this message: it failed. Process it again instead.")
                if len(self) == 1
                else self.env._("No rule holds these messages. Process those that failed again, route the others.")
            )
        return (
            self.env._("No rule holds this message: it leads nowhere. Route it instead.")
            if len(self) == 1
            else self.env._("No rule holds these messages: they lead nowhere. Route them instead.")
        )

    def action_discard(self):
        """Decide that held or failed messages are not wanted. They stay listed, with their source.

        :return: an action that says so
        """
        reason = self.env._("Discarded by %s.", self.env.user.name)
        self._decidable("discarded")._decided("discard")._move_to("discarded", reason)
        return self._notify(self.env._("Discarded: %s", self._counted()))

    def action_allow_sender(self):
        """Exempt the senders of messages held for a limit from all limits, and deliver what is held of them for one.

        :return: an action that tells how many that were
        :raises UserError: when no message is held for a limit
        """
        messages = self._decidable("received").filtered("is_limited")
        if not messages:
            raise UserError(self.env._("Only messages that were held for a limit wait for their sender to be allowed."))
        senders = messages._allow_senders()
        waiting = messages | messages.search(
            [("state", "=", "held"), ("cause", "in", self._LIMITS), ("sender", "in", senders)]
        )
        waiting._decided("allow", ", ".join(senders))
        reason = self.env._("Its sender was allowed by %s.", self.env.user.name)
        waiting._requeue(reason, **self._NOT_ROUTED, released=True)
        words = {"senders": ", ".join(senders), "number": len(waiting)}
        return self._notify(self.env._("%(senders)s: no limit any more. Messages released: %(number)s", **words))

    def action_keep_source(self):
        """Have the sources of messages stay when their time is over.

        :raises UserError: when one is gone, or all are kept already
        """
        messages = self._as_postmaster()
        if gone := messages.filtered(lambda message: not message._source_bytes(1))[:1]:
            raise UserError(self.env._("The source of “%s” was deleted already.", gone.display_name))
        loose = messages.filtered(lambda message: not message.keep_source)
        if not loose:
            raise UserError(self.env._("What you chose is kept already."))
        loose._decided("keep").write({"keep_source": True})
        return self._notify(self.env._("The source stays when its time is over: %s", loose._counted()))

    def action_let_source_go(self):
        """Have the sources go with those of other messages again.

        :raises UserError: when none is kept
        """
        kept = self._as_postmaster().filtered("keep_source")
        if not kept:
            raise UserError(self.env._("Nothing of what you chose is kept: its source goes when its time is over."))
        kept._decided("let_go").write({"keep_source": False})
        return self._notify(self.env._("The source goes when its time is over: %s", kept._counted()))

    def _route_to(self, route: Route, name=""):
        """Deliver held or failed messages to where a person decided, past Odoo's routing.

        :param str name: of the record or alias
        :return: an action that says so
        """
        self._decidable("received")._decided("route", name)._requeue(
            self.env._("Routed by %s.", self.env.user.name),
            route_model=route.model,
            route_res_id=route.res_id,
            route_alias_id=route.alias_id,
        )
        words = {"name": name, "messages": self._counted()}
        return self._notify(self.env._("Routed to %(name)s: %(messages)s. Delivery follows in a moment.", **words))

    # ------------------------------------------------------------------ what they stand on

    def _counted(self):
        """How many messages these are, in words."""
        return self.env._("1 message") if len(self) == 1 else self.env._("%s messages", len(self))

    def _notify(self, words):
        """An action that shows a notification, and closes the dialog that it was decided in."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": words, "type": "success", "next": {"type": "ir.actions.act_window_close"}},
        }

    def _allow_senders(self):
        """Add the senders to core's list of those whom limits spare.

        They are added as core compares them: replies are counted by core.

        :return: their addresses, made comparable
        :raises UserError: when a message names none
        """
        if nobody := self.filtered(lambda message: not message.sender)[:1]:
            raise UserError(self.env._("The From of “%s” contains no valid address.", nobody.display_name))
        # an index of core's holds them
        addresses = {bounded(email_normalize(message.email_from) or message.sender) for message in self}
        allowed = self.env["mail.gateway.allowed"]
        known = set(allowed.search([("email_normalized", "in", list(addresses))]).mapped("email_normalized"))
        allowed.create([{"email": address} for address in sorted(addresses - known)])
        return sorted(set(self.mapped("sender")))

    def _requeue(self, reason, **values):
        now = fields.Datetime.now()
        self._move_to("received", reason, try_count=0, deferral_count=0, next_try=now, **values)
        self._wake_lanes()

    def _decided(self, decision, note=""):
        """Write down that the user decided so; return the messages.

        Who only marked a source did not decide about the message.

        :param str note: what else is to be remembered of it
        """
        now = fields.Datetime.now()
        self.env["mail.inbound.decision"].create(
            [
                {
                    "inbound_message_id": message.id,
                    "decision": decision,
                    "note": note,
                    "reason": message.reason,
                    "date": now,
                }
                for message in self
            ]
        )
        if decision not in self._MARKS:
            self.write({"decided_by_id": self.env.uid, "decided_date": now})
        return self

    def _decidable(self, state):
        """The same messages with all rights, for a postmaster who decides about them.

        :param str state: where they are to go
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        messages = self._as_postmaster()
        for message in messages:
            if message.state not in HELD_UP:
                raise message._wrong_transition(state)
        return messages

    def _as_postmaster(self):
        """The same messages with all rights.

        :raises AccessError: when the user is no postmaster
        """
        if not self.env.user.has_group("mail_gateway.group_postmaster"):
            raise AccessError(self.env._("Only a postmaster may decide what becomes of an inbound message."))
        self.check_access("read")
        return self.sudo()
