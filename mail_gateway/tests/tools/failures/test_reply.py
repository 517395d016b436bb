from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Phase
from odoo.addons.mail_gateway.tools.failures.classify import classify_reply
from odoo.addons.mail_gateway.tools.failures.reply import MAX_TEXT, Reply, read_reply


class TestReply(ToolsCase):
    def test_codes_and_text_are_kept_apart(self):
        for text, reply in {
            b"5.1.1 no such user": Reply(550, "5.1.1", "no such user"),
            b"no such user": Reply(550, "", "no such user"),
            b"5.7.1 first\r\n5.7.1 second": Reply(550, "5.7.1", "first second"),
            b"550 5.1.1 repeated": Reply(550, "5.1.1", "repeated"),
            b"#5.1.0 Address rejected": Reply(550, "5.1.0", "Address rejected"),
            b"<a@b.example>: rejected (5.1.1)": Reply(550, "5.1.1", "<a@b.example>: rejected (5.1.1)"),
            b"5.1.1": Reply(550, "5.1.1", ""),
            b"4.1.1 of another class": Reply(550, "", "4.1.1 of another class"),
            b"host 5.1.1.7 said no": Reply(550, "", "host 5.1.1.7 said no"),
            b"gr\xc3\xbc\xc3\x9fe\xff": Reply(550, "", "grüße\ufffd"),
            b"": Reply(550, "", ""),
        }.items():
            with self.subTest(text):
                self.assertEqual(read_reply(550, text), reply)

    def test_a_reply_is_one_line_of_bounded_length(self):
        reply = read_reply(550, b"a\0b\rc\n" + b"\xf0\x9f\x98\x80" * 100_000)
        self.assertLessEqual(len(reply.text), MAX_TEXT)
        self.assertTrue(reply.text.startswith("a b c"))
        self.assertDatabaseText(reply.text, reply)

    def test_a_reply_is_shown_with_its_codes(self):
        self.assertEqual(str(read_reply(451, b"4.3.0 later")), "451 4.3.0 later")
        self.assertEqual(str(read_reply(451, b"later")), "451 later")

    def test_any_reply_is_classified_in_bounded_time(self):
        pieces = (
            "mailbox ",
            "user .",
            "relay sending ",
            "daily ",
            "quota exceeded ",
            "sender ",
            "exceeds ",
            "message ",
            "in 1 ",
        )
        for piece in pieces:
            for code in (450, 550):
                classify_reply(read_reply(code, piece * MAX_TEXT), Phase.RCPT)
