"""Aliases within a delivery."""

from odoo import models

from ...tools.delivery import Delivery
from ...tools.policy import Action, Cause
from ...tools.trace import Refusal


class MailAlias(models.Model):
    """Notices of aliases that do not accept a message: unlike core's notices, they quote nothing of it."""

    _inherit = "mail.alias"

    def _alias_bounce_incoming_email(self, message, message_dict, set_invalid=True):
        """Extends core's method: notifies no sender of our own faults, and records why an alias refuses a message.

        Core calls this with `set_invalid` in a transaction of its own whenever it could not create a record, even because
        of a passing conflict, and notifies the sender that the address does not work. A lane tries the message again, or
        leaves it to a person. For a program, core's method runs, and the program gets the error.
        """
        delivery = Delivery.of(self.env.context)
        if delivery and set_invalid and delivery.request.queues_mail:
            self._note_invalid(delivery)
            return
        if delivery and not set_invalid:
            words = self.env._("The alias %s does not accept messages from this sender.", self.display_name)
            delivery.trace.add(Refusal(words))
        super()._alias_bounce_incoming_email(message, message_dict, set_invalid=set_invalid)

    def _note_invalid(self, delivery):
        """Mark the alias as invalid. Without a route, its configuration is the reason, and Odoo holds the message."""
        if not delivery.trace.routes:
            words = self.env._("The alias %s is not configured correctly. Check its settings.", self.display_name)
            delivery.decide(Action.HOLD, words, Cause.REFUSED.value)
        elif delivery.request.is_dry_run:
            return  # a dry run does not roll back core's own transaction
        self.alias_status = "invalid"

    def _get_alias_bounced_body(self, message_dict):
        """Extends core's method: leaves out the message. The administrator's own text stays."""
        return super()._get_alias_bounced_body(self._unquoted(message_dict))

    def _get_alias_bounced_body_fallback(self, message_dict):
        """Extends core's method, whose text is about "the message below": notices within a delivery quote none."""
        if not Delivery.of(self.env.context):
            return super()._get_alias_bounced_body_fallback(message_dict)
        contacts = self._get_alias_contact_description()
        return self._render_notice("mail_gateway.notice_alias_refuses", contacts=contacts)

    def _get_alias_invalid_body(self, message_dict):
        """Extends core's method, whose text is about "the message below", too."""
        if not Delivery.of(self.env.context):
            return super()._get_alias_invalid_body(message_dict)
        return self._render_notice("mail_gateway.notice_alias_invalid")

    def _unquoted(self, message_dict):
        return {**message_dict, "body": "", "subject": ""} if Delivery.of(self.env.context) else message_dict

    def _render_notice(self, template, **values):
        company = self.env.company
        contact = company.partner_id.email_formatted if company.partner_id.email else company.name
        words = {"address": self.alias_full_name or self.display_name, "contact": contact, **values}
        return self.env["ir.qweb"]._render(template, words)
