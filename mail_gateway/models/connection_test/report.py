"""The report of a connection test, as sentences for the administrator."""

from odoo import models
from odoo.tools import human_size

from ...tools.smtp.connection_test_values import (
    Connected,
    ConnectionStep,
    Greeted,
    LoggedIn,
    Outcome,
    Reply,
    Resolved,
    readable,
)
from ...tools.smtp.tls import Encrypted


class IrMail_Server(models.Model):
    """Describes the steps of a connection test."""

    _inherit = "ir.mail_server"

    def _report_step_names(self):
        """Return {step: its label}."""
        steps = self.env["mail.server.connection.test.step"]._fields["step"]
        return dict(steps._description_selection(self.env))

    def _report_failure(self, plan, report):
        """Return the error for callers that show no dialog: which step failed, why, and what to do."""
        failed = report.failed
        sentence = self.env._(
            "Test of “%(server)s”, step “%(step)s”: %(message)s",
            server=self.display_name,
            step=self._report_step_names()[failed.step.value],
            message=self._report_step(plan, failed),
        )
        return "\n\n".join(filter(None, (sentence, self._report_ports(plan, report))))

    def _report_success(self, plan):
        return self.env._(
            "“%(server)s” would accept a message from %(sender)s to %(recipient)s. Odoo sent none.",
            server=plan.host,
            sender=plan.sender,
            recipient=plan.recipient,
        )

    def _report_step(self, plan, result):
        """Describe one step; empty when it was not tried."""
        match result.outcome:
            case Outcome.NOT_TRIED:
                return ""
            case Outcome.SKIPPED:
                return self._report_skipped(result)
            case Outcome.FAILED:
                return self._report_failed(plan, result)
        return self._report_facts(plan, result.facts)

    def _report_skipped(self, result):
        if result.step is ConnectionStep.LOGIN:
            return self.env._("Odoo does not log in, since no user name is configured.")
        sentence = self.env._("The connection is not encrypted, as configured.")
        if not result.facts.starttls_offered:
            return sentence
        return f"{sentence} {self.env._('The server offers STARTTLS: choose it, so that nobody can read messages.')}"

    def _report_facts(self, plan, facts):
        match facts:
            case Resolved():
                return ", ".join(facts.addresses)
            case Connected():
                return self._report_connection(plan, facts)
            case Greeted():
                return self._report_greeting(facts)
            case Encrypted():
                return self._report_tls(facts)
            case LoggedIn():
                return self._report_login(plan, facts)
            case Reply():
                return f"{facts.code} {facts.text}"
        return ""

    def _report_connection(self, plan, facts):
        where = self.env._("%(address)s port %(port)s", address=facts.address, port=plan.port)
        if not facts.failed:
            return where
        failed = self.env._(
            "No answer from %s, which Odoo tries first, so each e-mail is delayed. Have these addresses removed from the "
            "DNS, or use a server name without them.",
            ", ".join(facts.failed),
        )
        return f"{where}\n{failed}"

    def _report_greeting(self, facts):
        greeting = self.env._(
            "“%(banner)s”. The name of this machine in EHLO is %(name)s.", banner=facts.banner, name=facts.own_name
        )
        if not facts.size:
            return greeting
        return f"{greeting}\n{self.env._('Largest message: %s.', human_size(facts.size))}"

    def _report_login(self, plan, facts):
        login = self.env._("Logged in.")
        if facts.mechanism:
            login = self.env._("Logged in by %s.", readable(facts.mechanism))
        if not facts.in_clear:
            return login
        warning = self.env._(
            "Odoo sends user name and password to “%s” unencrypted, so others can read them. Choose an encryption.",
            plan.host,
        )
        return f"{login}\n{warning}"
