import logging
import smtplib
import traceback
from base64 import b64decode, b64encode
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server, MailDeliveryException
from odoo.addons.mail_gateway.tests.common import OutgoingCommon
from odoo.addons.mail_gateway.tests.tools import test_secrets
from odoo.addons.mail_gateway.tests.tools.smtp.smtp_servers import GREETING, smtp_script
from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, ScriptedServer
from odoo.addons.mail_gateway.tools.smtp.login import log_in

PASSWORD = "pässword of mine"


def encoded(text):
    return b64encode(text.encode())


@tagged("post_install", "-at_install")
class TestSmtpLogin(OutgoingCommon):
    """Real connections to servers that follow a script."""

    def setUp(self):
        super().setUp()
        self.patch(IrMail_Server, "_disable_send", classmethod(lambda _cls: False))

    def smtp(self, mechanisms=b"PLAIN LOGIN", password=PASSWORD, greeting=GREETING, **changes):
        """Start a scripted server, and point the outgoing server to it."""
        script = smtp_script(ehlo=(b"AUTH " + mechanisms,), **{"DATA": b"354 go on\r\n", **changes})
        state = {"data": False}

        def answer(line):
            if state["data"]:
                state["data"] = line != b"."
                return b"" if state["data"] else changes.get("end", b"250 2.0.0 queued\r\n")
            reply = script(line)
            state["data"] = line.upper() == b"DATA" and reply.startswith(b"354")
            return reply

        server = ScriptedServer(greeting, answer)
        self.addCleanup(server.stop)
        record = self.server("127.0.0.1", smtp_port=server.port, smtp_user="box", smtp_pass=password)
        return server, record

    # ------------------------------------------------------------------ beyond ASCII

    def test_a_password_beyond_ascii_is_sent_as_utf8(self):
        server, record = self.smtp(AUTH=b"235 2.7.0 ok\r\n")
        mail = self.mail()
        mail.mail_server_id = record
        mail.send()
        self.assertEqual((mail.state, mail.failure_reason), ("sent", False))
        [line] = [line for line in server.received if line.startswith(b"AUTH")]
        self.assertEqual(b64decode(line.split()[2]).decode(), f"\0box\0{PASSWORD}")

    def test_auth_login_sends_a_name_and_a_password_beyond_ascii_as_utf8(self):
        answers = {encoded("büro").upper().decode(): b"334 UGFzc3dvcmQ6\r\n"}
        answers[encoded(PASSWORD).upper().decode()] = b"235 2.7.0 ok\r\n"
        server, _record = self.smtp(b"LOGIN", AUTH=b"334 VXNlcm5hbWU6\r\n", **answers)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as connection:
            log_in(connection, "büro", PASSWORD)
        self.assertEqual(server.received[1:4], [b"AUTH LOGIN", encoded("büro"), encoded(PASSWORD)])

    def test_every_offered_mechanism_is_tried(self):
        server, _record = self.smtp(b"CRAM-MD5 PLAIN LOGIN", AUTH=b"504 not that\r\n")
        with (
            smtplib.SMTP("127.0.0.1", server.port, timeout=10) as connection,
            self.assertRaises(smtplib.SMTPAuthenticationError),
        ):
            log_in(connection, "box", PASSWORD)
        self.assertEqual([line.split()[1] for line in server.received[1:4]], [b"PLAIN", b"LOGIN", b"CRAM-MD5"])

    def test_a_server_without_a_supported_mechanism_raises_an_error(self):
        for mechanisms in (b"GSSAPI", b""):
            server, _record = self.smtp(mechanisms)
            with (
                smtplib.SMTP("127.0.0.1", server.port, timeout=10) as connection,
                self.assertRaises(smtplib.SMTPException),
            ):
                log_in(connection, "box", PASSWORD)

    def test_an_ascii_password_is_sent_by_smtplib_itself(self):
        _server, record = self.smtp(password="secret", AUTH=b"235 2.7.0 ok\r\n")
        with patch.object(smtplib.SMTP, "login") as login:
            record._connect__(mail_server_id=record.id).close()
        login.assert_called_once_with("box", "secret")

    # ------------------------------------------------------------------ secrets

    def assertKept(self, text, password=PASSWORD):
        for name, form in test_secrets.forms(password):
            self.assertNotIn(form, text, name)
        test_secrets.TestSecrets.assertHidden(self, password, text)

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_no_failure_reason_or_log_contains_the_password(self):
        """The server repeats the password in every form and in every kind of refusal."""
        repeated = [form.replace("\r\n", " ") for _name, form in test_secrets.forms(PASSWORD)]
        ok = {"AUTH": b"235 2.7.0 ok\r\n"}
        cases = [{"AUTH": b"535 5.7.8 not %s\r\n" % form.encode()} for form in repeated]
        cases += [{**ok, command: b"550 5.7.1 not %s\r\n" % form.encode()}
                  for command in ("MAIL", "RCPT", "DATA", "end") for form in repeated[:12:5]]  # fmt: skip
        cases += [{"greeting": ClosingReply(b"554 not %s\r\n" % form.encode())} for form in repeated[:12:5]]
        for changes in cases:
            _server, record = self.smtp(**changes)
            with self.subTest(changes), self.assertLogs(level=logging.DEBUG) as logs:
                logging.getLogger("test").debug("at least one line")
                mail = self.mail()
                mail.mail_server_id = record
                mail.send()
                self.assertEqual(mail.state, "exception")
                self.assertKept(mail.failure_reason or "")
                # Odoo itself logs SQL statements, including values that an administrator enters.
                lines = [record.getMessage() for record in logs.records if record.name != "odoo.sql_db"]
                self.assertKept("\n".join(lines))

    def test_a_raised_connection_error_does_not_contain_the_password(self):
        _server, record = self.smtp(AUTH=b"535 5.7.8 AUTH PLAIN %s\r\n" % encoded(f"\0box\0{PASSWORD}"))
        mail = self.mail()
        mail.mail_server_id = record
        with self.assertRaises(MailDeliveryException) as caught:
            mail.send(raise_exception=True)
        self.assertKept("".join(traceback.format_exception(caught.exception)) + repr(caught.exception.args))

    def test_an_encoding_error_at_login_does_not_stop_other_emails(self):
        """Another addon that logs in itself may fail at characters beyond ASCII, as smtplib does."""

        def stumble(_server, _connection, user, password):
            f"\0{user}\0{password}".encode("ascii")

        _server, record = self.smtp(AUTH=b"235 2.7.0 ok\r\n")
        _server, other = self.smtp(password="secret", AUTH=b"235 2.7.0 ok\r\n")
        first, second = self.mail(), self.mail()
        first.mail_server_id, second.mail_server_id = record, other
        original = IrMail_Server._smtp_login__

        def log_in(server, connection, user, password):
            return (stumble if server == record else original)(server, connection, user, password)

        with (
            patch.object(IrMail_Server, "_smtp_login__", log_in),
            patch.object(type(self.env["ir.mail_server"]), "_logs_in_beyond_ascii", lambda *_args: False),
        ):
            (first + second).send()
        self.assertEqual((first.state, second.state), ("exception", "sent"))
        self.assertKept(first.failure_reason)

    def test_the_log_of_a_session_does_not_contain_the_login(self):
        for password in (PASSWORD, "secret of mine"):
            _server, record = self.smtp(password=password, AUTH=b"235 2.7.0 ok\r\n")
            record.smtp_debug = True
            self.env.flush_all()
            with self.assertLogs("odoo.addons.base.models.ir_mail_server", logging.DEBUG) as logs:
                connection = record._connect__(mail_server_id=record.id)
                connection.noop()
                connection.close()
            self.assertIn("noop", "\n".join(logs.output))
            self.assertKept("\n".join(logs.output), password)
