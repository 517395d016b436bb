from odoo.addons.mail_gateway.tests.tools.fetch.test_imap import THREE
from odoo.addons.mail_gateway.tests.tools.tools_common import PASSWORD, MemoryStore, ToolsCase, imap_script
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget
from odoo.addons.mail_gateway.tools.secrets import Secrets
from odoo.addons.mail_gateway.tools.session_log import SessionLog

LOGGER = "odoo.addons.mail_gateway.fetch.7"


class TestSessionLog(ToolsCase):
    def lines(self, logged):
        """Return the logged lines without level and logger."""
        return [line.removeprefix(f"DEBUG:{LOGGER}:") for line in logged.output]

    def log(self, *secrets):
        return SessionLog("fetch", "7", lambda: Secrets(*secrets))

    def test_commands_and_replies_are_distinguished(self):
        with self.assertLogs(LOGGER, "DEBUG") as logged:
            self.log().sent(b"A1 NOOP\r\n")
            self.log().received("A1 OK done\r\n")
        self.assertEqual(self.lines(logged), ["> A1 NOOP", "< A1 OK done"])

    def test_secrets_are_hidden_even_where_a_line_is_shortened(self):
        with self.assertLogs(LOGGER, "DEBUG") as logged:
            self.log("top secret").received(b"NO top secret")
            self.log("top secret").received("x" * 295 + "top secret")
        for line in self.lines(logged):
            self.assertNotIn("top s", line)

    def test_a_logged_line_is_short_and_has_no_line_breaks(self):
        with self.assertLogs(LOGGER, "DEBUG") as logged:
            self.log().received(b"* BAD\r\nERROR forged entry\x1b[31m" + b"x" * 10_000)
        [line] = self.lines(logged)
        self.assertLess(len(line), 320)
        self.assertFalse({"\r", "\n", "\x1b"} & {*line})

    def test_the_contents_of_a_login_are_not_logged(self):
        log = self.log()
        with self.assertLogs(LOGGER, "DEBUG") as logged:
            with log.login():
                log.sent("AUTH PLAIN AGJveABzZWNyZXQ=")
                log.received("334 challenge")
            log.received("235 ok")
        self.assertEqual(self.lines(logged), ["> (login)", "< 235 ok"])

    def test_no_secret_is_looked_up_when_nothing_is_logged(self):
        SessionLog("fetch", "7", lambda: self.fail("asked")).sent("A1 NOOP")

    def test_a_visit_is_logged_without_password_and_messages(self):
        server = self.serve(b"* OK ready\r\n", imap_script(THREE))
        settings = server.settings("imap", log=SessionLog("fetch", "7", lambda: Secrets(PASSWORD)))
        with self.assertLogs(LOGGER, "DEBUG") as logged:
            fetch_mailbox(settings, MemoryStore(), TimeBudget(float("inf")))
        text = "\n".join(self.lines(logged))
        self.assertIn("SELECT", text)
        self.assertIn("< * OK ready", text)
        self.assertIn("> (login)", text)
        for hidden in (PASSWORD, "LOGIN", "eleven"):
            self.assertNotIn(hidden, text)
