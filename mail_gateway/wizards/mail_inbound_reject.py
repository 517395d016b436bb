"""The dialog that rejects messages with a letter to their senders."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, formataddr, plaintext2html

from ..tools.classify.forged_sender import failed_dmarc, marked_as_spam
from ..tools.classify.refusal_recipient import refusal_of
from ..tools.headers.message_head import HEADER_BYTES, parse_head
from ..tools.policy import Cause


class MailInboundReject(models.TransientModel):
    """Asks a postmaster what to write to the senders of held or failed messages, and sends that.

    Unlike Odoo's own notices, a refusal is a letter from a person. That person is its author, the sender may answer it, and
    it has no mark by which Odoo would discard answers as a mail loop. It can't start a loop, since no program writes it.
    """

    _name = "mail.inbound.reject"
    _description = "Reject Inbound Messages"

    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Messages")
    told = fields.Text("To", compute="_compute_told")
    warning = fields.Text(compute="_compute_told")
    subject = fields.Char(compute="_compute_subject", help="Each letter has the subject of its message.")
    body = fields.Text("Text", compute="_compute_body", store=True, readonly=False)

    @api.depends("inbound_message_ids")
    def _compute_told(self):
        for wizard in self:
            heads = [message._source_bytes(HEADER_BYTES) for message in wizard._messages()]
            refusals = [refusal_of(head) for head in heads]
            wizard.told = ", ".join(dict.fromkeys(refusal.to for refusal in refusals if refusal.to))
            wizard.warning = "\n".join(wizard._warnings(refusals, heads)) or False

    @api.depends("inbound_message_ids")
    def _compute_body(self):
        for wizard in self:
            wizard.body = wizard._letter(wizard._messages())

    @api.depends("inbound_message_ids")
    def _compute_subject(self):
        for wizard in self:
            wizard.subject = ", ".join(dict.fromkeys(map(self._subject_of, wizard._messages())))

    def _subject_of(self, message):
        """Return the subject of the letter about a message."""
        return f"Re: {message.subject or ''}".strip()

    def _messages(self):
        """Return the stored messages; the form has new records in their place while the user fills it in."""
        return self.inbound_message_ids._origin

    # ------------------------------------------------------------------ the text

    def _letter(self, messages):
        """Return the text that the dialog proposes."""
        subject = messages.subject if len(messages) == 1 else ""
        reasons = set(map(self._reason_for_sender, messages))
        reason = reasons.pop() if len(reasons) == 1 else self._reason_for_sender(messages.browse())
        opening = (
            self.env._("your message “%s” could not be accepted.", subject)
            if subject
            else self.env._("your message could not be accepted.")
        )
        return "\n\n".join(
            (self.env._("Hello,"), f"{opening} {reason}", self.env._("Kind regards"), self.env.user.name)
        )

    def _reason_for_sender(self, message):
        """Return a reason for the sender, who knows nothing of rules and aliases; without a message, a general one."""
        match message.cause:
            case Cause.NO_ROUTE.value:
                return self.env._("The address that you wrote to does not exist: %s", message.recipients or "?")
            case Cause.LOST_ADDRESS.value:
                return self.env._("The address that you wrote to is no longer in use: %s", message.recipients or "?")
            case "limit" | Cause.REPLIES.value:
                return self.env._("We received more messages from your address than we can accept.")
            case "size":
                return self.env._("It is too large. Please send it without its attachments, or in several parts.")
            case Cause.ERROR.value | Cause.KILLED.value:
                return self.env._("Our system can't read it. Please send it again as plain text.")
        return self.env._("Please get in touch with us in another way.")

    def _warnings(self, refusals, heads):
        """Yield why the postmaster might not want to write to these senders, a sentence for each kind of reason."""
        told = [(refusal, parse_head(head)) for refusal, head in zip(refusals, heads, strict=True) if refusal.to]
        programs = [(refusal.to, refusal.program) for refusal, _head in told if refusal.program]
        spam = [(refusal.to, marked_as_spam(head)) for refusal, head in told]
        hosts = self.env["mail.thread"]._authserv_ids()
        forged = [(refusal.to, failed_dmarc(head, hosts)) for refusal, head in told]
        kinds = (
            (self.env._("A program sent the message; nobody is likely to read your letter: %s"), True, programs),
            (
                self.env._("A program may have sent the message, or the sender wants no automatic answers: %s"),
                False,
                programs,
            ),
            (
                self.env._("The message is marked as spam. Your letter may reach somebody who did not write it: %s"),
                True,
                spam,
            ),
            (
                self.env._(
                    "The sender may be forged: DMARC failed. Your letter may reach somebody who did not write it: %s"
                ),
                True,
                forged,
            ),
        )
        for words, proven, signs in kinds:
            if found := [f"{to} ({sign.header})" for to, sign in signs if sign and sign.proven == proven]:
                yield words % ", ".join(dict.fromkeys(found))

    # ------------------------------------------------------------------ sending

    def action_reject(self):
        """Write to the senders, and reject the messages.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when there is no text, a sender has no address, or a message is neither held nor failed; no
            letter is sent then
        """
        self.ensure_one()
        self.check_access("read")
        if not (self.body or "").strip():
            raise UserError(self.env._("Write a text for the senders, or discard the messages instead."))
        messages = self.inbound_message_ids._decidable("rejected")
        letters = [(message, self._refusal(message)) for message in messages]
        for message, refusal in letters:
            self._tell(message, refusal)
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        told = ", ".join(dict.fromkeys(refusal.to for _message, refusal in letters))
        if len(letters) == 1:
            return messages._notify(self.env._("Rejected, and %s was notified.", told))
        words = {"messages": messages._counted(), "senders": told}
        return messages._notify(self.env._("Rejected: %(messages)s. Notified: %(senders)s", **words))

    def _refusal(self, message):
        head = message._source_bytes(HEADER_BYTES)
        refusal = refusal_of(head)
        if refusal.to:
            return refusal
        words = {"subject": message.display_name, "sender": message.email_from or self.env._("(no sender)")}
        if not head:
            why = self.env._(
                "“%(subject)s” can't be answered, because its source is deleted. Discard it instead.", **words
            )
        elif refusal.is_null:
            why = self.env._(
                "“%(subject)s” can't be answered: its Return-Path is empty, as in bounces and automatic replies. Discard "
                "it instead.",
                **words,
            )
        else:
            why = self.env._(
                "“%(subject)s” can't be answered: its sender, %(sender)s, contains no valid address. Discard it instead.",
                **words,
            )
        raise UserError(why)

    def _tell(self, message, refusal):
        """Queue the letter and reject the message: a letter that is sent before the commit could be sent twice."""
        self.env["mail.mail"].sudo().create(self._letter_values(message, refusal))
        words = {"user": self.env.user.name, "sender": refusal.to}
        message._decided("reject", f"{refusal.to}\n\n{self.body}")._move_to(
            "rejected",
            self.env._("Rejected by %(user)s. %(sender)s was notified.", **words),
            told_date=fields.Datetime.now(),
        )

    def _author(self):
        """Return the postmaster's name and address; without an address, that of the company, else the default From."""
        user, company = self.env.user, self.env.company
        address = user.email_normalized or email_normalize(company.email) or company.default_from_email
        return formataddr((user.name, address)) if address else False

    def _letter_values(self, message, refusal):
        author = self._author()
        headers = {"In-Reply-To": refusal.in_reply_to} if refusal.in_reply_to else {}
        return {
            "subject": self._subject_of(message),
            "body_html": plaintext2html(self.body.strip()),
            "email_from": author,
            "reply_to": author,
            "author_id": self.env.user.partner_id.id,
            "email_to": refusal.to,
            "references": refusal.references,
            "headers": repr(headers),
            "auto_delete": True,
        }
