"""Messages that a rule has logged as a note."""

from odoo import models

from ...tools.delivery import Delivery
from ...tools.policy import Action


class MailThread(models.AbstractModel):
    """Logs messages as notes on the records that they answer, without notifying anyone."""

    _inherit = "mail.thread"

    def _log_as_note(self, delivery, message_dict, routes):
        """Log the message on existing records, without creating, updating or sending anything else.

        :param dict message_dict: core's dictionary of the message
        :param routes: core's routes
        :return: the id of the last record, as mail.thread._message_route_process does
        """
        records = [(route[0], route[1]) for route in routes or () if route[1]]
        for model, thread_id in records:
            values = {**message_dict, "message_id": delivery.stored_id or message_dict["message_id"]}
            self._log_note_on(self.env[model].browse(thread_id), values)
        if records:
            delivery.decide(Action.NOTE, delivery.trace.rule.reason, delivery.trace.rule.check)
            return records[-1][1]
        answers_nothing = self.env._("%s It is no reply to a record.", delivery.trace.rule.reason)
        delivery.decide(Action.DISCARD, answers_nothing, delivery.trace.rule.check)
        return False

    def _log_note_on(self, record, message_dict):
        kept = ("author_id", "email_from", "subject", "body", "date", "attachments", "message_id", "message_type")
        record.with_user(self.env.ref("base.user_root")).with_context(
            mail_post_autofollow_author_skip=True
        ).message_post(
            subtype_xmlid="mail.mt_note", **{key: message_dict[key] for key in kept if message_dict.get(key)}
        )

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """Extends core's method: a message that is only logged notifies nobody."""
        delivery = Delivery.of(self.env.context)
        if delivery and delivery.is_note:
            return []
        return super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
