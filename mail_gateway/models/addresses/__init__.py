from . import (
    mail_alias,
    mail_former_address,
    mail_former_address_lookup,
    mail_former_address_history,
    mail_alias_domain,
    ir_config_parameter,
    res_company,
)
