"""Decisions of postmasters about held and failed messages, and the alerts about these."""

from . import (
    mail_inbound_decision,
    mail_inbound_message,
    mail_inbound_message_actions,
    mail_inbound_message_keep_source,
    mail_inbound_message_dialogs,
    mail_inbound_message_export,
    mail_postmaster_alert,
    mail_postmaster_alert_mixin,
    mail_activity,
    mail_inbound_message_alert,
    mail_inbound_sender_notice,
    fetchmail_server,
    mail_thread,
    res_users,
)
