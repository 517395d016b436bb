"""Test Connection for outgoing mail servers, and the sentences of its report."""

from . import (
    ir_mail_server,
    report,
    report_certificate,
    report_failure,
    report_ports,
)
