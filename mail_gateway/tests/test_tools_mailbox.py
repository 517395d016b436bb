import ssl
from dataclasses import replace

from odoo.addons.mail_gateway.tests.test_tools_helpers import ToolsCase
from odoo.addons.mail_gateway.tools.mailbox import (
    FolderPosition,
    MailboxSettings,
    MessagesRefused,
    SignInRefused,
    UnknownFolder,
    server_words,
)

POSITION = FolderPosition("box@mail.example", "INBOX", 7, 10, frozenset({2, 5}))


class TestFolderPosition(ToolsCase):
    def test_the_watermark_moves_to_the_highest_stored_uid(self):
        self.assertEqual(POSITION.after([11, 14]).last_uid, 14)

    def test_the_watermark_never_goes_back(self):
        self.assertEqual(POSITION.after([2]).last_uid, 10)

    def test_what_is_stored_leaves_the_backlog(self):
        self.assertEqual(POSITION.after([2, 11]).backlog, {5})

    def test_what_the_server_refused_stays_in_the_backlog(self):
        self.assertEqual(POSITION.after([2, 11, 14], owed=[11]), replace(POSITION, last_uid=14, backlog={5, 11}))

    def test_what_was_passed_over_stays_in_the_backlog(self):
        self.assertEqual(POSITION.after([12], owed=[11, 14]), replace(POSITION, last_uid=12, backlog={2, 5, 11}))

    def test_nothing_stored_changes_nothing(self):
        self.assertEqual(POSITION.after([]), POSITION)


class TestMailboxSettings(ToolsCase):
    def settings(self, **values):
        values = {"host": "Mail.Example", "user": "box@mycompany.example", **values}
        return MailboxSettings("imap", port=993, sign_in=None, **values)

    def test_the_account_does_not_depend_on_port_or_case_of_the_host(self):
        self.assertEqual(self.settings().account, "box@mycompany.example@mail.example")

    def test_a_user_name_cannot_break_out_of_the_account(self):
        self.assertEqual(self.settings(user="a/b;UID=1").account, "a%2Fb%3BUID%3D1@mail.example")

    def test_certificate_and_name_are_verified(self):
        context = self.settings().tls_context()
        self.assertTrue(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)

    def test_verification_can_be_switched_off(self):
        context = self.settings(verify_certificate=False).tls_context()
        self.assertFalse(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_NONE)


class TestProblems(ToolsCase):
    def test_an_unknown_folder_names_those_that_exist(self):
        problem = UnknownFolder("Orders", iter(["INBOX", "Sent"]))
        self.assertEqual((problem.folder, problem.existing, str(problem)), ("Orders", ("INBOX", "Sent"), "Orders"))

    def test_replies_in_bytes_are_told_as_text(self):
        self.assertEqual(server_words(ValueError(b"-ERR no, J\xc3\xbcrgen")), "-ERR no, Jürgen")
        self.assertEqual(server_words(ValueError("LOGIN", b"\xff")), "LOGIN \ufffd")

    def test_refused_messages_are_counted_and_told_in_the_servers_words(self):
        problem = MessagesRefused(iter([ValueError(b"-ERR broken"), ValueError(b"-ERR broken too")]))
        self.assertEqual((problem.count, str(problem)), (2, "-ERR broken"))

    def test_a_refusal_without_words_has_none(self):
        self.assertEqual(str(SignInRefused(server_words(ValueError()))), "")
