import random
import time

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, mutations, rounds, some_of
from odoo.addons.mail_gateway.tools.headers.message_head import HEADER_BYTES
from odoo.addons.mail_gateway.tools.headers.stored_headers import (
    ID_LIMIT,
    TEXT_LIMIT,
    Headers,
    decode_words,
    read_headers,
)
from odoo.addons.mail_gateway.tools.text.database_text import as_text

# Seconds: far more than reading takes, far less than it would take if it grew with the square of the length.
PATIENCE = 5


class TestHeaders(ToolsCase):
    def read(self, name):
        return read_headers(self.eml(name))

    # ------------------------------------------------------------------ subject and sender

    def test_a_message_without_header_has_no_headers(self):
        self.assertEqual(self.read("without_header"), Headers())

    def test_empty_sources_have_no_headers(self):
        for source in (b"", b"\r\n", b"\r\n\r\n", b"\0", b":", b": x\r\n\r\n"):
            with self.subTest(source=source):
                self.assertEqual(read_headers(source), Headers())

    def test_encoded_words_in_an_unknown_charset_are_taken_for_utf8(self):
        headers = self.read("encoded_words_in_an_unknown_charset")
        self.assertEqual(headers.sender, "Jürgen <juergen@customer.example>")
        self.assertEqual(headers.subject, "Grüßeaus Köln")

    def test_headers_in_raw_utf8_are_readable(self):
        headers = self.read("headers_in_raw_utf8")
        self.assertEqual(headers.sender, "Jürgen <juergen@customer.example>")
        self.assertEqual(headers.subject, "Grüße aus Köln für dich")

    def test_the_charset_of_other_raw_bytes_is_guessed(self):
        self.assertEqual(self.read("headers_in_raw_latin1").subject, "Grüße aus Köln")

    def test_codecs_that_make_surrogates_are_not_used(self):
        self.assertEqual(self.read("encoded_words_that_decode_to_surrogates").subject, "Order +2AA-")
        self.assertEqual(decode_words("=?unicode_escape?q?Order=5Cud800?="), "Order\\ud800")

    def test_nul_bytes_are_left_out(self):
        self.assertEqual(self.read("nul_bytes").subject, "Order ten")

    def test_broken_encoded_words_are_shown_as_they_are(self):
        self.assertEqual(decode_words("=?utf-8?b?abcde?="), "=?utf-8?b?abcde?=")

    def test_a_folded_subject_is_one_line(self):
        self.assertEqual(read_headers(b"Subject: An\r\n order\r\n\tof ten\r\n\r\n").subject, "An order of ten")

    def test_the_first_of_several_subjects_counts(self):
        self.assertEqual(read_headers(b"Subject: one\r\nSubject: two\r\n\r\n").subject, "one")

    def test_bare_line_feeds_end_lines(self):
        headers = read_headers(b"Subject: Order\nFrom: mary@customer.example\n\nSubject: in the body\n")
        self.assertEqual((headers.subject, headers.sender), ("Order", "mary@customer.example"))

    def test_the_body_is_not_read(self):
        self.assertEqual(read_headers(b"From: a@b.example\r\n\r\nSubject: body\r\n").subject, "")

    # ------------------------------------------------------------------ Message-Id and conversation

    def test_a_message_without_message_id_has_no_conversation(self):
        headers = self.read("without_message_id")
        self.assertEqual((headers.message_id, headers.conversation), ("", ""))
        self.assertEqual(headers.subject, "Order")

    def test_a_message_id_in_square_brackets_is_read(self):
        headers = self.read("message_id_in_square_brackets")
        self.assertEqual(headers.message_id, "<[order.1@customer.example]>")

    def test_a_message_id_without_angle_brackets_is_kept(self):
        self.assertEqual(read_headers(b"Message-Id:  order.1 \r\n\r\n").message_id, "order.1")

    def test_a_message_that_answers_nothing_is_a_conversation_of_its_own(self):
        self.assertEqual(self.read("html_only").conversation, "<order.1@customer.example>")

    def test_the_oldest_ancestor_in_folded_references_is_the_conversation(self):
        headers = self.read("folded_references")
        self.assertEqual((headers.message_id, headers.conversation), ("<3@customer.example>", "<1@customer.example>"))

    def test_without_references_the_answered_message_is_the_conversation(self):
        self.assertEqual(self.read("in_reply_to_without_references").conversation, "<1@mycompany.example>")

    def test_long_ids_fit_into_an_index_of_the_database(self):
        long = b"1@" + "\U0001f4e8a".encode() * (TEXT_LIMIT // 2)
        for source in (b"Message-Id: <%s>\r\n\r\n" % long, b"Message-Id: %s\r\n\r\n" % long):
            headers = read_headers(source)
            for text in (headers.message_id, headers.conversation):
                self.assertEqual(len(text), ID_LIMIT)
                self.assertLess(len(text.encode()), 2704)

    # ------------------------------------------------------------------ recipients

    def test_recipients_of_all_headers_are_listed_once_in_lower_case(self):
        self.assertEqual(
            self.read("comma_in_an_encoded_name").recipients, "sales@mycompany.example, john@mycompany.example"
        )

    def test_one_malformed_header_does_not_hide_the_other_recipients(self):
        recipients = self.read("malformed_recipients").recipients
        for name in ("john", "sales", "team"):
            self.assertIn(f"{name}@mycompany.example", recipients)

    def test_many_recipients_are_cut_to_length(self):
        addresses = ",\r\n ".join(f"person{n}@mycompany.example" for n in range(5000))
        recipients = read_headers(f"To: {addresses}\r\n\r\n".encode()).recipients
        self.assertTrue(recipients.startswith("person0@mycompany.example, person1@mycompany.example, "))
        self.assertEqual(len(recipients), TEXT_LIMIT)

    # ------------------------------------------------------------------ any message

    def test_headers_that_are_expensive_to_read_are_read_in_bounded_time(self):
        for name in (b"Subject", b"From", b"To", b"Message-Id", b"References"):
            for piece in some_of(
                (b"=?a?q?x", b"=?punycode?q?a9", b"(", b'"', b"<", b"<a@", b"a@b,", b"=?=?", b"\r\n x")
            ):
                source = b"%s: %s\r\n\r\n" % (name, piece * (HEADER_BYTES // len(piece)))
                with self.subTest(name=name, piece=piece):
                    started = time.thread_time()
                    read_headers(source)
                    self.assertLess(time.thread_time() - started, PATIENCE)

    def test_a_hundred_thousand_headers_are_read_in_bounded_time(self):
        started = time.thread_time()
        read_headers(b"To: a@b.example\r\n" * 100_000)
        self.assertLess(time.thread_time() - started, PATIENCE)

    def test_any_bytes_become_text_that_the_database_takes(self):
        for source in mutations(self.every_eml(), 4000):
            for text in read_headers(source):
                self.assertDatabaseText(text, source)

    def test_any_text_becomes_text_that_the_database_takes(self):
        dice = random.Random(2047)
        for _round in range(rounds(2000)):
            raw = "".join(chr(dice.choice((0, 65, 0xD800, 0xDC80, 0xDCC3, 0xDFFF, 0x1F4E8))) for _n in range(8))
            self.assertDatabaseText(as_text(raw), raw)
            self.assertDatabaseText(decode_words(f"=?utf-8?q?x?= {raw}"), raw)
