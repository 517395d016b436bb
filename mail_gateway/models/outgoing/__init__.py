from . import (
    ir_mail_server,
    ir_mail_server_traffic,
    ir_mail_server_explanations,
    ir_mail_server_explain,
    ir_mail_server_login,
    mail_sending_detail,
    mail_sending_detail_retention,
    mail_sending_detail_access,
    mail_message,
    mail_mail,
    mail_mail_headers,
    mail_thread,
)
