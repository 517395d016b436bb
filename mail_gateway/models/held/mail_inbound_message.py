"""Messages that a postmaster decides about, and the record of the decisions."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...tools.policy import Cause
from ..client_actions import CLOSE_DIALOG, notification
from ..inbound.mail_inbound_message import HELD_UP, PENDING


class MailInboundMessage(models.Model):
    """Determines which decisions postmasters may make about a message, and records their decisions."""

    _inherit = "mail.inbound.message"

    decision_ids = fields.One2many("mail.inbound.decision", "inbound_message_id", "Decisions", readonly=True)
    decided_by_id = fields.Many2one(
        "res.users",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The postmaster who decided last about this message.",
    )
    decided_date = fields.Datetime("Decided", readonly=True)
    is_decidable = fields.Boolean(
        compute="_compute_is_decidable", help="Whether the message is held or failed, so that a postmaster decides."
    )
    is_releasable = fields.Boolean(
        compute="_compute_is_decidable", help="Whether a rule or Odoo's reply limit holds the message."
    )
    is_limited = fields.Boolean(
        compute="_compute_is_decidable", help="Whether the message is held because its sender exceeded a limit."
    )

    _NOT_ROUTED = {"route_model": False, "route_res_id": False, "route_alias_id": False}

    # causes of messages that Allow This Sender releases
    _LIMITS = ("limit", "replies")

    # causes without a rule: a released message would have the same outcome again
    _NOT_RULED = {cause.value for cause in Cause} - set(_LIMITS)
    # causes of messages that need a new alias, or a route
    _UNROUTABLE = (Cause.NO_ROUTE.value, Cause.LOST_ADDRESS.value)

    # decisions that do not determine what becomes of the message
    _MARKS = ("keep", "let_go", "fetch")

    @api.depends("state", "cause")
    def _compute_is_decidable(self):
        for message in self:
            message.is_decidable = message.state in HELD_UP
            message.is_releasable = (
                message.is_decidable and bool(message.cause) and message.cause not in self._NOT_RULED
            )
            message.is_limited = message.is_decidable and message.cause in self._LIMITS

    def _decided(self, decision, note=""):
        """Record a decision of the user about these messages.

        A user who only marks a source, or has it fetched, is not recorded as the one who decided about the message.

        :param str decision: a value of the field `decision` of mail.inbound.decision
        :param str note: details to record with it
        :return: the messages
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
        """Return the same messages with all rights, for a postmaster who decides about them.

        :param str state: the state that the decision leads to
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        messages = self._as_postmaster()
        for message in messages:
            if message.state not in HELD_UP:
                raise message._not_decidable(state)
        return messages

    def _not_decidable(self, state):
        """Return the UserError for a decision about a message that is neither held nor failed."""
        if self.state not in PENDING or state != "received":
            return self._wrong_transition(state)
        if self.is_head:
            words = self.env._(
                "“%s” is already waiting for delivery. Unless a rule holds it, Odoo first fetches the full message from "
                "the mail server.",
                self.display_name,
            )
        else:
            words = self.env._("“%s” is already waiting for delivery.", self.display_name)
        return UserError(words)

    def _as_postmaster(self):
        """Return the same messages with all rights.

        :raises AccessError: when the user is no postmaster
        """
        if not self.env.user.has_group("mail_gateway.group_postmaster"):
            raise AccessError(self.env._("Only a postmaster may decide about inbound messages."))
        self.check_access("read")
        return self.sudo()

    def _counted(self):
        """Return the number of these messages, as text."""
        return self.env._("1 message") if len(self) == 1 else self.env._("%s messages", len(self))

    def _notify(self, words):
        """Return an action that shows a notification, and closes the dialog in which the user decided."""
        return notification("success", words, then=CLOSE_DIALOG)
