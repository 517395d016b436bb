"""The dialogs of the addon."""

from . import (
    mail_compose_message,
    mail_inbound_bulk_decision,
    mail_inbound_explain,
    mail_inbound_export,
    mail_inbound_import,
    mail_inbound_reject,
    mail_inbound_route,
    mail_outgoing_explain,
    mail_server_connection_test,
)
