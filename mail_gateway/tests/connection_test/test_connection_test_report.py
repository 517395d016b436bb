from datetime import datetime, timedelta, timezone

from odoo.tests import TransactionCase, tagged

from odoo.addons.mail_gateway.tools.smtp.connection_test import run_connection_test
from odoo.addons.mail_gateway.tools.smtp.connection_test_values import (
    Connected,
    ConnectionStep,
    Outcome,
    Plan,
    PortAnswer,
    PortStatus,
    Problem,
    Report,
    StepResult,
)
from odoo.addons.mail_gateway.tools.smtp.tls import Certificate, Encrypted, Trust


@tagged("post_install", "-at_install")
class TestConnectionTestReport(TransactionCase):
    """Every result has a sentence of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.env["ir.mail_server"].create({"name": "Relay", "smtp_host": "mail.example"})
        cls.plan = Plan("mail.example", 25, "none", "a@mycompany.example", "noreply@odoo.com")

    def failed(self, step, problem, **values):
        return StepResult(step, Outcome.FAILED, problem=problem, **values)

    def test_every_problem_has_words_of_its_own(self):
        encrypted = Encrypted("", None, Trust.EXPIRED, True)
        words = {
            problem: self.server._report_step(
                self.plan, self.failed(ConnectionStep.SENDER, problem, facts=encrypted, detail="why")
            )
            for problem in Problem
        }
        self.assertNotIn("This step failed.", " ".join(words.values()))
        self.assertEqual(len(set(words.values())), len(Problem))

    def test_every_reason_to_distrust_a_certificate_has_words_of_its_own(self):
        reasons = set(Trust) - {Trust.VERIFIED, Trust.UNKNOWN}
        words = {self.server._report_distrust(trust) for trust in reasons}
        self.assertEqual(len(words), len(reasons))

    def test_every_step_and_outcome_can_be_stored(self):
        fields = self.env["mail.server.connection.test.step"]._fields
        self.assertEqual({step.value for step in ConnectionStep}, set(fields["step"].get_values(self.env)))
        self.assertEqual({outcome.value for outcome in Outcome}, set(fields["outcome"].get_values(self.env)))

    def certificate(self, days):
        end = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=days, hours=1)
        return Certificate("mail.example", ("mail.example",), "Authority", end)

    def report_tls(self, trust, required=False, days=90):
        facts = Encrypted("TLSv1.3", self.certificate(days), trust, required)
        return self.server._report_step(self.plan, StepResult(ConnectionStep.TLS, Outcome.OK, facts=facts))

    def test_a_certificate_is_reported_with_subject_issuer_and_end(self):
        words = self.report_tls(Trust.VERIFIED, required=True)
        self.assertRegex(words, r"TLSv1.3\nCertificate of mail.example, issued by Authority, valid until .*20\d\d")
        self.assertIn("Verified", words)
        self.assertNotIn("until it expires", words)

    def test_a_certificate_that_expires_soon_is_reported_with_its_days(self):
        self.assertIn("Days until it expires: 5.", self.report_tls(Trust.VERIFIED, required=True, days=5))

    def test_an_expired_certificate_is_reported_as_expired(self):
        words = self.report_tls(Trust.EXPIRED, days=-5)
        self.assertRegex(words, r"expired on .*20\d\d\.")
        self.assertNotIn("valid until", words)

    def test_an_unverified_certificate_is_reported_with_the_result_of_verification(self):
        self.assertIn("would be accepted", self.report_tls(Trust.VERIFIED))
        self.assertIn("encryption and validation", self.report_tls(Trust.VERIFIED))
        self.assertRegex(self.report_tls(Trust.SELF_SIGNED), "not verified.*would not be accepted.*self-signed")
        self.assertRegex(self.report_tls(Trust.UNKNOWN), r"It is not verified, as configured\.$")

    def test_the_names_in_a_certificate_for_another_name_are_listed(self):
        facts = Encrypted("", self.certificate(90), Trust.WRONG_NAME, True)
        words = self.server._report_step(self.plan, self.failed(ConnectionStep.TLS, Problem.CERTIFICATE, facts=facts))
        self.assertIn("Enter one of its names as the server name: mail.example.", words)

    def test_addresses_that_do_not_answer_are_listed(self):
        facts = Connected("192.0.2.2", ("192.0.2.1",))
        words = self.server._report_step(self.plan, StepResult(ConnectionStep.CONNECTION, Outcome.WARNING, facts=facts))
        self.assertIn("No answer from 192.0.2.1", words)

    def report_ports(
        self, *answers, step=ConnectionStep.CONNECTION, problem=Problem.REFUSED, port=25, encryption="none"
    ):
        report = Report((self.failed(step, problem),), tuple(PortAnswer(*answer) for answer in answers))
        plan = Plan("mail.example", port, encryption, "a@mycompany.example", "noreply@odoo.com")
        return self.server._report_ports(plan, report)

    def test_the_advice_uses_the_words_of_the_form(self):
        encryptions = dict(self.env["ir.mail_server"]._fields["smtp_encryption"]._description_selection(self.env))
        for answer, encryption in (
            (PortStatus.TLS, "ssl_strict"),
            (PortStatus.STARTTLS, "starttls_strict"),
            (PortStatus.PLAIN, "none"),
        ):
            words = self.report_ports((465, PortStatus.REFUSED), (2525, answer))
            self.assertIn(f"“SMTP Port” to 2525 and “Connection Encryption” to “{encryptions[encryption]}”", words)

    def test_every_answer_of_a_port_has_words_of_its_own(self):
        words = {self.server._report_port(PortAnswer(1, answer)) for answer in PortStatus}
        self.assertEqual(len(words), len(PortStatus))

    def test_the_report_says_that_no_port_answers(self):
        self.assertIn("None of them accepts messages.", self.report_ports((465, PortStatus.NO_ANSWER)))
        words = self.report_ports((465, PortStatus.NO_ANSWER), step=ConnectionStep.LOGIN, problem=Problem.NO_AUTH)
        self.assertIn("None of them works better.", words)

    def test_the_advice_never_gives_up_the_chosen_encryption(self):
        for encryption in ("starttls", "ssl_strict"):
            words = self.report_ports((2525, PortStatus.PLAIN), encryption=encryption)
            self.assertNotIn("Set “SMTP Port”", words)
            self.assertIn("Ask the operator of the server", words)

    def test_only_port_25_is_reported_as_often_blocked(self):
        for problem in (Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE):
            self.assertIn("block port 25", self.report_ports((465, PortStatus.TLS), problem=problem))
        self.assertNotIn("block port", self.report_ports((465, PortStatus.TLS), problem=Problem.TURNED_AWAY))
        self.assertNotIn("block port", self.report_ports((465, PortStatus.TLS), port=587))

    def test_a_successful_test_says_nothing_about_ports(self):
        report = Report((StepResult(ConnectionStep.SENDER, Outcome.OK),))
        self.assertEqual(self.server._report_ports(self.plan, report), "")

    def test_the_connection_test_accepts_the_plan_of_a_server(self):
        self.server.write({"smtp_host": "", "from_filter": "mycompany.example"})
        self.assertEqual(run_connection_test(self.server._connection_test_plan()).failed.problem, Problem.NO_HOST)
