from odoo import models

BY_PROGRAM = "mail_gateway_by_program"


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def message_mail_with_source(self, source_ref, **kwargs):
        """Extends core's method: it borrows the composer's mass mode to send one message for each record, as when a
        record changes its stage. That is no mass mail.
        """
        return super(MailThread, self.with_context(**{BY_PROGRAM: True})).message_mail_with_source(source_ref, **kwargs)
