import logging
import poplib
import traceback
from base64 import b64encode
from imaplib import IMAP4
from urllib.parse import quote

from odoo.addons.mail_gateway.tests.tools.tools_common import (
    USER,
    ClosingReply,
    MemoryStore,
    ToolsCase,
    imap_script,
    pop3_script,
)
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox, open_mailbox
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import MailboxProblem
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget
from odoo.addons.mail_gateway.tools.secrets import HIDDEN, MAX_TEXT, Secrets

PASSWORD = 'Pä$s "wörd\\!9 and more'
TOKEN = "ya29.a0AfB_" + "byC-x4kQ" * 60
XOAUTH2 = f"user={USER}\1auth=Bearer {TOKEN}\1\1"
FAULTS = (OSError, EOFError, IMAP4.error, poplib.error_proto, MailboxProblem)


def base64(text, charset="utf-8"):
    return b64encode(text.encode(charset)).decode()


def forms(secret):
    """Yield `secret` in the forms in which it may come back, as pairs of name and text."""
    yield "as typed", secret
    yield "upper case", secret.upper()
    yield "quoted for IMAP", secret.replace("\\", r"\\").replace('"', r"\"")
    yield "UTF-8 taken for latin-1", secret.encode().decode("latin-1")
    yield "latin-1 taken for UTF-8", secret.encode("latin-1").decode("utf-8", "replace")
    yield "as Python shows bytes", repr(secret.encode())
    yield "percent-encoded", quote(secret)
    yield "percent-encoded, latin-1", quote(secret.encode("latin-1"))
    yield "all percent-encoded", "".join(f"%{byte:02X}" for byte in secret.encode())
    yield "base64", base64(secret)
    yield "base64, latin-1", base64(secret, "latin-1")
    yield "PLAIN", base64(f"\0{USER}\0{secret}")
    yield "PLAIN for another", base64(f"{USER}\0{USER}\0{secret}")
    yield "XOAUTH2", base64(f"user={USER}\1auth=Bearer {secret}\1\1")
    yield "on lines of their own", "\r\n* BAD ".join(secret[start : start + 5] for start in range(0, len(secret), 5))
    yield "base64 on lines", "\r\n ".join(base64(secret)[start : start + 10] for start in range(0, 30, 10))
    yield "hexadecimal", secret.encode().hex()
    yield "cut at its end", secret[: len(secret) * 2 // 3]
    yield "cut at its start", secret[len(secret) // 3 :]
    yield "base64, cut", base64(f"\0{USER}\0{secret}")[:-9]


class TestSecrets(ToolsCase):
    def assertHidden(self, secret, text):
        """Check that no piece of `secret` of some length is left in any form."""
        innocent = "".join(dict(forms("x" * 30)).values())
        for name, form in forms(secret):
            for start in range(len(form) - 7):
                piece = form[start : start + 8]
                if piece.isalnum() and piece in text and piece not in innocent:
                    self.fail(f"{piece!r}, of a secret {name}, is left in {text!r}")

    def test_a_secret_is_hidden_in_every_form(self):
        for secret in (PASSWORD, TOKEN):
            secrets = Secrets(secret)
            for name, form in forms(secret):
                with self.subTest(name, secret=secret[:10]):
                    text = secrets.hide(f"LOGIN {form} is wrong")
                    self.assertIn(HIDDEN, text)
                    self.assertTrue(text.startswith("LOGIN "), text)
                    self.assertTrue(text.endswith(" is wrong"), text)
                    self.assertHidden(secret, text)

    def test_secrets_are_hidden_in_bytes_of_both_charsets(self):
        for charset in ("utf-8", "latin-1"):
            self.assertEqual(Secrets(PASSWORD).hide(b"NO %s!" % PASSWORD.encode(charset)), f"NO {HIDDEN}!".encode())

    def test_a_text_without_secrets_is_not_changed(self):
        text = "[AUTHENTICATIONFAILED] box@mycompany.example may not sign in (Fehler 4711, größer)"
        self.assertEqual(Secrets(PASSWORD, TOKEN, "", None).hide(text), text)

    def test_short_secrets_are_hidden_only_in_their_literal_form(self):
        self.assertEqual(Secrets("x!").hide("NO x! xerox !x"), f"NO {HIDDEN} xerox !x")

    def test_long_texts_are_cut_without_showing_part_of_a_secret(self):
        self.assertEqual(len(Secrets().hide("x" * 10_000_000)), MAX_TEXT)
        text = Secrets(PASSWORD).hide("." * (MAX_TEXT - 12) + PASSWORD)
        self.assertNotIn("Pä$s", text)

    def test_secrets_are_hidden_in_an_error_and_all_its_causes(self):
        secrets = Secrets(PASSWORD)
        try:
            try:
                try:
                    PASSWORD.encode("ascii")
                except UnicodeEncodeError:
                    raise OSError(5, f"no {PASSWORD}") from None
            except OSError as error:
                raise IMAP4.error([PASSWORD.encode()], {"reply": (535, PASSWORD)}) from error
        except IMAP4.error as error:
            secrets.hide_in(error)
            shown = "".join(traceback.format_exception(error))
            self.assertNotIn(PASSWORD, shown)
            self.assertHidden(PASSWORD, shown)
            self.assertHidden(PASSWORD, repr(error.args))
            self.assertHidden(PASSWORD, repr(error.__cause__.__context__.args))
            self.assertHidden(PASSWORD, error.__cause__.__context__.object)

    def test_circular_causes_of_errors_are_handled(self):
        first, second = ValueError(PASSWORD), ValueError("other")
        first.__cause__, second.__context__ = second, first
        self.assertEqual(Secrets(PASSWORD).hide_in(first).args, (HIDDEN,))


class TestSecretsOfServers(ToolsCase):
    """Servers that repeat the credentials wherever they can."""

    def assertSilent(self, server, protocol, secret, log_in):
        settings = server.settings(protocol, log_in=log_in, timeout=5)
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger("test").debug("at least one line")
            try:
                with open_mailbox(settings) as mailbox:
                    mailbox.check()
                result = fetch_mailbox(settings, MemoryStore(), TimeBudget(float("inf")))
                shown = repr(result.refusal) + str(vars(result.refusal or ValueError()))
            except FAULTS as error:
                logging.getLogger("test").info("failed", exc_info=error)
                shown = "".join(traceback.format_exception(error)) + repr(error.args)
        TestSecrets.assertHidden(self, secret, shown)
        TestSecrets.assertHidden(self, secret, "\n".join(logs.output))

    def replies(self, secret):
        """Yield lines in which a server repeats `secret`, as bytes in two charsets."""
        for _name, form in forms(secret):
            words = form.replace("\r\n", " ").replace("\0", "")
            yield from {words.encode(), words.encode("latin-1", "replace")}

    def test_a_password_is_hidden_in_every_imap_reply(self):
        words = b"LOGIN %s \xff" % PASSWORD.encode()
        scripts = [
            {command: reply % words}
            for command in ("LOGIN", "SELECT", "UID_SEARCH", "UID_FETCH", "UID_STORE", "CAPABILITY")
            for reply in (b"NO %s\r\n", b"BAD [ALERT] %s\r\n", b"* BYE %s\r\n", b"%s\r\n", b"* 1 FETCH (UID %s\r\n")
        ]
        scripts += [{"SELECT": b"NO no\r\n", "LIST": b'* LIST () "/" "%s"\r\n' % quote(PASSWORD).encode()}]
        for changes in scripts:
            with self.subTest(changes):
                server = self.serve(b"* OK ready\r\n", imap_script({11: b"eleven"}, **changes))
                self.assertSilent(server, "imap", PASSWORD, lambda connection: connection.login("box", PASSWORD))

    def test_a_password_in_an_imap_reply_is_hidden_in_every_form(self):
        for words in self.replies(PASSWORD):
            with self.subTest(words):
                server = self.serve(b"* OK ready\r\n", imap_script({}, LOGIN=b"NO %s\r\n" % words))
                self.assertSilent(server, "imap", PASSWORD, lambda connection: connection.login("box", PASSWORD))

    def test_a_password_is_hidden_in_an_imap_greeting(self):
        """The server knows the password from an earlier visit."""
        for greeting in (b"* BYE %s\r\n", b"%s\r\n", b"* OK %s"):
            with self.subTest(greeting):
                server = self.serve(greeting % PASSWORD.encode(), lambda _line: ClosingReply(b""))
                settings = server.settings("imap", secrets=Secrets(PASSWORD), timeout=1)
                with self.assertRaises(FAULTS) as caught:
                    open_mailbox(settings)
                TestSecrets.assertHidden(self, PASSWORD, "".join(traceback.format_exception(caught.exception)))

    def test_a_refused_token_is_hidden(self):
        challenge = b64encode(b'{"status":"400","token":"%s"}' % TOKEN.encode())
        script = imap_script({})
        for reply in (b"NO %s", b"NO AUTHENTICATE XOAUTH2 %s", b"BAD %s"):
            answers = []

            def answer(line, reply=reply, answers=answers):
                if b"AUTHENTICATE" in line:
                    self.tag = line.split()[0]
                    return b"+ \r\n"
                if b" " not in line:
                    answers.append(line)
                    if len(answers) == 1:
                        return b"+ %s\r\n" % challenge
                    return b"%s %s\r\n" % (self.tag, reply % base64(XOAUTH2).encode())
                return script(line)

            with self.subTest(reply):
                server = self.serve(b"* OK ready\r\n", answer)
                self.assertSilent(
                    server, "imap", TOKEN, lambda c: c.authenticate("XOAUTH2", lambda _challenge: XOAUTH2)
                )
                # the client answers an error with an empty line, and not with the token again (RFC 7628, 3.2.3)
                self.assertEqual(answers, [base64(XOAUTH2).encode(), b""])

    def test_a_password_is_hidden_in_every_pop3_reply(self):
        for command in ("USER", "PASS", "STAT", "LIST", "UIDL", "RETR", "DELE", "QUIT"):
            for reply in (b"-ERR PASS %s\r\n", b"what PASS %s?\r\n", ClosingReply(b"-ERR %s")):
                words = type(reply)(reply % PASSWORD.encode())
                with self.subTest(command, reply=words):
                    server = self.serve(b"+OK\r\n", pop3_script({"1": b"Hello"}, **{command: words}))
                    self.assertSilent(server, "pop", PASSWORD, lambda connection: connection.login("box", PASSWORD))
