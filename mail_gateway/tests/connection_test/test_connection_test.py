from base64 import b64encode
from dataclasses import replace
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import config, mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail_gateway.models.connection_test import ir_mail_server
from odoo.addons.mail_gateway.tests.tools.smtp.smtp_servers import (
    GREETING,
    Credentials,
    TlsServer,
    commands,
    smtp_script,
)
from odoo.addons.mail_gateway.tests.tools.tools_common import ScriptedServer
from odoo.addons.mail_gateway.tools.smtp.connection_test import run_connection_test
from odoo.addons.mail_gateway.tools.smtp.connection_test_values import Limits

PASSWORD = "corr3ct-horse"
# nobody listens at this port of this machine
CLOSED = 1


@tagged("post_install", "-at_install")
class TestConnectionTest(TransactionCase):
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
        # The tests make connections as in production, to servers of this machine.
        self.startPatcher(patch.object(IrMail_Server, "_disable_send", return_value=False))

    def serve(self, **changes):
        """Start a server that accepts everything except for the changes, and point the outgoing server to it."""
        smtp = ScriptedServer(GREETING, smtp_script(**changes))
        self.addCleanup(smtp.stop)
        self.server.smtp_port = smtp.port
        return smtp

    def dialog(self):
        """Press the button; return the record that the dialog shows."""
        action = self.server.action_connection_test()
        self.assertEqual(action["target"], "new")
        return self.env[action["res_model"]].browse(action["res_id"])

    def step(self, dialog, step):
        return dialog.step_ids.filtered(lambda line: line.step == step)

    # ------------------------------------------------------------------ the dialog

    def test_the_button_of_the_form_opens_the_dialog(self):
        arch = self.env["ir.mail_server"].get_view(self.env.ref("base.ir_mail_server_form").id)["arch"]
        self.assertIn('name="action_connection_test"', arch)
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

    def test_the_sender_and_the_recipient_equal_those_of_core(self):
        smtp = self.serve()
        self.server.from_filter = "other.example, sales@mycompany.example"
        self.dialog()
        self.assertIn(b"mail FROM:<sales@mycompany.example>", smtp.received)
        self.assertIn(b"rcpt TO:<noreply@odoo.com>", smtp.received)

    def test_all_steps_are_shown_when_one_fails(self):
        self.serve(MAIL=b"550 5.7.1 <script>alert(1)</script>\r\n")
        dialog = self.dialog()
        self.assertEqual(dialog.outcome, "failed")
        self.assertEqual(len(dialog.step_ids), 7)
        self.assertIn("The server says: 550 5.7.1 <script>", self.step(dialog, "sender").words)
        self.assertEqual(self.step(dialog, "recipient").outcome, "not_tried")
        self.assertIn("Check FROM Filtering", dialog.summary)

    def test_the_advice_about_a_refused_connection_lists_other_ports_and_their_answers(self):
        self.server.smtp_port = CLOSED
        dialog = self.dialog()
        self.assertIn("refuses connections on port 1", dialog.summary)
        for port in (465, 587, 2525):
            self.assertIn(f"• {port}: ", dialog.advice)

    def test_the_sender_without_a_filter_is_the_envelope_sender_of_messages(self):
        smtp = self.serve()
        self.server.from_filter = False
        self.env.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "probe.example"})
        self.dialog()
        self.assertIn(b"mail FROM:<bounce@probe.example>", smtp.received)

    def test_a_missing_address_of_the_user_is_reported_at_the_step_that_needs_one(self):
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

    def test_only_an_administrator_may_test_and_read_the_result(self):
        self.serve()
        dialog = self.dialog()
        postmaster = new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster")
        for user in (self.clerk, postmaster):
            for records in (dialog, dialog.step_ids):
                with self.assertRaises(AccessError):
                    records.with_user(user).read(["outcome"])
            with self.assertRaises(AccessError):
                self.server.with_user(user).action_connection_test()

    def test_no_connection_is_made_while_odoo_is_tested(self):
        smtp = self.serve()
        with patch.object(IrMail_Server, "_disable_send", return_value=True), self.assertRaises(UserError):
            self.server.action_connection_test()
        self.assertFalse(smtp.received)

    # ------------------------------------------------------------------ silent servers

    def quick(self, plan):
        """Test with shorter time limits."""
        return run_connection_test(replace(plan, other_ports=(), limits=Limits(reply=0.5, port=1, port_greeting=0.3)))

    def test_a_silent_port_is_reported_and_tested_again(self):
        smtp = ScriptedServer(b"", smtp_script())
        self.addCleanup(smtp.stop)
        self.server.smtp_port = smtp.port
        with patch.object(ir_mail_server, "run_connection_test", self.quick):
            dialog = self.dialog()
        self.assertEqual(self.step(dialog, "greeting").outcome, "failed")
        self.assertIn("does not answer", dialog.summary)
        self.assertIn(f"• {smtp.port}: accepts connections, but no mail server answers", dialog.advice)

    def test_a_server_that_falls_silent_is_reported(self):
        smtp = self.serve(RCPT=b"")
        with patch.object(ir_mail_server, "run_connection_test", self.quick):
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

    def test_users_who_may_not_read_a_server_cannot_make_it_connect(self):
        postmaster = new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster")
        portal = new_test_user(self.env, "customer", groups="base.group_portal")
        smtp = self.serve()
        for user in (portal, self.clerk, postmaster):
            for find_size in (False, True):
                with self.assertRaises(AccessError):
                    self.server.with_user(user).test_smtp_connection(autodetect_max_email_size=find_size)
        self.assertFalse(smtp.received)

    def test_a_user_may_test_a_server_of_their_own_as_core_does(self):
        smtp = self.serve(ehlo=(b"AUTH PLAIN",), AUTH=b"235 2.7.0 welcome\r\n")
        email = self.clerk.email
        self.server.write(
            {"owner_user_id": self.clerk.id, "from_filter": email, "smtp_user": email, "smtp_pass": PASSWORD}
        )
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
        self.assertFalse(smtp.received)

    def test_the_size_limit_is_detected_as_by_core(self):
        self.serve(ehlo=(b"SIZE 20971520",), DATA=b"354 go on\r\n")
        self.server.action_retrieve_max_email_size()
        self.assertEqual(self.server.max_email_size, 20)

    # ------------------------------------------------------------------ logins

    def test_the_login_equals_that_of_core_with_its_domain_in_ascii(self):
        self.serve()
        self.server.write({"smtp_user": "box@café.example", "smtp_pass": PASSWORD})
        with patch.object(IrMail_Server, "_smtp_login__") as login:
            self.dialog()
        [call] = login.call_args_list
        self.assertEqual(call.args[1:], ("box@xn--caf-dma.example", PASSWORD))

    def test_a_user_without_a_password_logs_in_with_an_empty_one(self):
        self.serve()
        self.server.write({"smtp_user": "box", "smtp_pass": False})
        with patch.object(IrMail_Server, "_smtp_login__") as login:
            self.dialog()
        self.assertEqual(login.call_args.args[1:], ("box", ""))

    def test_the_error_of_an_oauth_module_is_shown(self):
        self.serve()
        self.server.write({"smtp_user": "box"})
        with patch.object(IrMail_Server, "_smtp_login__", side_effect=UserError("Connect your account again.")):
            dialog = self.dialog()
        self.assertEqual(self.step(dialog, "login").words, "Connect your account again.")

    def test_a_password_is_neither_shown_nor_logged_nor_raised(self):
        self.serve(ehlo=(b"AUTH PLAIN",), AUTH=lambda line: b"535 not %s: %s\r\n" % (line, PASSWORD.encode()))
        self.server.write({"smtp_user": "box", "smtp_pass": PASSWORD, "smtp_debug": True})
        secrets = PASSWORD, b64encode(f"\0box\0{PASSWORD}".encode()).decode()
        # Odoo itself logs the statement that stores the password.
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

    def test_the_options_of_the_command_line_are_used_if_the_server_is_set_to_do_so(self):
        smtp = self.serve()
        self.server.write({"smtp_authentication": "cli", "smtp_port": CLOSED})
        with self.options(smtp_server="127.0.0.1", smtp_port=smtp.port, smtp_user=False, smtp_ssl=False):
            self.assertEqual(self.dialog().outcome, "ok")
        with self.options(smtp_server="127.0.0.1", smtp_port=smtp.port, smtp_user=False, smtp_ssl=True):
            dialog = self.dialog()
        self.assertIn("offers no STARTTLS", self.step(dialog, "tls").words)
        self.assertNotIn("Set “SMTP Port”", dialog.advice)

    def test_a_certificate_replaces_user_and_password(self):
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

    def test_a_certificate_without_its_key_is_reported(self):
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

    def test_an_unexpected_error_reaches_the_administrator_unchanged(self):
        with (
            patch.object(ir_mail_server, "run_connection_test", side_effect=RuntimeError("bug")),
            mute_logger("odoo.addons.mail_gateway.models.connection_test.ir_mail_server"),
            self.assertRaises(RuntimeError),
        ):
            self.server.action_connection_test()
