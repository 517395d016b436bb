"""Aliases, alias domains, former addresses, and the system parameters of mail."""

from . import (
    mail_former_address,
    mail_former_address_lookup,
    mail_former_address_history,
    mail_alias,
    mail_alias_domain_former_address,
    mail_alias_domain,
    ir_config_parameter,
    res_company,
)
