from . import (
    ir_mail_server,
    report,
    report_certificate,
    report_failure,
    report_ports,
)
