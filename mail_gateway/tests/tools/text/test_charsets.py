"""Labels of charsets, bytes that cannot be decoded, encoded words and parameters."""

from contextlib import suppress
from email import message_from_bytes
from email.policy import SMTP

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, length, some_of
from odoo.addons.mail_gateway.tools.text.charset_names import trusted
from odoo.addons.mail_gateway.tools.text.charsets import DecodedText, read
from odoo.addons.mail_gateway.tools.text.encoded_words import decode_words, read_words, runs
from odoo.addons.mail_gateway.tools.text.japanese import decode_euc_jp, decode_iso_2022_jp
from odoo.addons.mail_gateway.tools.tolerant_parsing.dates import read_date
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import BoundExceeded
from odoo.addons.mail_gateway.tools.tolerant_parsing.html import has_content
from odoo.addons.mail_gateway.tools.tolerant_parsing.image_references import with_references_found
from odoo.addons.mail_gateway.tools.tolerant_parsing.normalize import normalize_content, normalize_headers
from odoo.addons.mail_gateway.tools.tolerant_parsing.parameters import file_name, parameter
from odoo.addons.mail_gateway.tools.tolerant_parsing.structure import parse

MANY = length(100_000)


class TestCharsets(ToolsCase):
    # ------------------------------------------------------------------ labels

    def test_labels_are_interpreted_as_by_browsers(self):
        for label, codec in {
            "gb2312": "gb18030",
            "GBK": "gb18030",
            "shift_jis": "cp932",
            "x-sjis": "cp932",
            "ks_c_5601-1987": "cp949",
            "euc-kr": "cp949",
            "big5": "big5hkscs",
            "iso-8859-1": "cp1252",
            "latin1": "cp1252",
            "iso-8859-9": "cp1254",
            "iso-8859-11": "cp874",
            "tis-620": "cp874",
            "windows-874": "cp874",
            "iso-8859-8-i": "iso8859-8",
            "x-mac-cyrillic": "mac-cyrillic",
            "macintosh": "mac-roman",
            "unicode-1-1-utf-8": "utf-8",
            "utf8": "utf-8",
            "iso-2022-jp": "iso-2022-jp",
            "euc-jp": "euc-jp",
        }.items():
            self.assertEqual(trusted(label), codec, label)

    def test_labels_of_mail_that_browsers_do_not_know_are_supported(self):
        for label in ("hz-gb-2312", "iso-2022-kr", "cp850", "johab", "utf-32", "utf8mb4", "cp50220", "x-windows-874"):
            self.assertTrue(trusted(label), label)
        self.assertEqual(read("안녕".encode("iso2022_kr"), "iso-2022-kr"), DecodedText("안녕"))
        self.assertEqual(read("询价".encode("hz"), "hz-gb-2312"), DecodedText("询价"))

    def test_every_japanese_character_that_python_knows_is_read(self):
        """The exceptions are six characters that Windows, and hence the WHATWG, maps to other code points."""
        others = "〜‖−¢£¬"
        for row in range(0x21, 0x75):
            codes = [bytes((row, cell)) for cell in range(0x21, 0x7F)]
            known = [code for code in codes if bytes(byte | 0x80 for byte in code).decode("euc_jp", "ignore")]
            text = b"".join(bytes(byte | 0x80 for byte in code) for code in known).decode("euc_jp")
            for found in (
                decode_iso_2022_jp(b"\x1b$B" + b"".join(known) + b"\x1b(B"),
                decode_euc_jp(b"".join(bytes(byte | 0x80 for byte in code) for code in known)),
            ):
                differing = {a for a, b in zip(text, found, strict=True) if a != b}
                self.assertLessEqual(differing, set(others))

    # ------------------------------------------------------------------ bytes that cannot be decoded

    def test_one_bad_byte_costs_one_character(self):
        for data, label, text in (
            ("für \udcff Köln".encode("utf-8", "surrogateescape"), "utf-8", "für \ufffd Köln"),
            ("见".encode("gbk") * 5 + b"\xff" + "见".encode("gbk"), "gb2312", "见见见见见\ufffd见"),
            ("日本".encode("cp932") * 3 + b"\xfd" + b"a", "shift_jis", "日本日本日本\ufffda"),
            ("한국".encode("cp949") * 3 + b"\xff!", "euc-kr", "한국한국한국\ufffd!"),
            (b"\xa4\xa2" * 5 + b"\xff" + b"\xa4\xa2", "euc-jp", "あああああ\ufffdあ"),
        ):
            self.assertEqual(read(data, label), DecodedText(text), label)

    def test_ill_formed_subsequences_are_replaced_as_unicode_recommends(self):
        """The example is table 3-8 of the Unicode Standard, chapter 3."""
        data = b"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"
        text = read("ü".encode() * 10 + data, "utf-8").text
        self.assertEqual(text, "ü" * 10 + "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd")

    def test_an_isolated_bad_byte_is_replaced_and_not_guessed(self):
        self.assertEqual(read(b"Hello \xff world", "utf-8"), DecodedText("Hello \ufffd world"))

    def test_another_charset_is_guessed_if_nearly_nothing_decodes(self):
        self.assertEqual(read("Grüße".encode("cp1252"), "utf-8"), DecodedText("Grüße", is_certain=False))
        russian = "Пришлите, пожалуйста, счёт на оплату"
        self.assertEqual(read(russian.encode("koi8-r"), "utf-8"), DecodedText(russian, is_certain=False))
        chinese = "请报价，联系人张先生，谢谢您的合作"
        self.assertEqual(read(chinese.encode("gbk"), "utf-8"), DecodedText(chinese, is_certain=False))

    def test_utf8_is_recognized_if_the_label_fails(self):
        self.assertEqual(read("Grüße 你好".encode(), "euc-jp"), DecodedText("Grüße 你好"))
        self.assertEqual(read("Grüße".encode(), "us-ascii"), DecodedText("Grüße"))

    def test_a_text_with_many_ill_formed_sequences_is_not_certain(self):
        self.assertFalse(read(bytes(range(128, 256)), "utf-8").is_certain)

    def test_japanese_escape_sequences_are_read_with_any_label(self):
        data = "日本".encode("iso2022_jp")
        for label in ("", "us-ascii", "utf-8", "iso-8859-1", "iso-2022-jp"):
            self.assertEqual(read(data, label), DecodedText("日本"), label)

    def test_surrogate_pairs_are_joined_and_lone_surrogates_are_replaced(self):
        self.assertEqual(read(b"\xed\xa0\xbd\xed\xb8\x80", "utf-8").text, "😀")
        self.assertEqual(
            read(b"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc \xed\xa0\xbd", "utf-8").text, "üüüü \ufffd\ufffd\ufffd"
        )

    def test_byte_order_marks_count_more_than_labels(self):
        for codec in ("utf-8-sig", "utf-16", "utf-32"):
            self.assertEqual(read("Grüße".encode(codec), "iso-8859-1"), DecodedText("Grüße"), codec)

    def test_utf16_without_a_byte_order_mark_is_recognized_by_its_zeros(self):
        for codec in ("utf-16-le", "utf-16-be"):
            for label in ("utf-16", "utf-16be", "utf-8", ""):
                self.assertEqual(read("Grüße".encode(codec), label).text, "Grüße", (codec, label))
        self.assertEqual(read("Grüße".encode(), "utf-16").text, "Grüße")

    # ------------------------------------------------------------------ charsets that HTML declares

    def test_html_without_a_label_declares_its_charset(self):
        for start in (
            b"<meta charset=windows-1250>",
            b"<META CHARSET = 'windows-1250'>",
            b'<meta name="a" content="b"><meta content="text/html; charset=windows-1250" http-equiv=Content-Type>',
            b'<?xml version="1.0" encoding="windows-1250"?>',
            b"<!-- <meta charset=utf-8> --><meta charset=windows-1250>",
            b"<meta charset=klingon><meta charset=windows-1250>",
        ):
            self.assertEqual(read(start + b"\xe8", is_html=True), DecodedText(f"{start.decode()}č"), start)

    def test_the_label_counts_more_than_the_declaration_in_html(self):
        data = b"<meta charset=windows-1250>\xe8"
        self.assertTrue(read(data, "iso-8859-1", is_html=True).text.endswith("è"))
        self.assertTrue(read(data, "", is_html=False).text.endswith("è"))  # plain text declares nothing

    def test_only_the_beginning_of_html_is_searched_for_a_charset(self):
        data = b" " * 1024 + b"<meta charset=windows-1250>\xe8"
        self.assertTrue(read(data, is_html=True).text.endswith("è"))

    def test_html_that_declares_utf16_is_read_as_utf8(self):
        self.assertEqual(read("<meta charset=utf-16>ü".encode(), is_html=True), DecodedText("<meta charset=utf-16>ü"))

    def test_long_repetitions_of_any_bytes_become_text_that_the_database_takes(self):
        for data, label in some_of(
            (
                (b"<meta " * MANY, ""),
                (b"\x1b$B" * MANY, ""),
                (b"\x1b$B\x0e" * MANY, "iso-2022-jp"),
                (b"\x8f\xff" * MANY, "euc-jp"),
                (b"\xff" * MANY * 5, "utf-8"),
                (b"\xff" * MANY * 5, "big5"),
                (b"\x80" * MANY * 5, "gb2312"),
                (b"\xed\xa0\xbd" * MANY * 2, "utf-8"),
                (b"a\xfc " * MANY, ""),
                (b"~{" * MANY, "hz-gb-2312"),
            )
        ):
            self.assertDatabaseText(read(data, label, is_html=True).text, data[:20])

    # ------------------------------------------------------------------ encoded words

    def test_words_of_one_charset_are_joined_before_they_are_decoded(self):
        for value, text in {
            "=?utf-8?b?w6TD?= =?utf-8?b?pMO8?=": "ääü",
            "=?utf-8?q?=C3?=\r\n =?UTF-8?B?vA==?=": "ü",
            "=?gb2312?b?0Q==?= =?GBK?b?r7zb?=": "询价",
            "=?utf-8?b?4pyTIG?= =?utf-8?b?9rIQ==?=": "✓ ok!",
            "=?utf-8?q?a?= =?iso-8859-1?q?=FC?= b": "aü b",
        }.items():
            self.assertEqual(read_words(value), DecodedText(text), value)

    def test_words_in_unusual_notations_are_read(self):
        for value, text in {
            "=?utf-8?Q?a b=C3=BC?=c": "a büc",
            "x=?utf-8?q?=C3=BC?=y": "xüy",
            "=?utf-8?q?Are_you??=": "Are you?",
            "=?utf-8*de?q?=C3=BC?=": "ü",
            "=?utf-8?b?w7w?=": "ü",
            "=?utf-8?x?=": "=?utf-8?x?=",
            "=?utf-8?q?open": "=?utf-8?q?open",
            "Gr\udcc3\udcbc": "Grü",
        }.items():
            self.assertEqual(decode_words(value), text, value)

    def test_the_runs_add_up_to_the_value(self):
        for value in ("", "a", "=?utf-8?q?a?=", " =?utf-8?q?a?= \r\n =?utf-8?q?b?= c =?x", "?==?a?b?c?="):
            self.assertEqual("".join(run.source for run in runs(value)), value)

    def test_long_repetitions_of_words_become_text_that_the_database_takes(self):
        for piece in ("=?a?q?", "=?", "?=", "=?utf-8?q?a?= ", "=?utf-8?b?/?=", "=?utf-8?q?=F0=9F?=\r\n "):
            self.assertDatabaseText(decode_words(piece * (MANY // len(piece))), piece)

    def test_python_reads_the_normalized_words(self):
        for words, text in {
            "=?gb2312?b?0a+827S0?=": "询价创",
            "=?utf-8?b?w6TD?=\r\n =?utf-8?b?pMO8?=": "ääü",
            "=?iso-8859-1?q?=80?=": "€",
            "Re: =?shift_jis?b?h0A=?= ok": "Re: ① ok",
        }.items():
            message = message_from_bytes(f"Subject: {words}\r\nTo: {words} <a@b.example>\r\n\r\n".encode(), policy=SMTP)
            normalize_headers(message)
            self.assertEqual(str(message["Subject"]), text)
            self.assertEqual(
                (str(message["To"]).split(" <")[0].strip('"'), message["To"].addresses[0].addr_spec),
                (text, "a@b.example"),
            )

    # ------------------------------------------------------------------ parameters

    def test_parameters_in_unusual_notations_are_read(self):
        for value, name in {
            'attachment; filename="a b.pdf"': "a b.pdf",
            "filename=truth.pdf": "truth.pdf",  # without a disposition
            "attachment; filename=a b.pdf; size=5": "a b.pdf",
            "attachment; FileName=a.pdf": "a.pdf",
            "attachment; filename*=UTF-8''%C3%BC.pdf; filename=u.pdf": "ü.pdf",
            "attachment; filename=u.pdf; filename*=utf-8'de'%C3%BC.pdf": "ü.pdf",
            "attachment; filename*1*=%BC.pdf; filename*0*=utf-8''%C3": "ü.pdf",
            'attachment; filename*0="a;"; filename*1="b.pdf"': "a;b.pdf",
            'attachment; filename="=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC=2Epdf?="': "ü.pdf",
            "attachment; filename==?iso-8859-1?q?=80.pdf?=": "€.pdf",
            'attachment; filename="a\\"b.pdf"': 'a"b.pdf',
            'attachment; filename="C:\\dir\\a.pdf"': "C:\\dir\\a.pdf",
            'attachment; filename="\udcfcber.pdf"': "über.pdf",
            'attachment; filename="open': "open",
            "attachment; filename*=broken": "broken",
            "attachment": "",
            "": "",
        }.items():
            self.assertEqual(parameter(value, "filename"), name, value)

    def test_content_disposition_counts_more_than_content_type(self):
        head = b'Content-Type: image/png; name="type.png"\r\n'
        self.assertEqual(file_name(message_from_bytes(head + b"\r\n")), "type.png")
        both = head + b"Content-Disposition: inline; filename=disposition.png\r\n\r\n"
        self.assertEqual(file_name(message_from_bytes(both)), "disposition.png")

    def test_long_repetitions_of_parameters_become_text_that_the_database_takes(self):
        for piece in (";", '; a="', "; filename*0=a", "; filename=a", '\\"', "=", '; filename="\\'):
            self.assertDatabaseText(parameter(piece * MANY, "filename"), piece)

    # ------------------------------------------------------------------ dates, HTML and references

    def test_dates_of_common_programs_are_read(self):
        for value, date in {
            "Mon, 02 Mar 2026 09:30:00 +0100": "2026-03-02 08:30:00+00:00",
            "Mon,  2 Mar 2026 09:30:00 +0100 (CET)": "2026-03-02 08:30:00+00:00",
            "2 Mar 26 09:30 EST": "2026-03-02 14:30:00+00:00",
            "Mon Mar  2 09:30:00 2026": "2026-03-02 09:30:00+00:00",
            "2026-03-02 09:30": "2026-03-02 09:30:00+00:00",
            "Mon, 02 Mar 2026 09:30:00 -0000": "2026-03-02 09:30:00+00:00",
        }.items():
            self.assertEqual(str(read_date(value)), date, value)

    def test_invalid_dates_are_not_read(self):
        for value in (
            "",
            "09:30",
            "Monday",
            "Mar 2026",
            "2 Mar",
            "\0",
            "9" * MANY,
            "Thu, 18 Jul 0102 19:51:35 -0100",
            "2 Mar 102",
        ):
            self.assertIsNone(read_date(value), value[:40])

    def test_html_has_content_when_it_has_a_word_or_an_image(self):
        for text in ("<p>&nbsp;</p>", "<style>a{}</style><!-- x --><br>", "&#8203;&#xFEFF;", "<title>Mail</title>", ""):
            self.assertFalse(has_content(text), text)
        for text in ("<p>a", "<IMG src=x>", "&euro;", "5"):
            self.assertTrue(has_content(text), text)

    def test_references_are_found_in_all_their_forms(self):
        for reference in ("a%40b", "A@B", "a@b", "&lt;a@b&gt;", "a%2540b"):
            self.assertEqual(with_references_found(f'<img src="cid:{reference}">', ["a@b"]), '<img src="cid:a@b">')
        self.assertEqual(with_references_found('<img src="CID:x">', ["a@b"]), '<img src="CID:x">')

    def test_normalizing_a_message_again_changes_nothing(self):
        for source in self.every_eml():
            with suppress(BoundExceeded):
                message = parse(source)
                self.assertEqual(*(self.normalized(message) for _time in range(2)))

    def normalized(self, message):
        normalize_headers(message)
        normalize_content(message)
        parts = [(part.get_content_type(), part.get_filename(), part.get_payload()) for part in message.walk()]
        return [*message.raw_items()], [part for part in parts if isinstance(part[2], str)]
