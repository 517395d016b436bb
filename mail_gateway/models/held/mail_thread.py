"""The mark by which Odoo recognizes alerts that come back."""

from odoo import models
from odoo.tools.mail import generate_tracking_message_id

_ALERT_KEY = "mail_gateway_alert"
# An object, because a caller from outside can't pass it.
_ALERTING = object()
ALERT = {_ALERT_KEY: _ALERTING}
_NAME = "mail-gateway-alert"
# Every Message-Id of an alert contains it, and so do the headers of messages that answer, report or quote an alert.
ALERT_MARK = f"-openerp-{_NAME}@"


class MailThread(models.AbstractModel):
    """Marks alerts as such."""

    _inherit = "mail.thread"

    def _message_create(self, values_list):
        """Extends core's method: marks the Message-Id of an alert, as message_notify() accepts none from its caller."""
        if self.env.context.get(_ALERT_KEY) is _ALERTING:
            values_list = [{**values, "message_id": generate_tracking_message_id(_NAME)} for values in values_list]
        return super()._message_create(values_list)
