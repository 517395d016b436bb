"""Outgoing mail: the selection of a server, the From, and the record of both."""

from . import (
    ir_mail_server,
    ir_mail_server_traffic,
    ir_mail_server_explanations,
    ir_mail_server_login,
    mail_outgoing_selection,
    mail_outgoing_selection_access,
    mail_message,
    mail_mail,
    mail_mail_selection,
    mail_thread,
)
