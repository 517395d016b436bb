from . import (
    ir_mail_server,
    ir_mail_server_traffic,
    ir_mail_server_explanations,
    ir_mail_server_explain,
    ir_mail_server_login,
    mail_outgoing_selection,
    mail_outgoing_selection_retention,
    mail_outgoing_selection_access,
    mail_message,
    mail_mail,
    mail_mail_headers,
    mail_thread,
)
