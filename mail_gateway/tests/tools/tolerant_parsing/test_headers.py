"""Headers of messages with defects."""

from email.utils import getaddresses

from odoo.addons.mail_gateway.tests.tools.tolerant_parsing.test_readable import HEAD, ReadingCase
from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.tolerant_parsing.dates import read_date
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect


class TestReadingHeaders(ReadingCase):
    def header(self, line, name):
        """Return how a header line is handed on in a message with defects."""
        source = line + b"\r\nX-Odoo-Message-Id: \0\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        message = self.read(source)
        self.assertIn(Defect.HEADERS, self.readable.defects)
        return message[name]

    def test_a_message_id_that_breaks_the_parser_is_handed_on_unchanged(self):
        self.assertEqual(self.read("message_id_in_square_brackets")["Message-Id"], "<[order.1@customer.example]>")

    def test_any_message_id_is_handed_on(self):
        for value in ("<a@b.example>", "<a b>", "a", "<[x@y]>", "<é@b.example>", "<<a@b>>"):
            self.assertEqual(self.header(f"Message-Id: {value}".encode(), "Message-Id"), value)

    def test_a_long_message_id_fits_into_an_index_of_the_database(self):
        self.assertLess(len(self.header(b"Message-Id: <%s@b>" % (b"x" * 3000), "Message-Id")), 501)

    def test_the_charset_of_raw_bytes_is_guessed(self):
        self.assertEqual(self.read("headers_in_raw_latin1")["Subject"], "Grüße aus Köln")
        self.assertEqual(self.header("Subject: Grüße".encode(), "Subject"), "Grüße")

    def test_encoded_words_are_read(self):
        self.assertEqual(self.header(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus", "Subject"), "Grüße aus")

    def test_nul_and_lone_surrogates_are_left_out(self):
        self.assertEqual(self.read("nul_bytes")["Subject"], "Order ten")
        self.assertDatabaseText(self.read("surrogates_in_headers")["Subject"], "surrogates_in_headers")

    def test_a_long_subject_is_cut(self):
        self.assertLess(len(self.header(b"Subject: " + "ü".encode() * 3000, "Subject").encode()), 1001)

    def test_names_and_addresses_are_kept(self):
        line = b'From: =?utf-8?q?M=C3=BCller=2C_J=C3=BCrgen?= <juergen@customer.example>, "A, B" <ab@x.example>'
        self.assertEqual(
            getaddresses([self.header(line, "From")]),
            [("Müller, Jürgen", "juergen@customer.example"), ("A, B", "ab@x.example")],
        )

    def test_an_international_domain_is_written_in_its_encoded_form(self):
        self.assertIn("mary@xn--caf-dma.example", self.header("From: mary@café.example".encode(), "From"))

    def test_an_address_is_found_among_nested_comments(self):
        self.assertIn("mary@customer.example", self.read("from_with_nested_comments")["From"])

    def test_recipients_of_all_headers_are_kept(self):
        names = b"To: a@x.example\r\nTo: b@x.example\r\nCc: c@x.example\r\n"
        message = self.read(
            names + b"Delivered-To: d@x.example\r\nResent-To: e@x.example\r\nX-Odoo-Message-Id: \0\r\n\r\n"
        )
        self.assertEqual(
            [address for _name, address in getaddresses([message["To"], message["Cc"], message["Delivered-To"]])],
            ["a@x.example", "b@x.example", "c@x.example", "d@x.example"],
        )
        self.assertIn("e@x.example", message["Resent-To"])

    def test_thousands_of_recipients_are_all_kept(self):
        people = [f"person{number}@customer.example" for number in range(3000)]
        message = self.read(b"To: %s\r\n\r\n" % ",\r\n ".join(people).encode())
        self.assertEqual([a for _n, a in getaddresses([message["To"], message["Delivered-To"]])], people)

    def test_dates_beyond_the_calendar_are_left_out(self):
        for date in (b"Mon, 02 Mar 20260 09:30:00 +0100", b"never", b"Mon, 02 Mar 1850 09:30:00 +0100"):
            self.assertIsNone(self.header(b"Date: " + date, "Date"))
        self.assertEqual(
            self.header(b"Date: Mon, 02 Mar 2026 09:30:00 +0100", "Date"), "Mon, 02 Mar 2026 09:30:00 +0100"
        )

    def test_dates_in_unusual_formats_are_kept(self):
        for value, date in {
            b"dim., 29 nov. 2026 10:00:00 +0100": "Sun, 29 Nov 2026 09:00:00 +0000",
            b"Sun, 29 Nov 2026 10:00:60 +0100": "Sun, 29 Nov 2026 09:00:59 +0000",
        }.items():
            self.assertEqual(self.header(b"Date: " + value, "Date"), date)

    def test_headers_that_rules_read_are_kept(self):
        for line in (
            b"Auto-Submitted: auto-replied",
            b"Precedence: bulk",
            b"List-Id: <list.x.example>",
            b"X-Autoreply: yes",
        ):
            name, _colon, value = line.decode().partition(": ")
            self.assertEqual(self.header(line, name), value)

    def test_very_long_references_keep_the_first_and_last_ids(self):
        ids = [f"<{number}@customer.example>" for number in range(2000)]
        references = self.read(HEAD + f"References: {' '.join(ids)}\r\n\r\n".encode())["References"].split()
        self.assertEqual((references[0], references[-1]), (ids[0], ids[-1]))
        self.assertLess(len(references), 60)

    # ------------------------------------------------------------------ delivery reports

    def test_a_delivery_report_with_defects_remains_a_delivery_report(self):
        message = self.read("bounce_report_with_flaws")
        self.assertEqual(
            (message.get_content_type(), message.get_param("report-type")), ("multipart/report", "delivery-status")
        )
        report = next(part for part in message.walk() if part.get_content_type() == "message/delivery-status")
        self.assertEqual(report.get_payload(1)["Final-Recipient"], "rfc822; nobody@customer.example")
        returned = next(part for part in message.walk() if part.get_content_type() == "text/rfc822-headers")
        self.assertIn("To: <nobody@customer.example>", returned.get_content())

    def test_a_delivery_report_without_boundary_gets_one(self):
        message = self.read("bounce_report_without_boundary")
        kinds = [part.get_content_type() for part in message.walk()]
        self.assertEqual(kinds[0], "multipart/report")
        self.assertIn("message/delivery-status", kinds)
        self.assertIn("text/rfc822-headers", kinds)


class TestReadingDates(ToolsCase):
    """Dates as programs write them; a date that core reads correctly is read in the same way."""

    def assertRead(self, dates):
        for value, date in dates.items():
            self.assertEqual(str(read_date(value)), f"{date}+00:00", value)

    def test_a_leap_second_is_read_as_the_second_before(self):
        self.assertRead(
            {
                "Sat, 31 Dec 2016 23:59:60 +0000": "2016-12-31 23:59:59",
                "Sun, 29 Nov 2026 10:00:60 +0100": "2026-11-29 09:00:59",
                "2016-12-31T23:59:60Z": "2016-12-31 23:59:59",
            }
        )
        self.assertIsNone(read_date("Sun, 29 Nov 2026 10:00:61 +0100"))

    def test_the_name_of_the_day_may_be_of_any_language(self):
        self.assertRead(
            {
                "dim., 29 nov. 2026 10:00:00 +0100": "2026-11-29 09:00:00",
                "mar., 3 nov. 2026 10:00:00 +0100": "2026-11-03 09:00:00",
                "mar. 3 nov. 2026 10:00:00 +0100": "2026-11-03 09:00:00",
                "So., 29. Nov. 2026 10:00:00 +0100": "2026-11-29 09:00:00",
                "Sonntag, 29. November 2026 10:00:00 +0100": "2026-11-29 09:00:00",
                "日, 29 Nov 2026 10:00:00 +0900": "2026-11-29 01:00:00",
            }
        )

    def test_a_month_of_another_language_is_not_taken_for_another_month(self):
        for value in ("mar., 3 mai 2026 10:00:00 +0200", "mar. 3 mai 2026 10:00:00 +0200", "3 juin 2026 10:00"):
            self.assertIsNone(read_date(value), value)

    def test_time_zones_in_all_common_notations_are_read(self):
        for zone in ("+0100", "+01:00", "+01", "+1", "GMT+0100", "GMT+01:00", "UTC+1", "+0100;", "+0100 (MEZ)"):
            self.assertRead({f"Sun, 29 Nov 2026 10:00:00 {zone}": "2026-11-29 09:00:00"})

    def test_text_around_a_date_does_not_matter(self):
        for value in (
            "Date: Sun, 29 Nov 2026 10:00:00 +0100",
            '"Sun, 29 Nov 2026 10:00:00 +0100"',
            "<Sun, 29 Nov 2026 10:00:00 +0100>",
            "jeu. 29 nov. 2026 à 10:00:00 +0100",
        ):
            self.assertRead({value: "2026-11-29 09:00:00"})


class TestReadingIds(ReadingCase):
    """Message-Ids that identify nothing."""

    ATTACHED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"

    def test_only_a_message_id_that_breaks_the_parser_is_left_out(self):
        for value in (b"<>", b"< >", b"<@>", b"<@b>"):
            inner = b"X-A: 1\r\nMessage-ID: %s\r\nSubject: Inner\r\n\r\nTen.\r\n" % value
            source = HEAD + self.ATTACHED + inner + b"--b--\r\n"
            self.assertDefects(source)
            [file] = self.files(self.as_odoo_reads(source)).values()
            self.assertEqual(file, b"X-A: 1\r\nSubject: Inner\r\n\r\nTen.")

    def test_a_message_id_that_python_reads_stays_in_an_attached_message(self):
        source = HEAD + self.ATTACHED + b"Message-ID: 17\r\n\r\nTen.\r\n--b--\r\n"
        [file] = self.files(self.as_odoo_reads(source)).values()
        self.assertIn(b"Message-ID: 17\r\n", file)
