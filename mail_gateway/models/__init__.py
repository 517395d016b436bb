from . import (
    mail_inbound_message,
    mail_inbound_spool,
    mail_inbound_delivery,
    mail_inbound_lane,
    mail_inbound_folder,
    mail_inbound_receipt,
    fetchmail_server,
    fetchmail_fetch,
    mail_thread,
    mail_mail,
    mail_alias,
    res_config_settings,
)
