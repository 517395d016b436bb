import os
import smtplib
import socket
import time
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.smtp.smtp_servers import (
    GREETING,
    Credentials,
    TlsServer,
    commands,
    smtp_script,
)
from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, ToolsCase
from odoo.addons.mail_gateway.tools.smtp.connection_test import run_connection_test
from odoo.addons.mail_gateway.tools.smtp.connection_test_values import (
    ConnectionStep,
    Limits,
    LoginImpossible,
    Outcome,
    Plan,
    PortAnswer,
    PortStatus,
    Problem,
    Report,
    readable,
)
from odoo.addons.mail_gateway.tools.smtp.session import Session
from odoo.addons.mail_gateway.tools.smtp.tls import OwnCertificate, Trust, read_certificate

PASSWORD = "corr3ct-horse"
SHORT = Limits(connect=3, reply=3, total=10, port=3, port_greeting=0.5)
IMPATIENT = replace(SHORT, reply=0.4)


class ConnectionTestCase(ToolsCase):
    """Connection tests of scripted servers."""

    def plan(self, server, **values):
        port = server if isinstance(server, int) else server.port
        addresses = {"sender": "sales@mycompany.example", "recipient": "noreply@odoo.com"}
        return Plan(
            "127.0.0.1", port, **{"encryption": "none", "limits": SHORT, "other_ports": (), **addresses, **values}
        )

    def smtp(self, greeting=GREETING, **changes):
        """Start a server that accepts everything, with these changes."""
        return self.serve(greeting, smtp_script(**changes))

    def tls(self, credentials, clients=None, answer=None):
        server = TlsServer(answer or smtp_script(), credentials, clients)
        self.addCleanup(server.stop)
        return server

    def assertFails(self, report, step, problem):
        """This step failed for this reason, the steps before it succeeded, and those after it were not tried."""
        self.assertEqual((report.failed.step, report.failed.problem), (step, problem))
        position = report.steps.index(report.failed)
        self.assertEqual({r.outcome for r in report.steps[position + 1 :]} - {Outcome.NOT_TRIED}, set())
        self.assertEqual({r.outcome for r in report.steps[:position]} - {Outcome.OK, Outcome.SKIPPED}, set())

    def unused_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return taken.getsockname()[1]


class TestSteps(ConnectionTestCase):
    def test_a_server_that_accepts_everything_passes_and_gets_no_message(self):
        server = self.smtp()
        report = run_connection_test(self.plan(server))
        self.assertEqual(report.outcome, Outcome.OK)
        self.assertEqual(commands(server), ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"])
        self.assertEqual([r.step for r in report.steps], list(ConnectionStep))
        self.assertEqual(report.ports, ())

    def test_each_step_reports_its_findings(self):
        report = run_connection_test(self.plan(self.smtp()))
        self.assertEqual(report.find(ConnectionStep.NAME).facts.addresses, ("127.0.0.1",))
        self.assertEqual(report.find(ConnectionStep.CONNECTION).facts.address, "127.0.0.1")
        greeting = report.find(ConnectionStep.GREETING).facts
        self.assertEqual((greeting.banner, greeting.size), ("mail.mycompany.example ESMTP ready", 1048576))
        self.assertEqual(report.find(ConnectionStep.SENDER).facts, (250, "2.1.0 sender ok"))

    def test_the_duration_of_each_step_is_reported(self):
        def slow(_line):
            time.sleep(0.3)
            return b"250 ok\r\n"

        report = run_connection_test(self.plan(self.smtp(MAIL=slow)))
        self.assertGreater(report.find(ConnectionStep.SENDER).seconds, 0.29)
        self.assertLess(report.find(ConnectionStep.RECIPIENT).seconds, 0.29)

    def test_domains_are_sent_in_ascii(self):
        server = self.smtp()
        run_connection_test(self.plan(server, sender="Sales <sales@Café.example>"))
        self.assertIn(b"mail FROM:<sales@xn--caf-dma.example>", server.received)

    def test_an_invalid_sender_is_not_sent(self):
        for sender in ("", "sales", "sales@-bad-.example", "résumé@mycompany.example"):
            with self.subTest(sender):
                server = self.smtp()
                self.assertFails(
                    run_connection_test(self.plan(server, sender=sender)), ConnectionStep.SENDER, Problem.BAD_ADDRESS
                )
                self.assertEqual(commands(server), ["EHLO", "RSET", "QUIT"])

    def test_a_sender_cannot_contain_a_command(self):
        for sender in ("a@b.example>\r\nDATA", "a@b.example\r\nDATA\r\n"):
            server = self.smtp()
            run_connection_test(self.plan(server, sender=sender))
            self.assertNotIn("DATA", commands(server))

    def test_a_refused_sender_is_reported_in_the_servers_words(self):
        server = self.smtp(MAIL=b"550-5.7.1 not you\r\n550 5.7.1 go away\r\n")
        report = run_connection_test(self.plan(server))
        self.assertFails(report, ConnectionStep.SENDER, Problem.ADDRESS_REFUSED)
        self.assertEqual(report.failed.reply, (550, "5.7.1 not you 5.7.1 go away"))
        self.assertEqual(commands(server), ["EHLO", "MAIL", "RSET", "QUIT"])

    def test_refusals_of_addresses_are_distinguished(self):
        for command, reply, step, problem in (
            ("RCPT", b"550 5.7.1 relaying denied\r\n", ConnectionStep.RECIPIENT, Problem.ADDRESS_REFUSED),
            ("RCPT", b"450 4.7.1 greylisted\r\n", ConnectionStep.RECIPIENT, Problem.ADDRESS_LATER),
            ("MAIL", b"451 4.3.0 later\r\n", ConnectionStep.SENDER, Problem.ADDRESS_LATER),
            (
                "MAIL",
                b"530 5.7.0 Must issue a STARTTLS command first\r\n",
                ConnectionStep.SENDER,
                Problem.ENCRYPTION_WANTED,
            ),
            ("MAIL", b"530 5.7.0 Authentication required\r\n", ConnectionStep.SENDER, Problem.LOGIN_WANTED),
        ):
            with self.subTest(reply):
                self.assertFails(run_connection_test(self.plan(self.smtp(**{command: reply}))), step, problem)

    def test_a_recipient_that_is_forwarded_is_accepted(self):
        self.assertEqual(run_connection_test(self.plan(self.smtp(RCPT=b"251 forwarded\r\n"))).outcome, Outcome.OK)

    def test_other_ports_are_not_tested_after_a_lost_connection(self):
        report = run_connection_test(self.plan(self.smtp(RCPT=ClosingReply(b"")), other_ports=(self.unused_port(),)))
        self.assertFails(report, ConnectionStep.RECIPIENT, Problem.CLOSED)
        self.assertEqual(report.ports, ())

    def test_starttls_that_is_offered_but_not_used_is_reported(self):
        for extensions in ((), (b"STARTTLS",)):
            report = run_connection_test(self.plan(self.smtp(ehlo=extensions)))
            self.assertEqual(report.find(ConnectionStep.TLS).facts.starttls_offered, bool(extensions))


class TestFinding(ConnectionTestCase):
    def resolver(self, *addresses):
        """Return a resolver that finds these addresses for any name."""

        def resolve(_host, port, **_options):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        return resolve

    def test_a_server_without_a_name_is_reported(self):
        self.assertFails(run_connection_test(replace(self.plan(1), host="")), ConnectionStep.NAME, Problem.NO_HOST)

    def test_an_unknown_name_is_reported(self):
        def resolve(*_args, **_options):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        report = run_connection_test(replace(self.plan(25), host="mail.example"), resolve)
        self.assertFails(report, ConnectionStep.NAME, Problem.UNKNOWN_HOST)
        self.assertEqual(report.failed.detail, "Name or service not known")

    def test_an_invalid_name_is_reported(self):
        self.assertFails(
            run_connection_test(replace(self.plan(25), host="mail..example")), ConnectionStep.NAME, Problem.BAD_HOST
        )

    def test_a_silent_resolver_ends_the_test_in_time(self):
        def resolve(*_args, **_options):
            time.sleep(3)

        began = time.monotonic()
        report = run_connection_test(replace(self.plan(25, limits=replace(SHORT, connect=0.3))), resolve)
        self.assertFails(report, ConnectionStep.NAME, Problem.RESOLVER_SILENT)
        self.assertLess(time.monotonic() - began, 2)

    def test_an_internationalised_name_is_looked_up(self):
        server, asked = self.smtp(), []

        def resolve(host, port, **options):
            asked.append(host)
            return self.resolver("127.0.0.1")(host, port, **options)

        self.assertEqual(
            run_connection_test(replace(self.plan(server), host="münchen.example"), resolve).outcome, Outcome.OK
        )
        self.assertEqual(asked, ["münchen.example"])

    def test_an_unreachable_address_before_a_reachable_one_is_a_warning(self):
        server = self.smtp()
        # the server is bound only to 127.0.0.1
        report = run_connection_test(self.plan(server), self.resolver("127.0.0.9", "127.0.0.1"))
        self.assertEqual(report.outcome, Outcome.WARNING)
        self.assertEqual(report.find(ConnectionStep.CONNECTION).facts, ("127.0.0.1", ("127.0.0.9",)))
        self.assertEqual(report.find(ConnectionStep.RECIPIENT).outcome, Outcome.OK)

    def test_invalid_ports_are_reported(self):
        for port in (0, -1, 65536):
            self.assertFails(run_connection_test(self.plan(port)), ConnectionStep.CONNECTION, Problem.BAD_PORT)

    def test_a_refused_connection_is_reported(self):
        self.assertFails(run_connection_test(self.plan(self.unused_port())), ConnectionStep.CONNECTION, Problem.REFUSED)

    def test_a_port_that_does_not_answer_is_reported_in_time(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            # further connections get no answer while others wait
            waiting = [socket.socket() for _place in range(3)]
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            began = time.monotonic()
            limits = replace(SHORT, connect=0.5, port=0.5)
            report = run_connection_test(self.plan(full.getsockname()[1], limits=limits))
            self.assertFails(report, ConnectionStep.CONNECTION, Problem.NO_ANSWER)
            self.assertLess(time.monotonic() - began, 3)
            for client in waiting:
                client.close()


class TestGreeting(ConnectionTestCase):
    def test_bad_greetings_are_distinguished(self):
        for greeting, problem in (
            (b"421 4.3.2 too busy\r\n", Problem.BUSY),
            (b"554 5.7.1 no mail from you\r\n", Problem.TURNED_AWAY),
            (b"* OK IMAP4rev1 ready\r\n", Problem.NOT_SMTP),
            (b"250 good morning\r\n", Problem.NOT_SMTP),
        ):
            with self.subTest(greeting):
                self.assertFails(run_connection_test(self.plan(self.smtp(greeting))), ConnectionStep.GREETING, problem)

    def test_a_silent_port_is_reported_in_time(self):
        began = time.monotonic()
        report = run_connection_test(self.plan(self.smtp(b""), limits=IMPATIENT))
        self.assertFails(report, ConnectionStep.GREETING, Problem.SILENT)
        self.assertLess(time.monotonic() - began, 5)

    def test_a_server_that_sends_very_slowly_is_cut_off(self):
        class Drip(type(self.smtp())):
            def _talk(self, connection):
                try:
                    while True:
                        connection.sendall(b"220-x\r\n")
                        time.sleep(0.1)
                except OSError:
                    return

        server = Drip(b"", None)
        self.addCleanup(server.stop)
        began = time.monotonic()
        report = run_connection_test(self.plan(server, limits=replace(SHORT, total=1)))
        self.assertFails(report, ConnectionStep.GREETING, Problem.TOO_LONG)
        self.assertLess(time.monotonic() - began, 3)

    def test_an_endless_reply_is_cut_off_and_reported(self):
        class Flood(type(self.smtp())):
            def _talk(self, connection):
                try:
                    while True:
                        connection.sendall(self._greeting * 100)
                except OSError:
                    self.received.append(b"cut off")

        for kind, line in (("many lines", b"220-x\r\n"), ("long lines", b"220-" + b"x" * 8000 + b"\r\n")):
            with self.subTest(kind):
                server = Flood(line, None)
                self.addCleanup(server.stop)
                report = run_connection_test(self.plan(server))
                self.assertFails(report, ConnectionStep.GREETING, Problem.ENDLESS)
                server.stop()
                self.assertEqual(server.received, [b"cut off"])

    def test_a_long_reply_that_ends_is_read(self):
        extensions = tuple(b"X-%d" % number for number in range(100))
        self.assertEqual(run_connection_test(self.plan(self.smtp(ehlo=extensions))).outcome, Outcome.OK)

    def test_a_server_that_refuses_our_name_is_reported(self):
        report = run_connection_test(self.plan(self.smtp(EHLO=b"550 who?\r\n", HELO=b"550 who are you?\r\n")))
        self.assertFails(report, ConnectionStep.GREETING, Problem.NAME_REFUSED)
        self.assertEqual(report.failed.reply, (550, "who are you?"))


class TestLogin(ConnectionTestCase):
    PLAIN = (b"AUTH PLAIN",)
    OAUTH = (b"AUTH XOAUTH2",)
    ACCEPTED = b"235 2.7.0 welcome\r\n"

    @staticmethod
    def by_password(connection):
        connection.login("box", PASSWORD)

    @staticmethod
    def by_token(connection):
        """Log in as Odoo's OAuth modules do: they ignore the reply."""
        connection.ehlo()
        connection.docmd("AUTH", "XOAUTH2 dG9rZW4tb2YtdGhlLWJveA==")

    def log_in(self, login, ehlo=PLAIN, **changes):
        server = self.smtp(ehlo=ehlo, **changes)
        return run_connection_test(self.plan(server, login=login, secret=PASSWORD)), server

    def test_an_endless_reply_is_cut_off_at_every_step(self):
        for command, step in (
            ("EHLO", ConnectionStep.GREETING),
            ("AUTH", ConnectionStep.LOGIN),
            ("MAIL", ConnectionStep.SENDER),
            ("RCPT", ConnectionStep.RECIPIENT),
        ):
            code = b"235-" if command == "AUTH" else b"250-"
            for reply in ((code + b"x\r\n") * 300, (code + b"x" * 8000 + b"\r\n") * 10):
                with self.subTest(command, length=len(reply)):
                    server = self.smtp(**{"ehlo": self.PLAIN, "AUTH": self.ACCEPTED, command: reply})
                    report = run_connection_test(self.plan(server, login=self.by_password))
                    self.assertFails(report, step, Problem.ENDLESS)

    def test_the_mechanism_of_an_accepted_password_is_reported(self):
        report, _server = self.log_in(self.by_password, AUTH=self.ACCEPTED)
        self.assertEqual(report.find(ConnectionStep.LOGIN).facts, ("PLAIN", False))

    def test_a_refused_password_is_reported(self):
        report, server = self.log_in(self.by_password, AUTH=b"535 5.7.8 bad credentials\r\n")
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_REFUSED)
        self.assertEqual(report.failed.reply, (535, "5.7.8 bad credentials"))
        self.assertNotIn("MAIL", commands(server))

    def test_a_login_that_cannot_be_checked_now_is_reported(self):
        report, _server = self.log_in(self.by_password, AUTH=b"454 4.7.0 directory is down\r\n")
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_LATER)

    def test_an_accepted_token_passes(self):
        report, _server = self.log_in(self.by_token, self.OAUTH, AUTH=self.ACCEPTED)
        self.assertEqual(report.find(ConnectionStep.LOGIN).facts.mechanism, "XOAUTH2")

    def test_a_refused_token_is_reported_even_if_the_login_ignores_the_reply(self):
        report, _server = self.log_in(self.by_token, self.OAUTH, AUTH=b"535 5.7.8 expired\r\n")
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_REFUSED)

    def test_the_reason_in_a_challenge_is_reported_and_the_login_is_ended(self):
        challenge = b64encode(b'{"status":"400","scope":"mail"}')
        server = self.serve(
            GREETING,
            lambda line: (
                b"535 5.7.8 not accepted\r\n"
                if line == b""
                else smtp_script(ehlo=self.OAUTH, AUTH=b"334 %s\r\n" % challenge)(line)
            ),
        )
        report = run_connection_test(self.plan(server, login=self.by_token))
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_REFUSED)
        self.assertEqual(report.failed.reply, (535, '5.7.8 not accepted {"status":"400","scope":"mail"}'))

    def test_a_password_that_the_server_repeats_is_hidden(self):
        for login, ehlo in ((self.by_password, self.PLAIN), (self.by_token, self.OAUTH)):

            def repeat(line):
                return b"535 what is %s, %s?\r\n" % (line, PASSWORD.encode())

            report, _server = self.log_in(login, ehlo, AUTH=repeat)
            shown = repr(report)
            self.assertIn("535", shown)
            for secret in (PASSWORD, b64encode(f"\0box\0{PASSWORD}".encode()).decode(), "dG9rZW4tb2YtdGhlLWJveA=="):
                self.assertNotIn(secret, shown)

    def test_a_plan_does_not_show_its_password(self):
        self.assertNotIn(PASSWORD, repr(self.plan(25, secret=PASSWORD)))

    def test_a_password_that_cannot_be_sent_is_reported_without_its_letters(self):
        report, _server = self.log_in(lambda connection: connection.login("box", "geheimnisträger"))
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_CHARACTERS)
        self.assertEqual((report.failed.detail, report.failed.reply), ("", None))

    def test_the_reason_why_a_login_cannot_be_tried_is_reported(self):
        def login(_connection):
            raise LoginImpossible("The token has been withdrawn.")

        report, _server = self.log_in(login)
        self.assertFails(report, ConnectionStep.LOGIN, Problem.LOGIN_IMPOSSIBLE)
        self.assertEqual(report.failed.detail, "The token has been withdrawn.")

    def test_a_port_without_login_is_reported_and_others_are_tested(self):
        submission = self.smtp(ehlo=(b"STARTTLS",))
        plan = self.plan(self.smtp(), login=self.by_password, other_ports=(submission.port,))
        report = run_connection_test(plan)
        self.assertFails(report, ConnectionStep.LOGIN, Problem.NO_AUTH)
        self.assertEqual(report.ports, ((submission.port, PortStatus.STARTTLS),))

    def test_a_port_that_offers_a_login_only_after_starttls_is_the_best_port(self):
        server = self.smtp(ehlo=(b"STARTTLS",))
        report = run_connection_test(self.plan(server, login=self.by_password, other_ports=(self.unused_port(),)))
        self.assertFails(report, ConnectionStep.LOGIN, Problem.NO_AUTH)
        self.assertEqual(report.best_port(server.port), (server.port, PortStatus.STARTTLS))

    def test_a_server_with_only_unsupported_mechanisms_is_reported(self):
        report, _server = self.log_in(self.by_password, (b"AUTH GSSAPI",))
        self.assertFails(report, ConnectionStep.LOGIN, Problem.NO_MECHANISM)

    def test_a_password_that_others_can_read_is_a_warning(self):
        with patch.object(Session, "stays_here", False):
            report, _server = self.log_in(self.by_password, AUTH=self.ACCEPTED)
        self.assertTrue(report.find(ConnectionStep.LOGIN).facts.in_clear)
        self.assertEqual(report.outcome, Outcome.WARNING)

    def test_a_login_by_cram_md5_does_not_send_the_password_in_clear(self):
        def answer(line):
            if line.upper().startswith(b"AUTH CRAM-MD5"):
                return b"334 %s\r\n" % b64encode(b"<1@mail.mycompany.example>")
            known = line.upper().split()[0] in (b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT")
            return smtp_script(ehlo=(b"AUTH CRAM-MD5",))(line) if known else self.ACCEPTED

        with patch.object(Session, "stays_here", False):
            report = run_connection_test(self.plan(self.serve(GREETING, answer), login=self.by_password))
        self.assertEqual(report.find(ConnectionStep.LOGIN).facts, ("CRAM-MD5", False))


class TestPorts(ConnectionTestCase):
    def test_ports_are_reported_with_the_kind_of_their_answer(self):
        plain, starttls = self.smtp(), self.smtp(ehlo=(b"STARTTLS",))
        tls, silent, away = self.tls(Credentials()), self.smtp(b""), self.smtp(b"554 no\r\n")
        unused = self.unused_port()
        ports = (plain.port, starttls.port, tls.port, silent.port, away.port, unused)
        report = run_connection_test(self.plan(self.unused_port(), other_ports=ports))
        answers = [
            PortStatus.PLAIN,
            PortStatus.STARTTLS,
            PortStatus.TLS,
            PortStatus.SILENT,
            PortStatus.OTHER,
            PortStatus.REFUSED,
        ]
        self.assertEqual(report.ports, tuple(zip(ports, answers, strict=True)))

    def test_other_ports_get_no_login_and_no_message(self):
        other = self.smtp(ehlo=(b"STARTTLS", b"AUTH PLAIN"))
        run_connection_test(self.plan(self.unused_port(), login=TestLogin.by_password, other_ports=(other.port,)))
        self.assertEqual(set(commands(other)), {"EHLO", "RSET", "QUIT"})

    def test_other_ports_are_tested_at_the_same_time(self):
        silent = [self.smtp(b"").port for _server in range(4)]
        began = time.monotonic()
        report = run_connection_test(self.plan(self.unused_port(), other_ports=tuple(silent)))
        self.assertEqual({answer.answer for answer in report.ports}, {PortStatus.SILENT})
        self.assertLess(time.monotonic() - began, 3)

    def test_the_configured_port_is_tested_again_if_another_encryption_may_help(self):
        tls = self.tls(Credentials())
        report = run_connection_test(self.plan(tls, limits=IMPATIENT))
        self.assertFails(report, ConnectionStep.GREETING, Problem.SILENT)
        self.assertEqual(report.best_port(tls.port), (tls.port, PortStatus.TLS))

    def test_a_plain_port_where_tls_is_configured_is_reported(self):
        server = self.smtp(ehlo=(b"STARTTLS",))
        for encryption in ("ssl", "ssl_strict"):
            report = run_connection_test(self.plan(server, encryption=encryption))
            self.assertFails(report, ConnectionStep.TLS, Problem.NO_TLS_HERE)
            self.assertEqual(report.best_port(server.port), (server.port, PortStatus.STARTTLS))

    def test_missing_starttls_is_reported(self):
        other = self.smtp(ehlo=(b"STARTTLS",))
        server = self.smtp()
        report = run_connection_test(self.plan(server, encryption="starttls", other_ports=(server.port, other.port)))
        self.assertFails(report, ConnectionStep.TLS, Problem.NO_STARTTLS)
        self.assertEqual(report.ports, ((server.port, PortStatus.PLAIN), (other.port, PortStatus.STARTTLS)))
        self.assertNotIn("MAIL", commands(server))

    def test_refused_starttls_is_reported(self):
        report = run_connection_test(
            self.plan(self.smtp(ehlo=(b"STARTTLS",), STARTTLS=b"454 4.7.0 no\r\n"), encryption="starttls")
        )
        self.assertFails(report, ConnectionStep.TLS, Problem.STARTTLS_REFUSED)

    def test_the_best_port_is_chosen_by_encryption_then_configuration_then_implicit_tls(self):
        for ports, best in (
            (((25, PortStatus.PLAIN), (587, PortStatus.STARTTLS), (465, PortStatus.TLS)), 465),
            (((25, PortStatus.STARTTLS), (465, PortStatus.TLS)), 25),
            (((25, PortStatus.PLAIN), (2525, PortStatus.STARTTLS)), 2525),
            (((587, PortStatus.REFUSED), (2525, PortStatus.PLAIN)), 2525),
            (((587, PortStatus.SILENT), (465, PortStatus.OTHER), (2525, PortStatus.NO_ANSWER)), None),
        ):
            found = Report((), tuple(PortAnswer(*port) for port in ports)).best_port(25)
            self.assertEqual(found and found.port, best)


class TestTls(ConnectionTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority, cls.stranger = Credentials("Authority"), Credentials("Stranger")
        cls.good = Credentials(signer=cls.authority)
        cls.client = Credentials("odoo.mycompany.example", signer=cls.authority)

    def setUp(self):
        super().setUp()
        # the authorities that this machine trusts
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = Path(directory.name) / "authorities.pem"
        file.write_bytes(self.authority.pem)
        self.startPatcher(patch.dict(os.environ, SSL_CERT_FILE=str(file)))

    def own(self, credentials=None, key=None):
        credentials = credentials or self.client
        return OwnCertificate(credentials.pem, (key or credentials).key_pem)

    def each_kind(self):
        """Test without and with a certificate of ours: different libraries handle these cases."""
        for own in (None, self.own()):
            with self.subTest(own_certificate=bool(own)):
                yield own

    def test_a_trusted_certificate_is_verified(self):
        for own in self.each_kind():
            for encryption in ("ssl", "ssl_strict"):
                report = run_connection_test(self.plan(self.tls(self.good), encryption=encryption, own_certificate=own))
                facts = report.find(ConnectionStep.TLS).facts
                self.assertEqual((report.outcome, facts.trust), (Outcome.OK, Trust.VERIFIED))
                self.assertEqual(facts.required, encryption == "ssl_strict")
                self.assertEqual((facts.certificate.subject, facts.certificate.issuer), ("localhost", "Authority"))
                self.assertRegex(facts.version, "TLSv1.[23]")

    def test_a_bad_certificate_is_refused_with_its_reason_and_shown(self):
        for credentials, trust in (
            (Credentials(signer=self.stranger), Trust.UNKNOWN_ISSUER),
            (Credentials("127.0.0.1"), Trust.SELF_SIGNED),
            (Credentials(signer=self.authority, days=-3), Trust.EXPIRED),
        ):
            for own in self.each_kind():
                report = run_connection_test(
                    self.plan(self.tls(credentials), encryption="ssl_strict", own_certificate=own)
                )
                self.assertFails(report, ConnectionStep.TLS, Problem.CERTIFICATE)
                self.assertEqual(report.failed.facts.trust, trust)
                self.assertEqual(report.failed.facts.certificate.issuer, issuer_of(credentials))
                self.assertEqual(report.ports, ())

    def test_a_bad_certificate_is_a_warning_if_no_valid_one_is_required(self):
        for own in self.each_kind():
            server = self.tls(Credentials(signer=self.stranger))
            report = run_connection_test(self.plan(server, encryption="ssl", own_certificate=own))
            self.assertEqual((report.outcome, report.failed), (Outcome.WARNING, None))
            self.assertEqual(report.find(ConnectionStep.TLS).facts.trust, Trust.UNKNOWN_ISSUER)

    def test_a_certificate_for_another_name_is_refused(self):
        elsewhere = Credentials("elsewhere.example", signer=self.authority)
        for own in self.each_kind():
            plan = self.plan(self.tls(elsewhere), encryption="ssl_strict", own_certificate=own)
            # the resolver takes 127.1 for 127.0.0.1, the verification of the certificate does not
            report = run_connection_test(replace(plan, host="127.1"))
            self.assertFails(report, ConnectionStep.TLS, Problem.CERTIFICATE)
            self.assertEqual(report.failed.facts.trust, Trust.WRONG_NAME)
            self.assertIn("elsewhere.example", report.failed.facts.certificate.names)

    def test_a_certificate_that_expires_within_thirty_days_is_a_warning(self):
        for days, outcome in ((29, Outcome.WARNING), (31, Outcome.OK)):
            server = self.tls(Credentials(signer=self.authority, days=days))
            report = run_connection_test(self.plan(server, encryption="ssl_strict"))
            self.assertEqual(report.find(ConnectionStep.TLS).outcome, outcome)
            self.assertEqual(report.find(ConnectionStep.TLS).facts.certificate.days_left(), days)

    def test_a_server_that_asks_for_our_certificate_gets_it(self):
        server = self.tls(self.good, clients=self.authority)
        report = run_connection_test(self.plan(server, encryption="ssl_strict", own_certificate=self.own()))
        self.assertEqual(report.outcome, Outcome.OK)

    def test_our_certificate_may_come_from_files_of_the_command_line(self):
        with TemporaryDirectory() as directory:
            files = Path(directory) / "client.pem", Path(directory) / "client.key"
            files[0].write_bytes(self.client.pem)
            files[1].write_bytes(self.client.key_pem)
            own = OwnCertificate(certificate_file=str(files[0]), key_file=str(files[1]))
            server = self.tls(self.good, clients=self.authority)
            self.assertEqual(
                run_connection_test(self.plan(server, encryption="ssl", own_certificate=own)).outcome, Outcome.OK
            )

    def test_a_server_that_rejects_our_certificate_closes_the_connection(self):
        for own in (None, self.own(self.stranger)):
            server = self.tls(self.good, clients=self.authority)
            report = run_connection_test(self.plan(server, encryption="ssl", own_certificate=own, other_ports=()))
            self.assertEqual(report.failed.problem, Problem.CLOSED)

    def test_an_unusable_certificate_of_ours_is_reported_without_its_key(self):
        for own in (
            self.own(key=self.stranger),
            OwnCertificate(b"no certificate", b"no key"),
            OwnCertificate(self.client.pem, b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"),
            OwnCertificate(certificate_file="/nowhere/client.pem", key_file="/nowhere/client.key"),
        ):
            report = run_connection_test(self.plan(self.tls(self.good), encryption="ssl", own_certificate=own))
            self.assertFails(report, ConnectionStep.TLS, Problem.OWN_CERTIFICATE)
            self.assertNotIn("PRIVATE", report.failed.detail)

    def test_invalid_certificates_are_not_read(self):
        for der in (None, b"", b"no certificate"):
            self.assertIsNone(read_certificate(der))


class TestReadable(ToolsCase):
    def test_words_of_a_server_become_one_short_line_without_control_characters(self):
        self.assertEqual(readable(b"a\x00b\r\n c\x1b[31m\xc2\x85d\xe2\x80\xaee"), "a b c [31m d e")
        self.assertEqual(readable(b"caf\xe9 \xff"), "café ÿ")
        self.assertEqual(len(readable("x" * 5000)), 300)

    def test_secrets_in_words_of_a_server_are_hidden(self):
        self.assertEqual(readable("no: hunter2 or hunter22", ("hunter2", "hunter22", "")), "no: … or …")


class TestSession(ConnectionTestCase):
    def test_a_login_without_auth_is_not_judged_by_the_last_reply(self):
        server = self.smtp(NOOP=b"502 no\r\n")
        report = run_connection_test(self.plan(server, login=smtplib.SMTP.noop))
        self.assertEqual(report.find(ConnectionStep.LOGIN).outcome, Outcome.OK)


def issuer_of(credentials):
    return credentials.certificate.issuer.rfc4514_string().removeprefix("CN=")
