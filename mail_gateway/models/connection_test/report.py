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
    """What a test of the connection found, in words that an administrator can act on."""

    _inherit = "ir.mail_server"

    def _report_step_names(self):
        """step -> its name."""
        steps = self.env["mail.server.connection.test.step"]._fields["step"]
        return dict(steps._description_selection(self.env))

    def _report_failure(self, plan, report):
        """All that a program gets to know: where it failed, why, and what to do."""
        failed = report.failed
        sentence = self.env._(
            "Test of “%(server)s”, step “%(step)s”: %(words)s",
            server=self.display_name,
            step=self._report_step_names()[failed.step.value],
            words=self._report_step(plan, failed),
        )
        return "\n\n".join(filter(None, (sentence, self._report_ports(plan, report))))

    def _report_success(self, plan):
        return self.env._(
            "“%(server)s” would take a message from %(sender)s to %(recipient)s. None was sent.",
            server=plan.host,
            sender=plan.sender,
            recipient=plan.recipient,
        )

    def _report_step(self, plan, result):
        """What to say about one step."""
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
            return self.env._("This server has no user name: nobody signs in.")
        words = self.env._("The connection is not encrypted, as configured.")
        if not result.facts.starttls_offered:
            return words
        return f"{words} {self.env._('The server offers STARTTLS: choose it, so that nobody can read along.')}"

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
            "No answer from %s, which is tried first: each e-mail waits for that. Have these addresses taken out of "
            "the DNS, or use a server name without them.",
            ", ".join(facts.failed),
        )
        return f"{where}\n{failed}"

    def _report_greeting(self, facts):
        words = self.env._(
            "“%(banner)s”. This machine introduces itself as %(name)s.", banner=facts.banner, name=facts.own_name
        )
        if not facts.size:
            return words
        return f"{words}\n{self.env._('Largest message: %s.', human_size(facts.size))}"

    def _report_login(self, plan, facts):
        words = self.env._("Signed in.")
        if facts.mechanism:
            words = self.env._("Signed in by %s.", readable(facts.mechanism))
        if not facts.in_clear:
            return words
        warning = self.env._(
            "User name and password travel unencrypted to “%s”: whoever stands in between can read them. Choose an "
            "encryption.",
            plan.host,
        )
        return f"{words}\n{warning}"
