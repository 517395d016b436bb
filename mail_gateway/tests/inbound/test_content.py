import base64

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tests.tools.tools_common import DATA
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class ContentCommon(InboundCommon):
    """Fixtures go through a lane and become chatter messages."""

    def setUp(self):
        super().setUp()
        self.env["mail.inbound.rule"].search([]).active = False  # only reading and routing remain
        self.env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", 10_000)

    def receive(self, name):
        """Deliver a fixture at its first try; return its stored message."""
        source = (DATA / f"{name}.eml").read_bytes()
        row = self.deliver(source.replace(b"sales@mycompany.example", f"inbound@{self.alias_domain}".encode()))
        self.assertEqual((row.state, row.try_count), ("delivered", 1), (name, row.detail or row.reason))
        return row

    def message(self, name):
        """Return the chatter message of a fixture in which no defect was found."""
        row = self.receive(name)
        self.assertFalse(row.defects, name)
        return row.mail_message_ids

    def files(self, message):
        return {attachment.name: attachment.raw for attachment in message.attachment_ids}


@tagged("post_install", "-at_install")
class TestContentCharsets(ContentCommon):
    """Texts and subjects are read in the charset of their label, as browsers do, and no original is attached."""

    def test_texts_appear_as_they_were_written(self):
        for name, words in {
            "charset_in_meta": "Prosím o nabídku: žluťoučký kůň",
            "charset_in_xml_declaration": "Zażółć gęślą jaźń",
            "charset_in_meta_of_a_part": "Пришлите счёт",
            "gb2312_is_gbk": "尊敬的客户：请报价 – 联系人：喆、镕、瑄。谢谢",
            "utf8_foreign_footer": "Grüße aus München: wir hätten gern ein Angebot über 5 Stück für 20 € pro Stück.",
            "one_bad_byte": "Grüße aus München \ufffd für 20 €",
            "surrogate_pairs_in_utf8": "Danke 😀 für alles",
            "shift_jis_is_windows_31j": "①番の見積書 ㈱山田商店 ｶﾞｽ",
            "iso_2022_jp_with_vendor_rows": "①番の見積書㈱山田商店 ｶﾞｽ 10",
            "ks_c_5601_is_uhc": "똠방각하께 견적 부탁드립니다",
            "big5_is_big5_hkscs": "請報價 啫喱 5 €",
            "latin1_is_windows_1252": "“Grüße” – 5 Stück für 20 €",
            "ascii_that_is_utf8": "Grüße aus München",
            "utf16_without_a_mark": "Grüße aus München",
            "charset_missing_raw_utf8": "Grüße aus Köln",
        }.items():
            with self.subTest(name):
                message = self.message(name)
                self.assertIn(words, message.body)
                self.assertFalse(message.attachment_ids)

    def test_subjects_appear_as_they_were_written(self):
        for name, subject in {
            "gb2312_is_gbk": "询价：喆镕公司",
            "one_bad_byte": "Grüße \ufffd aus München",
            "surrogate_pairs_in_utf8": "Danke 😀",
            "shift_jis_is_windows_31j": "㈱山田商店 ①",
            "iso_2022_jp_with_vendor_rows": "㈱山田商店①",
            "ks_c_5601_is_uhc": "똠방각하 주문",
            "big5_is_big5_hkscs": "啫喱訂單",
            "latin1_is_windows_1252": "“Grüße” für 20 €",
            "subject_cut_within_a_character": "Angebot über fünf Stück für Köln",
            "subject_cut_within_base64": "Angebot für Köln – 20 €",
            "name_in_gbk": "喆镕",
        }.items():
            with self.subTest(name):
                row = self.receive(name)
                self.assertEqual((row.subject, row.mail_message_ids.subject), (subject, subject))
                self.assertFalse(row.defects)

    def test_names_appear_as_they_were_written(self):
        row = self.receive("name_in_gbk")
        self.assertIn("瑄喆镕", row.email_from)
        self.assertIn("瑄喆镕", row.mail_message_ids.email_from)
        self.assertEqual(row.sender, "mary@customer.example")

    def test_file_names_appear_as_they_were_written(self):
        self.assertEqual(
            self.files(self.message("file_names_in_gbk")),
            {
                "询价喆镕.pdf": b"one",
                "合同瑄.pdf": b"two",
                "询价喆镕.end.pdf": b"three",
                "Angebot für Köln.pdf": b"four",
            },
        )

    def test_a_guessed_charset_is_reported_and_the_original_is_attached(self):
        for name in ("charset_lies_utf8_for_windows1252", "charset_lies_ascii_for_latin1", "charset_unknown"):
            row = self.receive(name)
            self.assertEqual(row.defects, row._defects_message([Defect.CHARSET]), name)
            self.assertIn("Grüße aus Köln", row.mail_message_ids.body)
            self.assertEqual(self.files(row.mail_message_ids), {"original.eml": row._source_bytes()})


@tagged("post_install", "-at_install")
class TestContentStructure(ContentCommon):
    """Every text is shown; every file is attached under a name with the right extension."""

    def test_the_plain_text_is_shown_when_the_html_has_no_content(self):
        for name in ("empty_html_alternative", "html_alternative_of_blanks", "html_alternative_empty_beside_a_file"):
            with self.subTest(name):
                self.assertIn("Please call back", self.message(name).body)

    def test_the_plain_text_is_shown_when_nothing_in_the_html_is_visible(self):
        for name in ("html_is_a_tracking_pixel", "html_is_a_hidden_image", "html_is_an_image_that_is_missing"):
            with self.subTest(name):
                body = self.message(f"content_{name}").body
                self.assertIn("Please call back", body)
                self.assertNotIn("<img", body)

    def test_the_plain_text_is_shown_beside_html_with_only_a_remote_image(self):
        body = self.message("content_html_is_a_picture_from_afar").body
        self.assertIn("Please call back", body)
        self.assertIn('src="https://shop.example/offer.png"', body)

    def test_the_plain_text_is_shown_beside_html_with_only_an_attached_image(self):
        message = self.message("content_html_is_a_picture_beside_a_text")
        self.assertIn("Please call back", message.body)
        self.assertEqual(self.files(message), {"offer.png": PNG})
        self.assertIn(f'src="/web/image/{message.attachment_ids.id}?access_token=', message.body)

    def test_html_with_a_number_too_long_for_python_is_shown(self):
        self.assertIn("Please call back", self.message("content_html_with_a_number_without_end").body)

    def test_html_with_content_is_shown_instead_of_the_plain_text(self):
        body = self.message("text_and_html").body
        self.assertNotIn("The plain text", body)

    def test_texts_before_and_after_an_alternative_are_shown_in_order(self):
        body = self.message("text_around_an_alternative").body
        places = [body.find(words) for words in ("Before it.", "<b>middle</b>", "The footer of the list.")]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(-1, places)
        self.assertNotIn("In the middle.", body)

    def test_several_texts_are_shown_in_order(self):
        message = self.message("several_texts_in_order")
        places = [message.body.find(words) for words in ("First.", "Second.", "Third.")]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(-1, places)
        self.assertEqual(self.files(message), {"one.png": PNG})

    def test_images_are_shown_where_the_text_refers_to_them(self):
        for name, count in {
            "cid_without_filename": 1,
            "cid_percent_encoded": 2,
            "cid_in_other_letters": 2,
            "cid_within_an_alternative": 1,
        }.items():
            with self.subTest(name):
                message = self.message(name)
                self.assertEqual(message.attachment_ids.mapped("raw"), [PNG] * count)
                for attachment in message.attachment_ids:
                    self.assertIn(f'src="/web/image/{attachment.id}?access_token=', message.body)
                    self.assertTrue(attachment.name.endswith(".png"))
                self.assertNotIn("cid:", message.body.lower())

    def test_an_attached_message_is_named_by_its_subject(self):
        message = self.message("attached_message_without_name")
        self.assertEqual(message.attachment_ids.mapped("name"), ["Inner order 5.eml"])
        self.assertIn(b"Subject: Inner order 5", message.attachment_ids.raw)
        self.assertIn("fyi", message.body)

    def test_an_attached_message_named_without_an_extension_gets_one(self):
        message = self.message("attached_message_named_without_ending")
        self.assertEqual(message.attachment_ids.mapped("name"), ["Fwd: Order 5.eml"])

    def test_a_text_is_not_hidden_by_the_html_of_an_attached_message(self):
        message = self.message("attached_message_with_html_under_a_text")
        self.assertIn("Please look at this.", message.body)
        self.assertIn("喆镕 inside", message.body)

    def test_an_attached_message_keeps_its_original_bytes(self):
        message = self.message("attached_message_with_html_under_a_text")
        self.assertEqual(message.attachment_ids.mapped("name"), ["询价喆 1 2.eml"])
        self.assertIn(b"=?gb2312?B?", message.attachment_ids.raw)
        self.assertIn(base64.b64encode("喆镕".encode("gbk")), message.attachment_ids.raw)

    def test_an_attached_message_with_a_bad_byte_is_kept_byte_for_byte_at_the_first_try(self):
        for charset, body in {
            "big5": b"\xa1\xa1\x81",
            "gb2312": b"\xc4\xe3\xba\xc3\x81",
            "hz": b"~{<:Ky~}\x81",
        }.items():
            with self.subTest(charset):
                message = self.message(f"content_attached_message_with_a_bad_byte_in_{charset}")
                self.assertEqual(message.attachment_ids.mapped("name"), ["Inner order.eml"])
                self.assertIn(body, message.attachment_ids.raw)

    def test_an_attached_message_with_an_empty_message_id_does_not_cause_the_original_to_be_attached(self):
        message = self.message("content_attached_message_with_an_empty_message_id")
        self.assertEqual(message.attachment_ids.mapped("name"), ["Inner order.eml"])
        self.assertIn(b"Ten of them.", message.attachment_ids.raw)

    def test_an_invitation_without_a_name_is_a_calendar_file(self):
        message = self.message("invitation_without_a_name")
        self.assertEqual(message.attachment_ids.mapped("name"), ["attachment-1.ics"])
        self.assertTrue(message.attachment_ids.raw.startswith(b"BEGIN:VCALENDAR"))
        self.assertIn("Come on <b>Monday</b>.", message.body)

    def test_files_without_a_name_are_named_by_their_type(self):
        self.assertEqual(
            {*self.files(self.message("files_without_a_name"))},
            {"attachment-1.pdf", "attachment-2.jpg", "attachment-3.csv", "winmail.dat"},
        )

    def test_a_message_that_consists_of_one_file_keeps_it(self):
        for name, files in {
            "message_is_one_text_file": {"orders.csv": b"article;number\r\n4711;3\r\n"},
            "message_is_one_csv": {"größe.csv": "Größe;10\r\n".encode("cp1252")},
            "message_is_one_html_file": {"report.html": b"<p>Report <b>5</b></p>\r\n"},
            "message_is_one_pdf": {"order.pdf": b"%PDF-1.4 not really"},
        }.items():
            with self.subTest(name):
                self.assertEqual(self.files(self.message(name)), files)

    def test_a_defective_message_that_consists_of_one_text_file_keeps_it(self):
        row = self.receive("content_message_is_one_text_file_with_a_flaw")
        self.assertEqual(row.defects, row._defects_message([Defect.HEADERS]))
        self.assertEqual(self.files(row.mail_message_ids)["orders.csv"], b"article;number\r\n4711;3\r\n")
        self.assertIn("4711;3", row.mail_message_ids.body)

    def test_an_invitation_that_is_the_whole_message_is_attached(self):
        self.assertEqual([*self.files(self.message("calendar_only"))], ["attachment-1.ics"])

    def test_a_text_with_a_name_is_shown_and_attached(self):
        message = self.message("message_is_one_text_with_a_name")
        self.assertIn("Grüße aus Köln", message.body)
        self.assertEqual(self.files(message), {"mail.txt": "Grüße aus Köln\r\n".encode()})

    def test_a_file_with_a_wrong_charset_label_keeps_its_bytes(self):
        message = self.message("attachment_in_another_charset_than_it_says")
        self.assertEqual(self.files(message), {"orders.csv": "Köln;10".encode("latin-1")})


@tagged("post_install", "-at_install")
class TestContentDates(ContentCommon):
    """The time of receipt replaces an impossible date."""

    def test_an_impossible_date_is_replaced_by_the_time_of_receipt_and_reported(self):
        for name in (
            "date_in_the_year_102",
            "date_in_the_year_1",
            "date_in_the_year_9999",
            "date_zone_beyond_a_day",
            "date_beyond_integers",
            "date_31_february",
            "date_in_words",
            "date_of_a_stopped_clock",
            "date_malformed",
        ):
            with self.subTest(name):
                row = self.receive(name)
                self.assertEqual(row.mail_message_ids.date, row.received_date)
                self.assertEqual(row.defects, row._defects_message([Defect.DATE]))
                self.assertFalse(row.mail_message_ids.attachment_ids)

    def test_an_impossible_date_of_a_message_that_waited_is_replaced_by_the_time_of_receipt(self):
        row = self.store(self.to_alias(Date="Thu, 18 Jul 0102 19:51:35 -0100"))
        row.received_date = fields.Datetime.to_datetime("2026-03-02 08:30:00")
        self.run_lane()
        self.assertEqual(fields.Datetime.to_string(row.mail_message_ids.date), "2026-03-02 08:30:00")

    def test_a_message_without_a_date_gets_the_time_of_receipt_and_no_defect_is_reported(self):
        row = self.store(self.to_alias())
        row.received_date = fields.Datetime.to_datetime("2026-03-02 08:30:00")
        self.run_lane()
        self.assertEqual(fields.Datetime.to_string(row.mail_message_ids.date), "2026-03-02 08:30:00")
        self.assertFalse(row.defects)

    def test_dates_in_unusual_formats_are_read(self):
        for name, date in {
            "date_in_iso_8601": "2026-03-02 08:30:00",
            "date_two_digit_year": "2026-03-02 14:30:00",
            "cid_without_filename": "2026-11-29 10:00:00",
            "content_date_with_a_french_day": "2026-11-29 09:00:00",
            "content_date_with_a_leap_second": "2016-12-31 23:59:59",
            "content_date_with_a_colon_in_its_zone": "2026-11-29 09:00:00",
        }.items():
            with self.subTest(name):
                self.assertEqual(fields.Datetime.to_string(self.message(name).date), date)

    def test_a_date_in_an_unusual_format_is_read_from_a_defective_message(self):
        row = self.receive("content_date_with_a_french_day_and_a_flaw")
        self.assertEqual(row.defects, row._defects_message([Defect.HEADERS]))
        self.assertEqual(fields.Datetime.to_string(row.mail_message_ids.date), "2026-11-29 09:00:00")

    def test_an_impossible_date_is_reported_along_with_other_defects(self):
        row = self.deliver(
            self.to_alias(Date="Thu, 18 Jul 0102 19:51:35 -0100", Content_Type="text/plain; charset=klingon")
        )
        self.assertEqual(row.mail_message_ids.date, row.received_date)
        self.assertEqual(row.defects, row._defects_message([Defect.CHARSET, Defect.DATE]))

    def test_a_program_that_passes_an_impossible_date_gets_no_error(self):
        source = self.to_alias(Date="Thu, 18 Jul 0102 19:51:35 -0100")
        record = self.env["mail.thread"].message_process(False, source)
        self.assertTrue(self.env[self.record_model].browse(record).exists())
