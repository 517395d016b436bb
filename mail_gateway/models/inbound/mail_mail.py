"""Mail that a delivery causes is left to the queue."""

from odoo import models

from ...tools.delivery import Delivery


class MailMail(models.Model):
    """Mail caused by a delivery is queued: it never leaves if the delivery fails, and never delays a lane."""

    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Extends core's method: within a delivery, leaves the mail to the queue."""
        if self._left_to_queue():
            return True
        return super().send(
            auto_commit=auto_commit, raise_exception=raise_exception, post_send_callback=post_send_callback
        )

    def send_after_commit(self):
        """Extends core's method: within a delivery, leaves the mail to the queue."""
        if not self._left_to_queue():
            super().send_after_commit()

    def _left_to_queue(self):
        delivery = Delivery.of(self.env.context)
        if not (delivery and delivery.request.queues_mail):
            return False
        if self:
            # by default Odoo processes the queue once an hour
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return True
