from . import (
    mail_inbound_decision,
    mail_inbound_message,
    mail_inbound_message_dialogs,
    mail_postmaster_alert,
    mail_activity,
    mail_inbound_message_alert,
    mail_postmaster_alert_notices,
    fetchmail_server,
    mail_thread,
    res_users,
)
