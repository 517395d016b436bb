"""The dialog that explains what would become of an incoming message."""

import base64
from email.header import Header
from email.utils import make_msgid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formataddr

from ..tools.headers.address_list import read_addresses
from ..tools.headers.addresses import normalize_domain

# How a state is shown: the classes of Bootstrap's alerts.
_LOOKS = {
    "delivered": "success",
    "rejected": "danger",
    "discarded": "secondary",
    "deferred": "info",
    "held": "warning",
    "failed": "danger",
}


class MailInboundExplain(models.TransientModel):
    """Explains what would become of an incoming message; it sends nothing, and stores only the answer.

    The code that processes real messages gives the answer: mail.inbound.dry.run delivers the message and rolls back.
    """

    _name = "mail.inbound.explain"
    _description = "Explain an Incoming Message"

    # the message
    given = fields.Selection(
        [("typed", "Typed Message"), ("file", "Uploaded File (.eml)"), ("message", "Stored Message")],
        "Message",
        required=True,
        default="typed",
    )
    email_from = fields.Char(
        "From",
        default=lambda self: self.env.user.email_formatted if self.env.user.email else "",
        help="The address of the sender, with or without a name: Mary Smith <mary@customer.com>",
    )
    email_to = fields.Char("To", help="One or more addresses, separated by commas.")
    email_cc = fields.Char("Cc")
    subject = fields.Char()
    in_reply_to = fields.Char("In-Reply-To", help="The Message-Id of the message that this one answers, if any.")
    body = fields.Text("Text")
    automatic = fields.Boolean(
        "Automatic Reply", help="Adds the header Auto-Submitted, as programs do that send vacation notices."
    )
    source = fields.Binary("File", attachment=False)
    source_filename = fields.Char()
    inbound_message_id = fields.Many2one("mail.inbound.message")
    server_id = fields.Many2one(
        "fetchmail.server",
        "Incoming Server",
        help="The incoming mail server whose settings apply: it may create records from unroutable messages.",
    )
    released = fields.Boolean(
        "Treat as Released", help="No rule holds, defers or rejects the message, as if a postmaster had released it."
    )

    # the answer
    answer = fields.Html(readonly=True)

    @api.model
    def default_get(self, fields):  # noqa: F811
        """Extends core's method: the dialog explains the inbound message from which it is opened."""
        values = super().default_get(fields)
        if values.get("inbound_message_id"):
            values["given"] = "message"
        return values

    def action_explain(self):
        """Show what would become of the message.

        :return: an action that shows this dialog again
        :raises AccessError: when the user is no postmaster
        :raises UserError: when there is no message to explain
        """
        self.ensure_one()
        self.check_access("read")
        dry_runs = self.env["mail.inbound.dry.run"]
        self.answer = self._in_words(dry_runs._dry_run(self._inbound(), self.released))
        return self._open()

    def _open(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_explain_action")
        return {**action, "res_id": self.id}

    # ------------------------------------------------------------------ the message

    def _inbound(self):
        """Return the message to explain, stored or in memory only."""
        if self.given == "message":
            return self._stored()
        source = self._file() if self.given == "file" else self._typed()
        return self.env["mail.inbound.message"].new(
            {"source": base64.b64encode(source), "server_id": self.server_id.id}
        )

    def _stored(self):
        if not self.inbound_message_id:
            raise UserError(self.env._("Choose the stored message to explain."))
        self.inbound_message_id.check_access("read")
        if not self.inbound_message_id._source_bytes():
            raise UserError(self.env._("Odoo can't explain this message, because its source is deleted."))
        return self.inbound_message_id

    def _file(self):
        source = self.with_context(bin_size=False, bin_size_source=False).source
        if not source:
            raise UserError(self.env._("Upload the .eml file to explain."))
        return base64.b64decode(source)

    def _typed(self):
        """Return the bytes of the message that the user typed."""
        headers = {
            "From": self._addresses(self.email_from),
            "To": self._addresses(self.email_to),
            "Cc": self._addresses(self.email_cc),
            "Subject": Header(self._line(self.subject), "utf-8", maxlinelen=900).encode() if self.subject else "",
            "Message-Id": make_msgid(domain="explained.invalid"),
            "In-Reply-To": self._line(self.in_reply_to),
            "Auto-Submitted": "auto-replied" if self.automatic else "",
            "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Transfer-Encoding": "8bit",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
        return f"{head}\r\n{self.body or ''}\r\n".encode()

    @staticmethod
    def _line(text):
        """Return a typed text without the characters that a header can't contain."""
        return "".join(letter if letter.isprintable() else " " for letter in text or "").strip()

    def _addresses(self, text):
        line = self._line(text)
        return ", ".join(map(self._written, read_addresses(line))) or line

    @staticmethod
    def _written(mailbox):
        local, _at, domain = mailbox.address.rpartition("@")
        domain = normalize_domain(domain) or domain
        return formataddr((mailbox.name, f"{local}@{domain}"), charset="ascii") if domain.isascii() else str(mailbox)

    # ------------------------------------------------------------------ the answer

    def _in_words(self, dry_run):
        """Return the answer as escaped HTML."""
        states = dict(self.env["mail.inbound.message"]._fields["state"]._description_selection(self.env))
        return self.env["ir.qweb"]._render(
            "mail_gateway.inbound_explanation",
            {
                "it": dry_run,
                "state": states.get(dry_run.state) or self.env._("No answer"),
                "look": _LOOKS.get(dry_run.state, "info"),
                "verdict": dry_run.reason or self._no_reason_message(dry_run),
                "rules": self.env["mail.inbound.rule"]._rule_results_table(dry_run.rule_results)
                if dry_run.state
                else "",
                "by": {"email": self.env._("E-mail"), "inbox": self.env._("Inbox")},
            },
        )

    def _no_reason_message(self, dry_run):
        if any(target.is_new for target in dry_run.targets):
            return self.env._("Odoo creates a record.")
        return self.env._("Odoo adds the message to a record's chatter.")
