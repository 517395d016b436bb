"""The model of inbound messages: its fields and its states."""

import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...tools.policy import Cause
from ...tools.preview import SOURCE_BYTES, preview
from ...tools.source_values import sender_of
from ...tools.text.database_text import as_text
from ...tools.text.indexed_text import DETAIL_CHARS, REASON_CHARS, shortened
from ..bounded_char import BoundedChar

PENDING = ("received", "deferred")
# a person decides about these
HELD_UP = ("held", "failed")

# The states that each state may change to; _move_to() makes every transition.
TRANSITIONS = {
    "received": {"delivered", "rejected", "discarded", "deferred", "held", "failed"},
    "deferred": {"received", "delivered", "rejected", "discarded", "deferred", "held", "failed"},
    "held": {"received", "rejected", "discarded"},
    "failed": {"received", "rejected", "discarded"},
    "delivered": set(),
    "rejected": set(),
    "discarded": set(),
}


class MailInboundMessage(models.Model):
    """The raw source of an incoming message, and what became of it.

    Odoo stores a message here and commits before it acknowledges the message to the mail server. There is no state for
    messages that Odoo is processing: the row lock is that state.
    """

    _name = "mail.inbound.message"
    _description = "Inbound Message"
    _rec_name = "subject"
    _order = "received_date desc, id desc"

    subject = fields.Char(readonly=True)
    email_from = fields.Char(string="From", readonly=True)
    sender = BoundedChar(
        "Sender's Address",
        compute="_compute_sender",
        store=True,
        index="btree_not_null",
        help="The normalized address in the From, without the name.",
    )
    recipients = fields.Char(readonly=True, help="All addresses in the headers that name recipients.")
    message_id = BoundedChar(string="Message-Id", readonly=True, index="btree_not_null")
    conversation = BoundedChar(readonly=True, help="Odoo delivers the messages of one conversation in their order.")
    source = fields.Binary(attachment=False, readonly=True, help="The message as it arrived, byte for byte.")
    source_filename = fields.Char(compute="_compute_source_filename")
    preview = fields.Text(compute="_compute_preview")
    digest = BoundedChar(readonly=True, index="btree_not_null", help="SHA-256 of the source.")
    size = fields.Integer(readonly=True, aggregator="sum", help="Size of the source in bytes.")
    received_date = fields.Datetime(string="Received", readonly=True, default=fields.Datetime.now)

    server_id = fields.Many2one("fetchmail.server", "Incoming Mail Server", readonly=True, ondelete="set null")
    transport = fields.Selection(
        [("imap", "IMAP"), ("pop", "POP3"), ("push", "Push"), ("import", "Import"), ("call", "Program")],
        required=True,
        readonly=True,
        help="How the message came in. Program: a program, such as odoo-mailgate.py, or another addon handed it over.",
    )
    remote_key = BoundedChar(readonly=True, help="Identifies the message on its mail server.")

    state = fields.Selection(
        [
            ("received", "Received"),
            ("deferred", "Deferred"),
            ("held", "Held"),
            ("failed", "Failed"),
            ("delivered", "Delivered"),
            ("rejected", "Rejected"),
            ("discarded", "Discarded"),
        ],
        required=True,
        readonly=True,
        default="received",
        help="Received: waits for delivery.\n"
        "Deferred: Odoo tries again later.\n"
        "Held: waits for the decision of a postmaster.\n"
        "Failed: Odoo could not process it in several tries; waits for the decision of a postmaster.\n"
        "Delivered: Odoo created or updated a record, or processed a bounce.\n"
        "Rejected: refused, and Odoo or a postmaster notified the sender.\n"
        "Discarded: ended without delivery.",
    )
    reason = fields.Text(readonly=True, help="Why the message has its state.")
    detail = fields.Text(string="Technical Detail", readonly=True)
    cause = fields.Selection(
        selection="_selection_causes",
        readonly=True,
        index="btree_not_null",
        help="The kind of reason, to group and filter by.",
    )
    rule_id = fields.Many2one("mail.inbound.rule", "Decided by Rule", readonly=True, ondelete="set null")
    rule_results = fields.Json(readonly=True, help="The result of each rule that Odoo evaluated, in their order.")
    told_date = fields.Datetime(
        "Sender Notified", readonly=True, help="When the sender was notified that the message is refused or held."
    )
    judged_date = fields.Datetime("Rules Evaluated", readonly=True)
    try_count = fields.Integer(string="Tries", readonly=True, aggregator=None)
    deferral_count = fields.Integer(string="Deferrals", readonly=True, aggregator=None)
    next_try = fields.Datetime(
        readonly=True,
        default=fields.Datetime.now,
        help="When Odoo tries to deliver the message next. Empty: it does not try.",
    )
    done_date = fields.Datetime(string="Done", readonly=True)

    res_model = fields.Char(string="Record Model", readonly=True)
    res_id = fields.Many2oneReference(string="Record ID", model_field="res_model", readonly=True)
    mail_message_ids = fields.Many2many("mail.message", string="Chatter Messages", readonly=True)

    former_address = fields.Char(
        readonly=True, help="The former addresses that the message was sent to, and what they redirected to."
    )
    former_address_ids = fields.Many2many("mail.former.address", string="Former Addresses", readonly=True)

    released = fields.Boolean(
        readonly=True, help="A postmaster released the message: no rule holds, defers or rejects it again."
    )
    call = fields.Json(readonly=True, help="Values that a program handed over in addition to the message.")
    route_model = fields.Char(readonly=True, help="The model that a postmaster routed the message to.")
    route_res_id = fields.Many2oneReference(model_field="route_model", readonly=True)
    route_alias_id = fields.Many2one("mail.alias", readonly=True, ondelete="set null", index="btree_not_null")

    _remote_key_unique = models.UniqueIndex(
        "(server_id, remote_key) WHERE remote_key IS NOT NULL",
        "This message of the mail server is already stored.",
    )
    # for the filters of the list; most messages are delivered, and the index of the order finds these fast enough
    _held_up_index = models.Index("(state, received_date DESC, id DESC) WHERE state IN ('held', 'failed')")
    _refused_index = models.Index("(state, received_date DESC, id DESC) WHERE state IN ('rejected', 'discarded')")
    _former_index = models.Index("(id) WHERE former_address IS NOT NULL")
    _server_index = models.Index("(server_id, state)")
    _rule_index = models.Index("(rule_id, judged_date) WHERE rule_id IS NOT NULL")
    _not_told_index = models.Index("(judged_date) WHERE cause = 'not_told'")
    _order_index = models.Index("(received_date DESC, id DESC)")

    @api.depends("email_from")
    def _compute_sender(self):
        for message in self:
            message.sender = sender_of(message.email_from or "") or False

    @api.model
    def _selection_causes(self):
        """Return the labels of all causes: the checks, and the causes that belong to no rule."""
        return [
            (Cause.NO_ROUTE.value, self.env._("No Matching Recipient")),
            (Cause.LOST_ADDRESS.value, self.env._("Former Address Without Target")),
            *self.env["mail.inbound.rule"]._selection_checks(),
            (Cause.REPLIES.value, self.env._("Reply Limit Exceeded")),
            (Cause.REFUSED.value, self.env._("Refused by Odoo")),
            (Cause.NOT_TOLD.value, self.env._("Sender Not Notified")),
            (Cause.NOT_ALLOWED.value, self.env._("Missing Access Rights")),
            (Cause.ERROR.value, self.env._("Error")),
            (Cause.KILLED.value, self.env._("Worker Crashed or Timed Out")),
        ]

    @api.depends("subject")
    def _compute_source_filename(self):
        for message in self:
            stem = re.sub(r"[^\w.-]+", "_", message.subject or "message").strip("_.")[:60] or "message"
            message.source_filename = f"{stem}.eml"

    @api.depends("source")
    def _compute_preview(self):
        for message in self:
            message.preview = preview(message._source_bytes(SOURCE_BYTES))

    @api.depends("subject", "email_from")
    def _compute_display_name(self):
        """Replaces core's method: the name of a message without a subject is its sender."""
        for message in self:
            message.display_name = message.subject or self.env._("(no subject) from %s", message.email_from or "?")

    # ------------------------------------------------------------------ states

    def _move_to(self, state, reason="", **values):
        """Make one transition; nothing else writes `state`.

        :param str state: the new state
        :param str reason: why, in words that an administrator understands
        :param values: further fields to write
        :raises UserError: when TRANSITIONS has no such transition
        """
        for message in self:
            if state not in TRANSITIONS[message.state]:
                raise message._wrong_transition(state)
        self.write(
            {
                "state": state,
                "done_date": False if state in PENDING else fields.Datetime.now(),
                **values,
                "cause": values.get("cause") or False,
                # reason and detail may quote the message
                "reason": shortened(as_text(reason), REASON_CHARS),
                "detail": shortened(as_text(values.get("detail") or ""), DETAIL_CHARS),
            }
        )

    def _wrong_transition(self, state):
        labels = dict(self._fields["state"]._description_selection(self.env))
        return UserError(
            self.env._(
                "“%(subject)s” is %(current)s and can't become %(wanted)s.",
                subject=self.display_name,
                current=labels[self.state].lower(),
                wanted=labels[state].lower(),
            )
        )
