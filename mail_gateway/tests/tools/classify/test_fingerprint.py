import time

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, length, some_of
from odoo.addons.mail_gateway.tools.classify.fingerprint import SOURCE_CHARS, TEXT_CHARS, fingerprint

MARY, SUBJECT, TEXT = "Mary <mary@customer.example>", "Order", "Please send ten.\nMary"
# Seconds; a message takes far less.
PATIENCE = 5


class TestFingerprint(ToolsCase):
    def assertSame(self, **changed):
        self.assertEqual(self.of(**changed), self.of())

    def assertOther(self, one, other):
        self.assertNotEqual(self.of(**one), self.of(**other))

    def of(self, sender=MARY, subject=SUBJECT, text=TEXT):
        return fingerprint(sender, subject, text)

    def assertSameText(self, one, other):
        self.assertEqual(self.of(text=one), self.of(text=other))

    # ------------------------------------------------------------------ repetitions

    def test_the_fingerprint_is_a_sha256(self):
        self.assertRegex(self.of(), "^[0-9a-f]{64}$")

    def test_name_and_case_of_the_sender_do_not_matter(self):
        self.assertSame(sender="MARY@Customer.Example")
        self.assertSame(sender='"Smith, M." <mary@customer.example>')
        self.assertSame(sender="=?utf-8?q?M=C3=A4ry?= <mary@customer.example>")

    def test_reply_prefixes_do_not_matter_in_any_number_case_or_spacing(self):
        for subject in (
            "Re: Order",
            "RE:re : Order",
            "AW: Fwd: Re[2]: SV:  ORDER",
            "Re (3): WG:Order",
            "Automatic reply: Order",
            "Automatische Antwort: AW: Réponse automatique : Order",
            "回复：Order",
            "=?utf-8?q?Re=3A_Order?=",
        ):
            with self.subTest(subject=subject):
                self.assertSame(subject=subject)

    def test_spacing_of_the_text_does_not_matter(self):
        self.assertSame(text="\r\n Please  send\tten.\r\n\r\n\r\nMary\u00a0\r\n")

    def test_quotations_and_their_introductions_do_not_matter(self):
        for quotation in (
            "> Do you want ten?\n>> How many?",
            "\n\nOn Tue, 5 May 2026 at 09:00, Sales <sales@mycompany.example> wrote:\n\n> Do you want ten?",
            "\nOn Tue, 5 May 2026 at 09:00, Sales\n<sales@mycompany.example> wrote:\n> Do you want ten?",
            "\nAm 05.05.2026 um 09:00 schrieb Sales:\n> Ten?",
            "\n-----Original Message-----\nFrom: Sales\nDo you want ten?",
            "\n-----Ursprüngliche Nachricht-----\nVon: Sales\nZehn?",
        ):
            with self.subTest(quotation=quotation):
                self.assertSame(text=f"{TEXT}\n{quotation}\n")

    def test_quotations_that_grow_with_each_round_do_not_matter(self):
        texts = [TEXT]
        for _round in range(4):
            quoted = "\n".join(f"> {line}" for line in texts[-1].splitlines())
            texts.append(f"{TEXT}\n\nOn Tue, 5 May 2026 at 09:00, Sales wrote:\n{quoted}")
        self.assertEqual(len({self.of(text=text) for text in texts}), 1)

    def test_timestamps_do_not_matter(self):
        for one, other in (
            ("2026-05-06T12:34:56Z", "2026-05-06T12:35:01Z"),
            ("2026-05-06 12:34:56.123 +0200", "2026-05-06 13:00:00.5 +0200"),
            ("24.12.2026 11:32", "24.12.2026 11:47"),
            ("12/24/26, 9:32", "12/24/26, 10:47"),
            ("Wed, 6 May 2026 12:34:56 +0000", "Wed, 6 May 2026 12:40:01 +0000"),
            ("6 May 2026 12:34", "6 May 2026 12:40"),
            ("20260506123456", "20260506124001"),
            ("于11:32:07收到", "于11:33:09收到"),
        ):
            with self.subTest(one=one):
                self.assertSameText(f"Received {one}.", f"Received {other}.")

    def test_ids_do_not_matter(self):
        for one, other in (
            ("[Ticket#2026050510000017]", "[Ticket#2026050510000018]"),
            ("[support.example #17]", "[support.example #18]"),
            ("[REQ-17]", "[REQ-18]"),
            ("request (4711)", "request (4712)"),
            ("6f1e8f6a-7c1e-4f8e-9b7e-0a1b2c3d4e5f", "7f1e8f6a-7c1e-4f8e-9b7e-0a1b2c3d4e5f"),
            ("d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661"),
            ("<20260506.1234567@customer.example>", "<20260506.1234568@customer.example>"),
        ):
            with self.subTest(one=one):
                self.assertSameText(f"Received {one}.", f"Received {other}.")
                self.assertEqual(self.of(subject=f"{one} Received"), self.of(subject=f"{other} Received"))

    def test_text_after_the_first_kilobytes_does_not_matter(self):
        long = "word " * TEXT_CHARS
        self.assertSameText(f"{long}one", f"{long}two")

    # ------------------------------------------------------------------ other messages

    def test_another_sender_subject_or_text_makes_another_message(self):
        self.assertOther({}, {"sender": "john@customer.example"})
        self.assertOther({}, {"subject": "Invoice"})
        self.assertOther({}, {"text": "Please send nine."})
        self.assertOther({"subject": "a", "text": "b"}, {"subject": "a b", "text": ""})

    def test_other_numbers_and_dates_that_people_write_make_another_message(self):
        for one, other in (
            ("Order 17", "Order 18"),
            ("Order #4711", "Order #4712"),
            ("Order 4500012345", "Order 4500012346"),
            ("See you at 10:00", "See you at 11:00"),
            ("On 24.12.2026 at 10:00", "On 24.12.2026 at 11:00"),
            ("On 24.12.2026", "On 25.12.2026"),
            ("+49 30 1234567", "+49 30 1234568"),
            ("Write to <john@customer.example>", "Write to <jane@customer.example>"),
            ("Version 1.2.3", "Version 1.2.4"),
            ("[page 3]", "[page 4]"),
        ):
            with self.subTest(one=one):
                self.assertOther({"text": one}, {"text": other})
                self.assertOther({"subject": one}, {"subject": other})

    def test_messages_that_only_quote_are_distinguished_by_their_quotations(self):
        self.assertOther({"text": "> Ten?"}, {"text": "> Nine?"})
        self.assertOther({"text": "-----Original Message-----\nTen?"}, {"text": "-----Original Message-----\nNine?"})

    def test_words_before_a_quotation_that_do_not_introduce_it_count(self):
        self.assertOther({"text": "Yes.\n> Ten?"}, {"text": "No.\n> Ten?"})
        self.assertOther({"text": "My answer:\n> Ten?"}, {"text": "My question:\n> Ten?"})

    def test_words_that_begin_like_a_reply_prefix_count(self):
        self.assertOther({"subject": "Reorder"}, {"subject": "order"})
        self.assertOther({"subject": "Re order"}, {"subject": "order"})

    # ------------------------------------------------------------------ any message

    def test_an_empty_message_has_a_fingerprint(self):
        self.assertRegex(fingerprint("", "", ""), "^[0-9a-f]{64}$")
        self.assertEqual(fingerprint(None, None, None), fingerprint("", "", ""))

    def test_texts_that_are_expensive_to_read_are_read_in_bounded_time(self):
        for piece in some_of(
            (
                "1",
                "a1",
                ":",
                ">\n",
                "12:",
                "1.2.20",
                "<a1",
                "[#",
                "x1:\n> \n",
                " ",
                "Re:",
                "[a] ",
                "(",
                "a@",
                "\u3000",
            )
        ):
            with self.subTest(piece=piece):
                started = time.thread_time()
                fingerprint(piece * 1000, piece * 1000, piece * length(SOURCE_CHARS))
                self.assertLess(time.thread_time() - started, PATIENCE)
