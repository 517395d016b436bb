import random
import ssl
from dataclasses import replace
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.fetch import folder_position
from odoo.addons.mail_gateway.tools.fetch.folder_position import FolderPosition
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import (
    LoginRefused,
    MessagesRefused,
    UnknownFolder,
    server_words,
)
from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MailboxSettings

POSITION = FolderPosition("box@mail.example", "INBOX", 7, 10, frozenset({2, 5}))


class TestFolderPosition(ToolsCase):
    def test_the_watermark_moves_to_the_highest_stored_uid(self):
        self.assertEqual(POSITION.after([11, 14]).last_uid, 14)

    def test_the_watermark_never_goes_back(self):
        self.assertEqual(POSITION.after([2]).last_uid, 10)

    def test_stored_messages_leave_the_backlog(self):
        self.assertEqual(POSITION.after([2, 11]).backlog, {5})

    def test_messages_that_the_server_refused_stay_in_the_backlog(self):
        self.assertEqual(POSITION.after([2, 11, 14], owed=[11]), replace(POSITION, last_uid=14, backlog={5, 11}))

    def test_messages_passed_over_stay_in_the_backlog(self):
        self.assertEqual(POSITION.after([12], owed=[11, 14]), replace(POSITION, last_uid=12, backlog={2, 5, 11}))

    def test_storing_nothing_changes_nothing(self):
        self.assertEqual(POSITION.after([]), POSITION)

    def test_a_message_that_was_not_stored_is_always_pending(self):
        dice = random.Random(3501)
        for small in (0, 3, folder_position.SMALL_BACKLOG) * rounds(100):
            with patch.object(folder_position, "SMALL_BACKLOG", small):
                self.read_at_random(dice)

    def read_at_random(self, dice):
        """Simulate visits to a folder; each may break off, pass messages over, and be refused some."""
        present = sorted(dice.sample(range(1, 200), 60))
        wanted = {uid for uid in present if uid > 100 or dice.random() < 0.7}
        position = replace(POSITION, last_uid=100, backlog={uid for uid in wanted if uid <= 100})
        stored = set()

        def pending():
            return {*position.pending(), *(uid for uid in present if uid > position.last_uid)}

        for _visit in range(5):
            left = []
            queue = sorted(pending())
            for start in range(0, len(queue), 10):
                window = queue[start : start + 10]
                left += [uid for uid in window if uid not in stored]
                while left and dice.random() < 0.8:
                    batch = dice.sample(left, min(3, len(left)))
                    refused = [uid for uid in batch if dice.random() < 0.2]
                    left = [uid for uid in left if uid not in batch]
                    stored.update(set(batch).difference(refused))
                    position = position.after(batch, owed=[*refused, *left])
                    self.assertLessEqual(wanted - stored, pending())
                position = position.after([uid for uid in window if uid in stored and uid not in left], owed=left)
                self.assertLessEqual(wanted - stored, pending())
                if dice.random() < 0.1:
                    break


class TestMailboxSettings(ToolsCase):
    def settings(self, **values):
        values = {"host": "Mail.Example", "user": "box@mycompany.example", **values}
        return MailboxSettings("imap", port=993, log_in=None, **values)

    def test_the_account_does_not_depend_on_port_or_case_of_the_host(self):
        self.assertEqual(self.settings().account, "box@mycompany.example@mail.example")

    def test_a_user_name_cannot_break_out_of_the_account(self):
        self.assertEqual(self.settings(user="a/b;UID=1").account, "a%2Fb%3BUID%3D1@mail.example")

    def test_the_certificate_and_the_host_name_are_verified(self):
        context = self.settings().tls_context()
        self.assertTrue(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)

    def test_verification_can_be_switched_off(self):
        context = self.settings(verify_certificate=False).tls_context()
        self.assertFalse(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_NONE)


class TestProblems(ToolsCase):
    def test_the_error_about_an_unknown_folder_names_those_that_exist(self):
        problem = UnknownFolder("Orders", iter(["INBOX", "Sent"]))
        self.assertEqual((problem.folder, problem.existing, str(problem)), ("Orders", ("INBOX", "Sent"), "Orders"))

    def test_replies_in_bytes_become_text(self):
        self.assertEqual(server_words(ValueError(b"-ERR no, J\xc3\xbcrgen")), "-ERR no, Jürgen")
        self.assertEqual(server_words(ValueError("LOGIN", b"\xff")), "LOGIN \ufffd")

    def test_refused_messages_are_counted_and_reported_in_the_servers_words(self):
        problem = MessagesRefused(iter([ValueError(b"-ERR broken"), ValueError(b"-ERR broken too")]))
        self.assertEqual((problem.count, str(problem)), (2, "-ERR broken"))

    def test_a_refusal_without_words_has_an_empty_text(self):
        self.assertEqual(str(LoginRefused(server_words(ValueError()))), "")
