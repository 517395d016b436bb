"""Guards that prevent a dry run from doing anything that a rollback can't undo.

Mail that a delivery causes is left to the queue anyway. These guards are for code that drops the context of the delivery.
"""

from odoo import models

from ...tools.dry_run import is_dry_run


class MailMail(models.Model):
    """Leaves mail to the queue, which the rollback empties."""

    _inherit = "mail.mail"

    def _left_to_queue(self):
        return is_dry_run(self.env.cr) or super()._left_to_queue()


class IrMailServer(models.Model):
    """Sends nothing in a dry run."""

    _inherit = "ir.mail_server"

    def _connect__(self, *args, **kwargs):
        """Extends core's method: connects nowhere in a dry run, as core does in tests."""
        return None if is_dry_run(self.env.cr) else super()._connect__(*args, **kwargs)

    def send_email(self, message, *args, **kwargs):
        """Extends core's method: sends nothing in a dry run, as core does in tests."""
        return message["Message-Id"] if is_dry_run(self.env.cr) else super().send_email(message, *args, **kwargs)


class MailThread(models.AbstractModel):
    """Notifies no browser in a dry run."""

    _inherit = "mail.thread"

    def _web_push_send_notification(self, *args, **kwargs):
        """Extends core's method, which posts to browser vendors immediately: does nothing in a dry run."""
        return None if is_dry_run(self.env.cr) else super()._web_push_send_notification(*args, **kwargs)
