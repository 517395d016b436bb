from email import message_from_bytes, policy

from odoo import models
from odoo.tools.mail import generate_tracking_message_id

from ..tools.automatic import unanswerable
from ..tools.delivery import Action, Cause, Delivery
from ..tools.headers import HEADER_BYTES
from ..tools.reading import make_readable

# So that vacation responders keep quiet (RFC 3834), those of Exchange too.
NOTICE_HEADERS = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}


class MailThread(models.AbstractModel):
    """What senders are told: that their message is refused, or waits. Never twice the same, never to a machine."""

    _inherit = "mail.thread"

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        """Extends core's method: within a delivery, a notice means that the message was refused.

        It carries Auto-Submitted, and a reference by which answers to it are recognised, as core's notices about loops
        do. Nobody is told who can't read it, or knows.
        """
        delivery = Delivery.of(self.env.context)
        if not delivery:
            super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)
            return
        if silence := self._reason_for_silence(delivery, message):
            words = {"why": delivery.refusal or self.env._("Odoo refused it."), "silence": silence}
            delivery.decide(Action.DISCARD, self.env._("%(why)s %(silence)s", **words), Cause.REFUSED.value)
            return
        if "To" not in message:
            message["To"] = ""  # core looks into it when the company has no bounce address
        mail_values.setdefault("headers", repr(NOTICE_HEADERS))
        if not mail_values.pop("may_be_answered", False):
            mail_values["references"] = self._marked(mail_values.get("references") or delivery.message_id or "")
        super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)
        delivery.told = True
        words = {"why": delivery.refusal or self.env._("Odoo refused it."), "sender": email_from}
        delivery.decide(Action.REJECT, self.env._("%(why)s %(sender)s was told.", **words), Cause.REFUSED.value)

    @staticmethod
    def _marked(references):
        mark = "loop-detection-bounce-email"
        return references if mark in references else f"{references} {generate_tracking_message_id(mark)}"

    def _reason_for_silence(self, delivery, message):
        """Why the sender is not told anything; empty when they are."""
        if sign := unanswerable(message):
            return self.env._(
                "Nobody was told: the message was sent by a program (%(header)s: %(value)s).", **sign._asdict()
            )
        if delivery.is_note:
            return self.env._("Nobody was told.")
        notices = self.env["mail.inbound.notice"].sudo()
        told_that = delivery.telling and notices._was_told_that(delivery.incoming, delivery.telling)
        if told_that or notices._was_refused_the_same(delivery.incoming):
            return self.env._("The sender was told so a moment ago.")
        if notices._was_told_often(delivery.incoming):
            return self.env._("The sender was told several times within the last hour; a loop is suspected.")
        return ""

    def _tell_what_a_rule_did(self, delivery, source):
        """Tell the sender that a rule rejects the message, or holds it for what the sender can know of."""
        if delivery.verdict.action is Action.REJECT:
            delivery.refusal = delivery.rule.reason
            self._send_notice(delivery, source, "mail_gateway.notice_message_refused")
        elif delivery.verdict.action is Action.HOLD and self.env[f"mail.check.{delivery.rule.check}"]._tells_sender:
            self._tell_that_it_waits(delivery, source)

    def _tell_that_it_waits(self, delivery, source):
        """Once within the period of the limits; the message is held all the same."""
        verdict = delivery.verdict
        if self.env["mail.inbound.notice"].sudo()._was_told_that(delivery.incoming, verdict.cause):
            return
        # Whoever answers it writes to the address that the message waits for, and joins it.
        aliases = [route[4] for route in delivery.incoming.routes if route[4]]
        reply_to = {"reply_to": aliases[0].alias_full_name} if aliases and aliases[0].alias_full_name else {}
        self._send_notice(delivery, source, "mail_gateway.notice_message_waits", may_be_answered=True, **reply_to)
        words = self.env._("%s The sender was told.", verdict.reason) if delivery.told else verdict.reason
        delivery.decide(Action.HOLD, words, verdict.cause)

    def _send_notice(self, delivery, source, template, **mail_values):
        message, values = delivery.incoming.message, delivery.incoming.values
        if message is None:
            message, values = self._parse_head(source)
            delivery.incoming = delivery.incoming._replace(message=message, values=values)
        body = self.env["ir.qweb"]._render(
            template, {"subject": values.get("subject"), "recipients": values["to"], "reason": delivery.rule.reason}
        )
        mail_values["references"] = delivery.message_id or values["message_id"]
        self._routing_create_bounce_email(values["email_from"], body, message, **mail_values)

    def _parse_head(self, source):
        """The head alone of a message that is not to be parsed.

        :return: (message, core's dictionary)
        """
        head = make_readable(source[:HEADER_BYTES], plainest=True).source
        message = message_from_bytes(head, policy=policy.SMTP)
        return message, self.with_context(**{Delivery.KEY: None}).message_parse(message)
