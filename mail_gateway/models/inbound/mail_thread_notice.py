"""Notices to senders."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple

from markupsafe import Markup

from odoo import models
from odoo.tools import formataddr
from odoo.tools.mail import email_split, generate_tracking_message_id

from ...tools.classify.automatic_reply import unanswerable
from ...tools.classify.forged_sender import failed_dmarc, marked_as_spam
from ...tools.classify.notice_recipient import notice_address, without_quotes
from ...tools.delivery import Delivery
from ...tools.headers.addresses import domain_of, normalize_address
from ...tools.headers.message_head import HEADER_BYTES, parse_head
from ...tools.headers.message_ids import quotable_id
from ...tools.policy import Action, Cause
from ...tools.tolerant_parsing.readable import make_readable
from ...tools.trace import LimitReached, Notified, Parsed, Read, Refusal

# Vacation responders do not answer messages with these headers (RFC 3834); the second one is for Exchange.
NOTICE_HEADERS = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
AUTHSERV_PARAMETER = "mail_gateway.authserv_id"
# How many of our addresses a notice names at most.
_MAX_NAMED = 5


class NoNotice(NamedTuple):
    """Why the sender of a refused message gets no notice.

    :ivar words: a sentence
    :ivar action: what becomes of the message instead
    """

    words: str
    action: Action = Action.DISCARD
    cause: str = Cause.REFUSED.value


class MailThread(models.AbstractModel):
    """Notices to senders that Odoo refuses or holds their message: never the same one twice, and never to a program.

    A sender may be forged, and the notice then goes to somebody else. Therefore notices contain our own words, our own
    addresses and the Message-Id, but nothing else from the message.
    """

    _inherit = "mail.thread"

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        """Extends core's method: within a delivery, a notice means that the message was refused.

        Core quotes the message in its own notices, and sends them to all addresses of all Return-Paths. Our notice has the
        header Auto-Submitted, and a reference by which Odoo recognizes answers to it, as in core's notices about loops. A
        sender who can't read it, or got the same one already, gets none.
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)
            return
        refusal = delivery.trace.last(Refusal)
        why = refusal.reason if refusal else self.env._("Odoo refused it.")
        incoming = self._as_it_came(delivery, message)
        if no_notice := self._no_notice(delivery, incoming):
            words = self.env._("%(why)s %(no_notice)s", why=why, no_notice=no_notice.words)
            delivery.decide(no_notice.action, words, no_notice.cause)
            return
        # recorded first: when another lane sends a notice at the same moment, one of the two starts again
        self.env["mail.inbound.sender.notice"].sudo()._note(incoming, self._limit_of(delivery) or Cause.REFUSED.value)
        body, values = self._notice_values(delivery, body_html, mail_values)
        told = notice_address(incoming.message, incoming.values["email_from"])
        super()._routing_create_bounce_email(told, body, self._stand_in(), **values)
        delivery.trace.add(Notified(told))
        words = self.env._("%(why)s %(sender)s was notified.", why=why, sender=told)
        delivery.decide(Action.REJECT, words, Cause.REFUSED.value)

    # ------------------------------------------------------------------ who gets no notice

    @staticmethod
    def _as_it_came(delivery, message):
        """Return what is known of a message, with its original headers: the substitute for a broken one lacks some."""
        source = delivery.trace.source
        return delivery.check_input._replace(message=parse_head(source) if source else message)

    @staticmethod
    def _limit_of(delivery):
        """Return the limit that the next notice is about; empty for a refusal."""
        limit = delivery.trace.last(LimitReached)
        return limit.cause if limit else ""

    def _no_notice(self, delivery, incoming):
        """Return why the sender gets no notice; None when they get one.

        Signs that prove that no person waits for an answer come first. With a sign that proves nothing, Odoo leaves the
        message to a person.
        """
        sign = unanswerable(incoming.message)
        if sign and sign.proven:
            return self._no_notice_to_program(sign)
        if forged := self._no_notice_if_forged(incoming.message):
            return forged
        if sign:
            return self._no_notice_to_possible_program(sign)
        if delivery.is_note:
            return NoNotice(self.env._("The sender was not notified."))
        return self._no_notice_if_repeated(delivery, incoming)

    def _no_notice_to_program(self, sign):
        return NoNotice(
            self.env._(
                "The sender was not notified: a program sent the message (%(header)s: %(value)s).", **sign._asdict()
            )
        )

    def _no_notice_to_possible_program(self, sign):
        words = self.env._(
            "The sender was not notified: a program or a mailing list may have sent the message, or the sender "
            "wants no automatic reply (%(header)s: %(value)s).",
            **sign._asdict(),
        )
        return NoNotice(words, Action.HOLD)

    def _no_notice_if_forged(self, message):
        if sign := marked_as_spam(message):
            return NoNotice(
                self.env._(
                    "The sender was not notified: the message is marked as spam (%(header)s: %(value)s).",
                    **sign._asdict(),
                )
            )
        if sign := failed_dmarc(message, self._authserv_ids()):
            return NoNotice(
                self.env._(
                    "The sender was not notified: the sender may be forged (%(header)s: %(value)s).", **sign._asdict()
                )
            )
        return None

    def _authserv_ids(self):
        """Return the hosts whose Authentication-Results Odoo trusts."""
        hosts = self.env["ir.config_parameter"].sudo()._get_mail_parameter(AUTHSERV_PARAMETER)
        return {host.strip().lower() for host in hosts.split(",")} - {""}

    def _no_notice_if_repeated(self, delivery, incoming):
        notices = self.env["mail.inbound.sender.notice"].sudo()
        if not notice_address(incoming.message, incoming.values["email_from"]):
            return NoNotice(self.env._("The sender was not notified: the message names no valid address."))
        limit = self._limit_of(delivery)
        told_that = limit and notices._was_told_that(incoming, limit)
        if told_that or notices._was_refused_the_same(incoming):
            return NoNotice(self.env._("The sender got the same notice recently."))
        return self._no_notice_over_limits(notices, incoming)

    def _no_notice_over_limits(self, notices, incoming):
        """Return why a limit prevents the notice. Forged messages may have used it up, so a person decides."""
        if notices._was_told_often(incoming):
            words = self.env._(
                "The sender was not notified: they got several notices within the last hour, so this may be a loop."
            )
            return NoNotice(words, Action.HOLD, Cause.NOT_TOLD.value)
        if notices._is_limit_reached():
            notices._note_limit()
            words = self.env._(
                "The sender was not notified: Odoo reached its limit of notices per hour (%s).", notices._limit()
            )
            return NoNotice(words, Action.HOLD, Cause.NOT_TOLD.value)
        return None

    # ------------------------------------------------------------------ the text of a notice

    def _notice_values(self, delivery, body_html, mail_values):
        """Return the body of a notice and the other values of its e-mail, without those that core takes from the message."""
        values = {"headers": repr(NOTICE_HEADERS), **mail_values}
        own, may_be_answered = values.pop("own_words", False), values.pop("may_be_answered", False)
        message_id = quotable_id(delivery.message_id or delivery.check_input.values.get("message_id"))
        body = self._with_message_id(body_html if own else self._our_words(delivery, body_html), message_id)
        subject = (
            self.env._("Your message is waiting")
            if self._limit_of(delivery)
            else self.env._("Your message could not be delivered")
        )
        return body, {
            **values,
            "subject": subject,
            "references": message_id if may_be_answered else self._marked(message_id),
        }

    @staticmethod
    def _marked(message_id):
        return f"{message_id} {generate_tracking_message_id('loop-detection-bounce-email')}".strip()

    def _stand_in(self):
        """Return the message that core gets instead of the original: it contains nothing that the sender wrote.

        Core sends notices from the bounce address or, without one, from the To of the message.
        """
        company, stand_in = self.env.company, EmailMessage()
        sender = company.bounce_email or company.default_from_email or company.email
        stand_in["To"] = formataddr(("MAILER-DAEMON", sender)) if sender else ""
        return stand_in

    def _our_words(self, delivery, body_html):
        """Return the body for one of core's notices, without quotes from the message."""
        if self._limit_of(delivery) == Cause.REPLIES.value:
            return self._render_notice(delivery, "mail_gateway.notice_message_waits")
        refusal = delivery.trace.last(Refusal)
        if refusal and refusal.is_catchall:
            return self._render_notice(
                delivery, "mail_gateway.notice_catchall", "mail.mail_bounce_catchall", company=self.env.company
            )
        return Markup(without_quotes(body_html)) or self._render_notice(delivery, "mail_gateway.notice_message_refused")

    def _render_notice(self, delivery, template, core="", **values):
        """Render one of our own templates.

        :param core: the template of core's that it replaces, unless an administrator changed that one
        """
        addresses = self._our_addresses(delivery)
        qweb = self.env["ir.qweb"]
        if core and self.env.ref(core).sudo().arch_updated:
            nothing = dict.fromkeys(("email_from", "from", "subject", "body"), "")
            return Markup(without_quotes(qweb._render(core, {"message": {**nothing, "to": addresses}})))
        return qweb._render(template, {"recipients": addresses, "reason": "", **values})

    def _with_message_id(self, body, message_id):
        if not message_id:
            return body
        words = self.env._("The Message-Id of your message: %s", message_id)
        return Markup("%s<p>%s</p>") % (Markup(body), words)

    def _our_addresses(self, delivery):
        """Return those of our addresses that a message was sent to, in Odoo's own spelling."""
        recipients = delivery.check_input.values.get("recipients") or ""
        aliases = self.env["mail.inbound.message"].sudo()._aliases_among(recipients)
        named = {normalize_address(address) for address in email_split(recipients)}
        domains = [("name", "in", [domain_of(address) for address in named])]
        catchalls = self.env["mail.alias.domain"].sudo().search(domains).mapped("catchall_email")
        ours = [*aliases.mapped("alias_full_name"), *(each for each in catchalls if normalize_address(each) in named)]
        return ", ".join(filter(None, ours[:_MAX_NAMED]))

    # ------------------------------------------------------------------ notices because of rules

    def _tell_what_a_rule_did(self, delivery, source):
        """Notify the sender that a rule rejects the message, or holds it for a reason that senders are notified of.

        :param source: the message as it came, or its beginning when a rule stopped it before parsing
        """
        if not delivery.trace.source:
            delivery.trace.add(Read(source))
        rule, verdict = delivery.trace.rule, delivery.trace.verdict
        check = self.env[f"mail.check.{rule.check}"]
        if verdict.action is Action.REJECT:
            delivery.trace.add(Refusal(rule.reason))
            reason = check._sender_message()
            self._send_notice(delivery, source, "mail_gateway.notice_message_refused", reason=reason)
        elif verdict.action is Action.HOLD and check._tells_sender:
            self._tell_that_it_waits(delivery, source)

    def _tell_that_it_waits(self, delivery, source):
        """Notify the sender that the message waits, but only once within the period of the limits."""
        verdict, incoming = delivery.trace.verdict, self._as_it_came(delivery, delivery.check_input.message)
        if self.env["mail.inbound.sender.notice"].sudo()._was_told_that(incoming, verdict.cause):
            return
        delivery.trace.add(LimitReached(verdict.cause))
        # A reply to the notice goes to the address that the held message was sent to, and joins its conversation.
        aliases = [route[4] for route in delivery.trace.routes if route[4]]
        reply_to = {"reply_to": aliases[0].alias_full_name} if aliases and aliases[0].alias_full_name else {}
        mail_values = {"may_be_answered": True, **reply_to}
        self._send_notice(delivery, source, "mail_gateway.notice_message_waits", mail_values)
        notified = delivery.trace.last(Notified)
        words = self.env._("%s The sender was notified.", verdict.reason) if notified else verdict.reason
        delivery.decide(Action.HOLD, words, verdict.cause)

    def _send_notice(self, delivery, source, template, mail_values=None, **words):
        if delivery.check_input.message is None:
            delivery.trace.add(Parsed(*self._parse_head(source)))
        body, known = self._render_notice(delivery, template, **words), delivery.check_input
        self._routing_create_bounce_email(
            known.values["email_from"], body, known.message, own_words=True, **(mail_values or {})
        )

    def _parse_head(self, source):
        """Parse only the headers of a message that a rule stopped before parsing.

        :return: (message, core's dictionary)
        """
        head = make_readable(source[:HEADER_BYTES], text_only=True).source
        message = message_from_bytes(head, policy=policy.SMTP)
        return message, self.with_context(**{Delivery.KEY: None}).message_parse(message)
