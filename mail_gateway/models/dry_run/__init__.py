"""The dry run that Explain makes: a delivery that is rolled back. Start reading in mail_inbound_dry_run.py."""

from . import (
    mail_inbound_dry_run,
    mail_inbound_dry_run_values,
    mail_inbound_dry_run_recipients,
    mail_inbound_dry_run_effects,
    side_effect_guards,
)
