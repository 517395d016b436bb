from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, formataddr, plaintext2html

from ..tools.classify.forged_sender import failed_dmarc, marked_as_spam
from ..tools.classify.refusal_recipient import refusal_of
from ..tools.headers.message_head import HEADER_BYTES, parse_head
from ..tools.policy import Cause


class MailInboundReject(models.TransientModel):
    """Asks a postmaster what the senders of held or failed messages are told, and tells them.

    Other than Odoo's own notices, a refusal is a person's letter: it comes from that person, may be answered, and bears
    no mark by which answers to it would be discarded as a loop. No loop can come of it: no program writes it.
    """

    _name = "mail.inbound.reject"
    _description = "Reject Inbound Messages"

    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Messages")
    told = fields.Text("To", compute="_compute_told")
    warning = fields.Text(compute="_compute_told")
    subject = fields.Char(compute="_compute_subject", help="Of the letters: each has that of the message it is about.")
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
        """The subject of the letter about a message."""
        return f"Re: {message.subject or ''}".strip()

    def _messages(self):
        """The messages themselves: a form that is being filled in has stand-ins for them."""
        return self.inbound_message_ids._origin

    # ------------------------------------------------------------------ the text

    def _letter(self, messages):
        """What the senders are told as long as nobody writes something else."""
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
        """The reason in words for somebody who knows nothing of rules and aliases; of no message, what is always true."""
        match message.cause:
            case Cause.NO_ROUTE.value:
                return self.env._("There is no one at the address that you wrote to: %s", message.recipients or "?")
            case Cause.LOST_ADDRESS.value:
                return self.env._("The address that you wrote to is no longer in use: %s", message.recipients or "?")
            case "limit" | Cause.REPLIES.value:
                return self.env._("More messages came from your address than we can take in.")
            case "size":
                return self.env._("It is too large. Please send it without its attachments, or in several parts.")
            case Cause.ERROR.value | Cause.KILLED.value:
                return self.env._("Our system can't read it. Please send it again as plain text.")
        return self.env._("Please get in touch with us in another way.")

    def _warnings(self, refusals, heads):
        """What speaks against writing to these senders, a sentence for each kind. A person's letter is sent all the same."""
        told = [(refusal, parse_head(head)) for refusal, head in zip(refusals, heads, strict=True) if refusal.to]
        programs = [(refusal.to, refusal.program) for refusal, _head in told if refusal.program]
        spam = [(refusal.to, marked_as_spam(head)) for refusal, head in told]
        hosts = self.env["mail.thread"]._authserv_ids()
        forged = [(refusal.to, failed_dmarc(head, hosts)) for refusal, head in told]
        kinds = (
            (self.env._("Sent by a program, which is unlikely to read your answer: %s"), True, programs),
            (self.env._("Perhaps sent by a program, or its sender wants no automatic answers: %s"), False, programs),
            (self.env._("Marked as spam; the sender may be somebody who did not write it: %s"), True, spam),
            (
                self.env._("The sender may be forged: DMARC failed. Your letter may reach somebody else: %s"),
                True,
                forged,
            ),
        )
        for words, proven, signs in kinds:
            if found := [f"{to} ({sign.header})" for to, sign in signs if sign and sign.proven == proven]:
                yield words % ", ".join(dict.fromkeys(found))

    # ------------------------------------------------------------------ telling

    def action_reject(self):
        """Tell the senders, and count the messages as rejected.

        :raises UserError: when there is no text, a sender can't be told, or a message is neither held nor failed; nobody
            is told then
        """
        self.ensure_one()
        self.check_access("read")
        if not (self.body or "").strip():
            raise UserError(self.env._("Write what the senders are told, or discard the messages instead."))
        messages = self.inbound_message_ids._decidable("rejected")
        letters = [(message, self._refusal(message)) for message in messages]
        for message, refusal in letters:
            self._tell(message, refusal)
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        told = ", ".join(dict.fromkeys(refusal.to for _message, refusal in letters))
        if len(letters) == 1:
            return messages._notify(self.env._("Rejected; %s was told.", told))
        words = {"messages": messages._counted(), "senders": told}
        return messages._notify(self.env._("Rejected: %(messages)s. Told: %(senders)s", **words))

    def _refusal(self, message):
        head = message._source_bytes(HEADER_BYTES)
        refusal = refusal_of(head)
        if refusal.to:
            return refusal
        words = {"subject": message.display_name, "sender": message.email_from or self.env._("(no sender)")}
        if not head:
            why = self.env._("“%(subject)s” can't be answered: its source was deleted. Discard it instead.", **words)
        elif refusal.is_null:
            why = self.env._(
                "“%(subject)s” can't be answered: its Return-Path is empty, as that of bounces and automatic replies. "
                "Discard it instead.",
                **words,
            )
        else:
            why = self.env._(
                "“%(subject)s” can't be answered: its sender, %(sender)s, contains no valid address. Discard it instead.",
                **words,
            )
        raise UserError(why)

    def _tell(self, message, refusal):
        """Put the letter into the queue: what is sent before a commit could be sent twice."""
        self.env["mail.mail"].sudo().create(self._letter_values(message, refusal))
        words = {"user": self.env.user.name, "sender": refusal.to}
        message._decided("reject", f"{refusal.to}\n\n{self.body}")._move_to(
            "rejected",
            self.env._("Rejected by %(user)s. %(sender)s was told.", **words),
            told_date=fields.Datetime.now(),
        )

    def _author(self):
        """The postmaster's name and address; where they have none, that of the company, else the default From."""
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
