from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import config, mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail_gateway.models import ir_mail_server_probe
from odoo.addons.mail_gateway.tests.smtp_servers import GREETING, Credentials, TlsServer, commands, smtp_script
from odoo.addons.mail_gateway.tests.test_tools_helpers import ScriptedServer
from odoo.addons.mail_gateway.tools.smtp_probe import probe
from odoo.addons.mail_gateway.tools.smtp_probe_tls import Certificate, Encrypted, Trust
from odoo.addons.mail_gateway.tools.smtp_probe_values import (
    Answer,
    Connected,
    Limits,
    Outcome,
    Plan,
    PortAnswer,
    Problem,
    Report,
    Step,
    StepResult,
)

PASSWORD = "corr3ct-horse"
# a port of this machine where nobody listens
CLOSED = 1


@tagged("post_install", "-at_install")
class TestSmtpProbe(TransactionCase):
    """Test Connection of outgoing servers, against servers that follow a script."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.env["ir.mail_server"].create(
            {"name": "Relay", "smtp_host": "127.0.0.1", "smtp_port": CLOSED, "from_filter": "mycompany.example"}
        )
        cls.clerk = new_test_user(cls.env, "clerk", email="clerk@mycompany.example")

    def setUp(self):
        super().setUp()
        # connections are made as in production, to servers of this machine
        self.startPatcher(patch.object(IrMail_Server, "_disable_send", return_value=False))

    def serve(self, **changes):
        """A server that takes everything but what the changes say; the outgoing server leads there."""
        smtp = ScriptedServer(GREETING, smtp_script(**changes))
        self.addCleanup(smtp.stop)
        self.server.smtp_port = smtp.port
        return smtp

    def dialog(self):
        """Press the button; return the record that the dialog shows."""
        action = self.server.action_probe()
        self.assertEqual(action["target"], "new")
        return self.env[action["res_model"]].browse(action["res_id"])

    def step(self, dialog, step):
        return dialog.step_ids.filtered(lambda line: line.step == step)

    # ------------------------------------------------------------------ the dialog

    def test_the_button_of_the_form_opens_the_dialog(self):
        arch = self.env["ir.mail_server"].get_view(self.env.ref("base.ir_mail_server_form").id)["arch"]
        self.assertIn('name="action_probe"', arch)
        self.assertNotIn('name="test_smtp_connection"', arch)

    def test_every_step_is_shown_with_its_time_and_outcome(self):
        smtp = self.serve()
        dialog = self.dialog()
        self.assertEqual(dialog.outcome, "ok")
        self.assertEqual(
            dialog.step_ids.mapped(lambda line: (line.step, line.outcome)),
            [
                ("name", "ok"),
                ("connection", "ok"),
                ("greeting", "ok"),
                ("tls", "skipped"),
                ("login", "skipped"),
                ("sender", "ok"),
                ("recipient", "ok"),
            ],
        )
        self.assertRegex(self.step(dialog, "greeting").duration, r"^\d+ ms$")
        self.assertFalse(self.step(dialog, "tls").duration)
        self.assertIn("noreply@odoo.com", dialog.summary)
        self.assertNotIn("DATA", commands(smtp))

    def test_the_sender_and_the_recipient_are_those_of_core(self):
        smtp = self.serve()
        self.server.from_filter = "other.example, sales@mycompany.example"
        self.dialog()
        self.assertIn(b"mail FROM:<sales@mycompany.example>", smtp.heard)
        self.assertIn(b"rcpt TO:<noreply@odoo.com>", smtp.heard)

    def test_all_steps_are_shown_when_one_fails(self):
        self.serve(MAIL=b"550 5.7.1 <script>alert(1)</script>\r\n")
        dialog = self.dialog()
        self.assertEqual(dialog.outcome, "failed")
        self.assertEqual(len(dialog.step_ids), 7)
        self.assertIn("It says: 550 5.7.1 <script>", self.step(dialog, "sender").words)
        self.assertEqual(self.step(dialog, "recipient").outcome, "not_tried")
        self.assertIn("Check FROM Filtering", dialog.summary)

    def test_a_refused_connection_names_the_ports_worth_trying_and_whether_they_answer(self):
        self.server.smtp_port = CLOSED
        dialog = self.dialog()
        self.assertIn("refuses connections on port 1", dialog.summary)
        for port in (465, 587, 2525):
            self.assertIn(f"• {port}: ", dialog.advice)

    def test_without_a_filter_the_sender_is_the_one_that_messages_leave_with(self):
        smtp = self.serve()
        self.server.from_filter = False
        self.env.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "probe.example"})
        self.dialog()
        self.assertIn(b"mail FROM:<bounce@probe.example>", smtp.heard)

    def test_a_user_without_address_is_told_at_the_step_that_needs_one(self):
        self.serve()
        self.server.from_filter = False
        self.env.user.partner_id.email = False
        dialog = self.dialog()
        self.assertEqual(self.step(dialog, "greeting").outcome, "ok")
        self.assertEqual(self.step(dialog, "sender").outcome, "failed")
        self.assertIn("configure an email on the current user", dialog.summary)

    def test_an_archived_server_can_be_tested(self):
        self.serve()
        self.server.active = False
        self.assertEqual(self.dialog().outcome, "ok")

    def test_the_test_can_be_repeated_after_the_server_was_changed(self):
        self.server.smtp_port = CLOSED
        dialog = self.dialog()
        self.serve()
        again = self.env[dialog._name].browse(dialog.action_again()["res_id"])
        self.assertEqual((dialog.outcome, again.outcome), ("failed", "ok"))

    def test_a_server_whose_tests_are_open_can_be_deleted(self):
        dialog = self.dialog()
        self.server.unlink()
        self.assertFalse(dialog.exists())

    def test_only_an_administrator_may_test_and_read_what_was_found(self):
        self.serve()
        dialog = self.dialog()
        postmaster = new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster")
        for user in (self.clerk, postmaster):
            for records in (dialog, dialog.step_ids):
                with self.assertRaises(AccessError):
                    records.with_user(user).read(["outcome"])
            with self.assertRaises(AccessError):
                self.server.with_user(user).action_probe()

    def test_no_connection_is_made_while_odoo_is_tested(self):
        smtp = self.serve()
        with patch.object(IrMail_Server, "_disable_send", return_value=True), self.assertRaises(UserError):
            self.server.action_probe()
        self.assertFalse(smtp.heard)

    # ------------------------------------------------------------------ servers that keep silent

    def quick(self, plan):
        """The probe, with less patience."""
        return probe(replace(plan, other_ports=(), limits=Limits(reply=0.5, port=1, port_greeting=0.3)))

    def test_a_port_that_says_nothing_is_told_and_looked_at_again(self):
        smtp = ScriptedServer(b"", smtp_script())
        self.addCleanup(smtp.stop)
        self.server.smtp_port = smtp.port
        with patch.object(ir_mail_server_probe, "probe", self.quick):
            dialog = self.dialog()
        self.assertEqual(self.step(dialog, "greeting").outcome, "failed")
        self.assertIn("says nothing", dialog.summary)
        self.assertIn(f"• {smtp.port}: takes connections, but no mail server answers", dialog.advice)

    def test_a_server_that_falls_silent_is_told(self):
        smtp = self.serve(RCPT=b"")
        with patch.object(ir_mail_server_probe, "probe", self.quick):
            dialog = self.dialog()
        self.assertEqual(self.step(dialog, "recipient").outcome, "failed")
        self.assertIn("did not answer in time", dialog.summary)
        self.assertFalse(dialog.advice)
        self.assertIn("RCPT", commands(smtp))

    # ------------------------------------------------------------------ core's method

    def test_programs_get_the_notification_that_core_gives(self):
        smtp = self.serve()
        action = self.server.test_smtp_connection()
        self.assertEqual((action["tag"], action["params"]["type"]), ("display_notification", "success"))
        self.assertNotIn("DATA", commands(smtp))

    def test_programs_get_an_error_that_names_the_step_and_what_to_do(self):
        self.serve(RCPT=b"554 5.7.1 relay access denied\r\n")
        with self.assertRaisesRegex(UserError, "(?s)“Relay”, step “Recipient”.*after a login.*554 5.7.1 relay access"):
            self.server.test_smtp_connection()

    def test_programs_get_the_ports_that_answer(self):
        self.server.smtp_port = CLOSED
        with self.assertRaisesRegex(UserError, "(?s)step “Connection”.*• 465: .*• 587: .*• 2525: "):
            self.server.test_smtp_connection()

    def test_every_server_of_several_is_tested(self):
        self.serve()
        bad = self.server.copy({"name": "Other", "smtp_port": CLOSED})
        with self.assertRaisesRegex(UserError, "“Other”"):
            (self.server + bad).test_smtp_connection()

    def test_who_may_not_read_a_server_has_it_connect_to_nothing(self):
        postmaster = new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster")
        portal = new_test_user(self.env, "customer", groups="base.group_portal")
        smtp = self.serve()
        for user in (portal, self.clerk, postmaster):
            for find_size in (False, True):
                with self.assertRaises(AccessError):
                    self.server.with_user(user).test_smtp_connection(autodetect_max_email_size=find_size)
        self.assertFalse(smtp.heard)

    def test_a_user_may_test_a_server_of_their_own_as_core_does(self):
        smtp = self.serve(ehlo=(b"AUTH PLAIN",), AUTH=b"235 2.7.0 welcome\r\n")
        email = self.clerk.email
        self.server.write({"owner_user_id": self.clerk.id, "from_filter": email, "smtp_user": email, "smtp_pass": PASSWORD})
        self.env["ir.config_parameter"].set_param("base_setup.default_external_email_server", "True")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            self.server.with_user(self.clerk).test_smtp_connection()
        action = self.clerk.with_user(self.clerk).action_test_outgoing_mail_server()
        self.assertEqual(action["params"]["type"], "success")
        self.assertIn("RCPT", commands(smtp))

    def test_a_personal_server_that_its_owner_does_not_use_is_refused_as_by_core(self):
        smtp = self.serve()
        self.server.write({"owner_user_id": self.clerk.id, "from_filter": "clerk@mycompany.example"})
        with self.assertRaisesRegex(UserError, "does not use it anymore"):
            self.server.test_smtp_connection()
        self.assertFalse(smtp.heard)

    def test_the_size_limit_is_found_out_as_by_core(self):
        self.serve(ehlo=(b"SIZE 20971520",), DATA=b"354 go on\r\n")
        self.server.action_retrieve_max_email_size()
        self.assertEqual(self.server.max_email_size, 20)

    # ------------------------------------------------------------------ logins

    def test_the_login_is_that_of_core_with_its_domain_in_ascii(self):
        self.serve()
        self.server.write({"smtp_user": "box@café.example", "smtp_pass": PASSWORD})
        with patch.object(IrMail_Server, "_smtp_login__") as login:
            self.dialog()
        [call] = login.call_args_list
        self.assertEqual(call.args[1:], ("box@xn--caf-dma.example", PASSWORD))

    def test_a_user_without_password_signs_in_with_none(self):
        self.serve()
        self.server.write({"smtp_user": "box", "smtp_pass": False})
        with patch.object(IrMail_Server, "_smtp_login__") as login:
            self.dialog()
        self.assertEqual(login.call_args.args[1:], ("box", ""))

    def test_what_an_oauth_module_says_is_told(self):
        self.serve()
        self.server.write({"smtp_user": "box"})
        with patch.object(IrMail_Server, "_smtp_login__", side_effect=UserError("Connect your account again.")):
            dialog = self.dialog()
        self.assertEqual(self.step(dialog, "login").words, "Connect your account again.")

    def test_a_password_is_neither_shown_nor_logged_nor_raised(self):
        self.serve(ehlo=(b"AUTH PLAIN",), AUTH=lambda line: b"535 not %s: %s\r\n" % (line, PASSWORD.encode()))
        self.server.write({"smtp_user": "box", "smtp_pass": PASSWORD, "smtp_debug": True})
        secrets = PASSWORD, b64encode(f"\0box\0{PASSWORD}".encode()).decode()
        # Odoo itself logs the statement that stores it
        self.env.flush_all()
        with self.assertLogs(level="DEBUG") as logs:
            dialog = self.dialog()
            with self.assertRaises(UserError) as refusal:
                self.server.test_smtp_connection()
        seen = "\n".join([*dialog.step_ids.mapped("words"), dialog.summary, str(refusal.exception)])
        self.assertIn("535 not", seen)
        for secret in secrets:
            self.assertNotIn(secret, seen)
            self.assertNotIn(secret, "\n".join(logs.output))

    # ------------------------------------------------------------------ settings

    def options(self, **values):
        return patch.dict(config.options, values)

    def test_the_command_lines_options_are_used_where_the_server_says_so(self):
        smtp = self.serve()
        self.server.write({"smtp_authentication": "cli", "smtp_port": CLOSED})
        with self.options(smtp_server="127.0.0.1", smtp_port=smtp.port, smtp_user=False, smtp_ssl=False):
            self.assertEqual(self.dialog().outcome, "ok")
        with self.options(smtp_server="127.0.0.1", smtp_port=smtp.port, smtp_user=False, smtp_ssl=True):
            dialog = self.dialog()
        self.assertIn("offers no STARTTLS", self.step(dialog, "tls").words)
        self.assertNotIn("Set “SMTP Port”", dialog.advice)

    def test_a_certificate_stands_in_for_user_and_password(self):
        authority = Credentials("Authority")
        client = Credentials("odoo.mycompany.example", signer=authority)
        smtp = TlsServer(smtp_script(), Credentials(signer=authority), clients=authority)
        self.addCleanup(smtp.stop)
        self.server.write(
            {
                "smtp_authentication": "certificate",
                "smtp_encryption": "ssl",
                "smtp_port": smtp.port,
                "smtp_user": "box",
                "smtp_ssl_certificate": b64encode(client.pem),
                "smtp_ssl_private_key": b64encode(client.key_pem),
            }
        )
        dialog = self.dialog()
        self.assertEqual(self.step(dialog, "recipient").outcome, "ok", dialog.summary)
        self.assertEqual(self.step(dialog, "login").outcome, "skipped")

    def test_a_certificate_without_its_key_is_told(self):
        smtp = TlsServer(smtp_script(), Credentials())
        self.addCleanup(smtp.stop)
        self.server.write(
            {
                "smtp_authentication": "certificate",
                "smtp_ssl_certificate": b64encode(Credentials().pem),
                "smtp_ssl_private_key": b64encode(Credentials().key_pem),
                "smtp_encryption": "ssl",
                "smtp_port": smtp.port,
            }
        )
        self.assertIn("belong together", self.dialog().summary)

    def test_a_failure_that_nobody_thought_of_reaches_the_administrator_as_it_is(self):
        with (
            patch.object(ir_mail_server_probe, "probe", side_effect=RuntimeError("bug")),
            mute_logger("odoo.addons.mail_gateway.models.ir_mail_server_probe"),
            self.assertRaises(RuntimeError),
        ):
            self.server.action_probe()


@tagged("post_install", "-at_install")
class TestSmtpProbeWords(TransactionCase):
    """Every result has its words."""

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
            problem: self.server._probe_words(
                self.plan, self.failed(Step.SENDER, problem, facts=encrypted, detail="why")
            )
            for problem in Problem
        }
        self.assertNotIn("That failed.", " ".join(words.values()))
        self.assertEqual(len(set(words.values())), len(Problem))

    def test_every_reason_to_distrust_a_certificate_has_words_of_its_own(self):
        reasons = set(Trust) - {Trust.VERIFIED, Trust.UNKNOWN}
        words = {self.server._probe_words_for_distrust(trust) for trust in reasons}
        self.assertEqual(len(words), len(reasons))

    def test_every_step_and_outcome_can_be_stored(self):
        fields = self.env["mail.server.probe.step"]._fields
        self.assertEqual({step.value for step in Step}, set(fields["step"].get_values(self.env)))
        self.assertEqual({outcome.value for outcome in Outcome}, set(fields["outcome"].get_values(self.env)))

    def certificate(self, days):
        end = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=days, hours=1)
        return Certificate("mail.example", ("mail.example",), "Authority", end)

    def words_for_tls(self, trust, required=False, days=90):
        facts = Encrypted("TLSv1.3", self.certificate(days), trust, required)
        return self.server._probe_words(self.plan, StepResult(Step.TLS, Outcome.OK, facts=facts))

    def test_a_certificate_is_told_with_subject_issuer_and_end(self):
        words = self.words_for_tls(Trust.VERIFIED, required=True)
        self.assertRegex(words, r"TLSv1.3\nCertificate of mail.example, issued by Authority, valid until .*20\d\d")
        self.assertIn("Verified", words)
        self.assertNotIn("expires in", words)

    def test_a_certificate_that_ends_soon_is_told_with_its_days(self):
        self.assertIn("expires in 5 days", self.words_for_tls(Trust.VERIFIED, required=True, days=5))

    def test_a_certificate_that_has_ended_is_told_so(self):
        words = self.words_for_tls(Trust.EXPIRED, days=-5)
        self.assertRegex(words, r"expired on .*20\d\d\.")
        self.assertNotIn("valid until", words)

    def test_an_unverified_certificate_is_told_with_what_verifying_would_say(self):
        self.assertIn("would be accepted", self.words_for_tls(Trust.VERIFIED))
        self.assertIn("encryption and validation", self.words_for_tls(Trust.VERIFIED))
        self.assertRegex(self.words_for_tls(Trust.SELF_SIGNED), "not verified.*would not be accepted.*self-signed")
        self.assertRegex(self.words_for_tls(Trust.UNKNOWN), r"It is not verified, as configured\.$")

    def test_a_name_that_a_certificate_is_for_is_named(self):
        facts = Encrypted("", self.certificate(90), Trust.WRONG_NAME, True)
        words = self.server._probe_words(self.plan, self.failed(Step.TLS, Problem.CERTIFICATE, facts=facts))
        self.assertIn("Enter a name that it is for: mail.example.", words)

    def test_addresses_that_do_not_answer_are_named(self):
        facts = Connected("192.0.2.2", ("192.0.2.1",))
        words = self.server._probe_words(self.plan, StepResult(Step.CONNECTION, Outcome.WARNING, facts=facts))
        self.assertIn("No answer from 192.0.2.1", words)

    def words_for_ports(self, *answers, step=Step.CONNECTION, problem=Problem.REFUSED, port=25, encryption="none"):
        report = Report((self.failed(step, problem),), tuple(PortAnswer(*answer) for answer in answers))
        plan = Plan("mail.example", port, encryption, "a@mycompany.example", "noreply@odoo.com")
        return self.server._probe_words_for_ports(plan, report)

    def test_what_to_set_is_told_in_the_forms_own_words(self):
        encryptions = dict(self.env["ir.mail_server"]._fields["smtp_encryption"]._description_selection(self.env))
        for answer, encryption in (
            (Answer.TLS, "ssl_strict"),
            (Answer.STARTTLS, "starttls_strict"),
            (Answer.PLAIN, "none"),
        ):
            words = self.words_for_ports((465, Answer.REFUSED), (2525, answer))
            self.assertIn(f"“SMTP Port” to 2525 and “Connection Encryption” to “{encryptions[encryption]}”", words)

    def test_every_answer_of_a_port_has_words_of_its_own(self):
        words = {self.server._probe_words_for_port(PortAnswer(1, answer)) for answer in Answer}
        self.assertEqual(len(words), len(Answer))

    def test_that_no_port_answers_is_told(self):
        self.assertIn("None of them takes mail.", self.words_for_ports((465, Answer.NO_ANSWER)))
        words = self.words_for_ports((465, Answer.NO_ANSWER), step=Step.LOGIN, problem=Problem.NO_AUTH)
        self.assertIn("None of them is of more use.", words)

    def test_nobody_is_advised_to_do_without_the_encryption_they_chose(self):
        for encryption in ("starttls", "ssl_strict"):
            words = self.words_for_ports((2525, Answer.PLAIN), encryption=encryption)
            self.assertNotIn("Set “SMTP Port”", words)
            self.assertIn("ask whoever runs the server", words)

    def test_port_25_is_told_to_be_blocked_often_and_no_other(self):
        for problem in (Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE):
            self.assertIn("block port 25", self.words_for_ports((465, Answer.TLS), problem=problem))
        self.assertNotIn("block port", self.words_for_ports((465, Answer.TLS), problem=Problem.TURNED_AWAY))
        self.assertNotIn("block port", self.words_for_ports((465, Answer.TLS), port=587))

    def test_a_probe_that_went_well_says_nothing_of_ports(self):
        report = Report((StepResult(Step.SENDER, Outcome.OK),))
        self.assertEqual(self.server._probe_words_for_ports(self.plan, report), "")

    def test_a_plan_of_a_server_is_what_the_probe_takes(self):
        self.server.write({"smtp_host": "", "from_filter": "mycompany.example"})
        self.assertEqual(probe(self.server._probe_plan()).failed.problem, Problem.NO_HOST)
