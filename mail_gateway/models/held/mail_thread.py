from odoo import models
from odoo.tools.mail import generate_tracking_message_id

_ALERT_KEY = "mail_gateway_alert"
# An object, so that no caller from outside can bring it.
_ALERTING = object()
ALERT = {_ALERT_KEY: _ALERTING}
_NAME = "mail-gateway-alert"
# What every Message-Id of an alert contains, and so whatever answers, reports about or quotes the head of one.
ALERT_MARK = f"-openerp-{_NAME}@"


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def _message_create(self, values_list):
        """Extends core's method: the Message-Id of an alert says so. message_notify() takes none from its caller."""
        if self.env.context.get(_ALERT_KEY) is _ALERTING:
            values_list = [{**values, "message_id": generate_tracking_message_id(_NAME)} for values in values_list]
        return super()._message_create(values_list)
