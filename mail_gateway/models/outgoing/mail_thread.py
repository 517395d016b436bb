"""E-mails that a program sends for records."""

from odoo import models

BY_PROGRAM = "mail_gateway_by_program"


class MailThread(models.AbstractModel):
    """Marks e-mails that are no mass mail although core uses the composer's mass mode for them."""

    _inherit = "mail.thread"

    def message_mail_with_source(self, source_ref, **kwargs):
        """Extends core's method: it uses the composer's mass mode to send one message for each record, for example when
        records change their stage. The context says that this is no mass mail.
        """
        return super(MailThread, self.with_context(**{BY_PROGRAM: True})).message_mail_with_source(source_ref, **kwargs)
