"""Rules for incoming mail, their checks, and the rows that limits of new records and of notices count."""

from . import (
    mail_check,
    mail_inbound_rule,
    mail_inbound_rule_hit,
    mail_inbound_created_record,
    mail_inbound_sender_notice,
    checks,
    mail_inbound_message,
    mail_gateway_allowed,
)
