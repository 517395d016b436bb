"""Texts, HTML and attachments of messages with defects."""

from odoo.addons.mail_gateway.tests.tools.tolerant_parsing.test_readable import HEAD, ReadingCase
from odoo.addons.mail_gateway.tests.tools.tools_common import some_of
from odoo.addons.mail_gateway.tools.text.charset_names import trusted
from odoo.addons.mail_gateway.tools.text.charsets import to_text
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect
from odoo.addons.mail_gateway.tools.tolerant_parsing.file_names import is_hostile, safe_name
from odoo.addons.mail_gateway.tools.tolerant_parsing.html import has_content, is_heavy, without_hidden
from odoo.addons.mail_gateway.tools.tolerant_parsing.normalize import is_shown

HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"


class TestReadingTexts(ReadingCase):
    # ------------------------------------------------------------------ charsets

    def test_texts_are_read_despite_wrong_or_missing_labels(self):
        for name, words in {
            "charset_unknown": "Grüße aus Köln",
            "charset_lies_ascii_for_latin1": "Grüße aus Köln",
            "charset_lies_utf8_for_windows1252": "Grüße aus Köln für 10 €",
            "charset_missing_raw_utf8": "Grüße aus Köln",
            "charset_utf16_unlabelled": "Grüße aus Köln",
            "charset_in_extended_syntax": "please send ten of them.",
            "body_in_an_unknown_charset": "Grüße",
            "transfer_encoding_unknown": "please send ten of them.",
        }.items():
            with self.subTest(name):
                self.assertIn(words, self.texts(self.read(name))[0])

    def test_dangerous_codecs_are_not_used(self):
        for name in (
            "unicode_escape",
            "raw_unicode_escape",
            "idna",
            "punycode",
            "rot13",
            "base64",
            "zip",
            "utf-7",
            "undefined",
        ):
            self.assertIsNone(trusted(name), name)
        self.assertIn("\\ud800", "".join(self.texts(self.read("charset_is_a_codec_trap"))))

    def test_invalid_names_of_charsets_are_not_trusted(self):
        for name in ("", "\0", "utf-8\0", "x" * 10_000, "../../etc/passwd", "é", "\ud800"):
            self.assertIsNone(trusted(name), name)

    def test_latin1_is_read_as_its_superset_windows_1252(self):
        self.assertEqual(to_text(b"10 \x80", "iso-8859-1"), "10 €")

    def test_control_characters_are_left_out(self):
        self.assertEqual(to_text(b"a\0b\x0bc\x1bd\te\r\nf\rg"), "abcd\te\nf\ng")

    # ------------------------------------------------------------------ structure

    def test_parts_are_found_by_the_boundary_that_occurs(self):
        for name in ("boundary_missing", "boundary_wrong"):
            with self.subTest(name):
                message = self.read(name)
                self.assertIn("please send ten of them.", self.texts(message)[0])
                self.assertEqual(self.files(message), {"order.pdf": b"%PDF-1.4 not really"})

    def test_a_multipart_without_parts_is_read_as_text(self):
        self.assertIn("please send ten of them.", self.texts(self.read("multipart_that_is_none"))[0])

    def test_deeply_nested_texts_are_found(self):
        for name in ("deeply_nested", "attached_messages_nested"):
            with self.subTest(name):
                self.assertIn(b"At the bottom.", self.readable_text(name))

    def readable_text(self, name):
        message = self.read(name)
        return "".join(self.texts(message)).encode() + b"".join(self.files(message).values())

    def test_a_footer_after_base64_is_kept(self):
        text = self.texts(self.read("base64_with_a_footer"))[0]
        self.assertIn("Grüße aus Köln", text)
        self.assertIn("The list's footer!", text)

    def test_a_truncated_attachment_is_kept(self):
        data = self.files(self.read("base64_truncated"))["order.pdf"]
        self.assertTrue(b"%PDF-1.4 not really a document".startswith(data[:20]))
        self.assertGreater(len(data), 20)

    def test_a_long_text_is_cut(self):
        text = self.texts(self.read(HEAD + b"\r\n" + b"x" * 2_000_000))[0]
        self.assertTrue(text.endswith("x\n[…]"))
        self.assertLess(len(text), 500_000)

    # ------------------------------------------------------------------ HTML

    def test_html_that_is_set_aside_is_attached_as_plain_text(self):
        message = self.read(HTML + b"<p>Please send ten.</p>" + b"<xyz>of them</xyz>" * 30_000)
        self.assertEqual(self.readable.defects, (Defect.HTML,))
        self.assertTrue(self.texts(message)[0].startswith("Please send ten."))
        aside = next(part for part in message.walk() if part.get_filename() == "message.html.txt")
        self.assertEqual(aside.get_content_type(), "text/plain")

    def test_html_that_is_set_aside_is_read_despite_a_very_long_number(self):
        number = b"&#" + b"9" * 5000 + b";"
        message = self.read(HTML + b"<p>Please send %sten.</p>" % number + b"<xyz>of them</xyz>" * 30_000)
        self.assertTrue(self.texts(message)[0].startswith("Please send ten."))

    def test_an_invisible_image_is_not_content(self):
        for image in (
            '<img src="https://x.example/a" width=1 height=1>',
            "<IMG SRC='https://x.example/a' HEIGHT='1px' WIDTH='0'>",
            '<img src="https://x.example/a" width="1">',
            '<img src="https://x.example/a" width="0" height="20">',
            '<img style="width:1px; height:1px" src="https://x.example/a">',
            '<img style="max-height:0;max-width:0" src="https://x.example/a">',
            '<img style="DISPLAY: none" src="https://x.example/a">',
            '<img style="visibility:hidden" src="https://x.example/a" width=600>',
            '<img hidden src="https://x.example/a">',
            "<img>",
            '<img src="">',
            '<img alt="Logo" src="cid:other@x.example">',
            '<!-- <img src="https://x.example/a"> -->',
        ):
            self.assertFalse(has_content(f"<p>{image}&nbsp;</p>", {"logo@x.example"}), image)

    def test_a_visible_image_is_content(self):
        for image in (
            "<img src=x>",
            '<img src="https://x.example/a" width=600 height=1>',
            '<img src="https://x.example/a" width="100%" height="1em">',
            '<img src="https://x.example/a" width="1" style="width:100px">',
            '<img src="cid:Logo%40x.example">',
            '<img src="https://x.example/a" alt="a hidden door" width=16 height=16>',
            '<img src="data:image/png;base64,iVBORw0KGgo=">',
        ):
            self.assertTrue(has_content(f"<p>{image}</p>", {"logo@x.example"}), image)

    def test_defective_messages_are_shown_like_others(self):
        for name, words in {
            "content_html_is_a_tracking_pixel": ["Please call back."],
            "content_html_is_an_image_that_is_missing": ["Please call back."],
            "content_html_is_a_picture_from_afar": ["Please call back.", "offer.png"],
            "content_html_is_a_picture_beside_a_text": ["Please call back.", "cid:offer@customer.example"],
        }.items():
            message = self.read(self.eml(name).replace(b"Subject: Order", b"Subject: Or\0der"))
            self.assertEqual(self.readable.defects, (Defect.HEADERS,))
            shown = [part.get_content() for part in message.walk() if is_shown(part)]
            self.assertEqual([word for word, text in zip(words, shown, strict=True) if word in text], words, name)

    def test_the_plain_text_replaces_html_that_is_set_aside(self):
        html = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<xyz>of them</xyz>" * 30_000
        plain = b"--b\r\nContent-Type: text/plain\r\n\r\nThe plain text.\r\n"
        message = self.read(
            HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + plain + html + b"\r\n--b--\r\n"
        )
        self.assertEqual(self.texts(message)[0], "The plain text.")

    def test_html_that_people_write_is_not_heavy(self):
        row = '<tr><td style="color:red;font-family:Arial, sans-serif" width="1"><a href="https://x.example/?a=1">x</a></td></tr>'
        for html in (
            "<p>Hello</p>",
            f"<html><head><style>{'p{background:url(x)}' * 500}</style></head><table>{row * 2000}</table></html>",
            f"<div class=gmail_quote><blockquote>{'line<br>' * 1000}</blockquote></div>",
            f'<img src="data:image/png;base64,{"A" * 1_000_000}">',
            "1 < 2 and 3 > 2 " * 100,
        ):
            self.assertFalse(is_heavy(html), html[:60])

    def test_html_that_is_expensive_to_sanitize_is_heavy(self):
        for piece, before, after in some_of(
            (
                ("<", "", ""),
                ("<a ", "", ""),
                ("<o:", "", ""),
                ("<!--", "", ""),
                ("<link>x", "", ""),
                ("<meta>x", "", ""),
                ("<script></script>x", "", ""),
                ("<div>", "", ""),
                ("<br>", "", ""),
                ("<hr class=stopSpelling>", "", ""),
                ("<div class=yahoo_quoted></div>", "", ""),
                ("<p></p>", "<div><p class=gmail_extra></p>", "<p class=gmail_quote></p></div>"),
                ("a", '<p style="', '">'),
                ("a", "<p style=", ">"),
                ("url(", '<p style="', '">'),
                ("expression(", '<p style="', '">'),
                ("/* ", '<p style="', '">'),
                (" a", "<p", ">"),
                (' a=">"', "<p", ">"),
                (' a="<a>"', "<p", ">"),
                ("\n>a\nb", "<p>", "</p>"),
                ("\n&gt;a\nb", "<p>", "</p>"),
                ("<a encoding=x ", '<p title="', '">'),
            )
        ):
            with self.subTest(piece=piece, before=before):
                self.assertTrue(is_heavy(before + piece * (600_000 // len(piece)) + after))

    def test_comments_styles_and_scripts_are_removed_before_html_is_measured(self):
        """The bounds of HTML apply to the rest, without comments, styles and scripts."""
        self.assertEqual(without_hidden("a<!-- b -->c<style>d</STYLE>e<script>f"), "ace")

    # ------------------------------------------------------------------ attachments

    def test_hostile_names_become_harmless(self):
        message = self.read("attachment_names_hostile")
        names = [part.get_filename() for part in message.walk() if part.get_filename()]
        self.assertEqual(
            names[:-1],
            ["passwd", "order.pdf", "order.pdf", "or der.pdf", f"{'x' * 120}.pdf", "orderfdp.exe", "attachment-7.pdf"],
        )
        self.assertFalse([name for name in self.files(message) if is_hostile(name)])

    def test_hostile_parts_of_names_are_removed(self):
        for name, safe in {
            "../../etc/passwd": "passwd",
            "C:\\Windows\\order.pdf": "order.pdf",
            "/order.pdf": "order.pdf",
            "or\nder.pdf": "order.pdf",
            "order\u202efdp.exe": "orderfdp.exe",
            "Rechnung 1/2026.pdf": "Rechnung 1/2026.pdf",
            "x" * 300 + ".pdf": "x" * 120 + ".pdf",
            "..": "attachment-3.pdf",
            "\0": "attachment-3.pdf",
        }.items():
            self.assertEqual(safe_name(name, 3, "application/pdf"), safe, name)
            self.assertFalse(is_hostile(safe), safe)

    def test_a_calendar_is_attached(self):
        files = self.files(self.read("calendar_only"))
        self.assertTrue(files["attachment-1.ics"].startswith(b"BEGIN:VCALENDAR"))

    def test_an_attached_message_in_base64_is_decoded(self):
        files = self.files(self.read("message_attached_in_base64"))
        self.assertIn(b"Send one.", next(iter(files.values())))

    def test_at_most_a_hundred_attachments_are_kept(self):
        part = b"--b\r\nContent-Type: application/pdf; name=a%d.pdf\r\n\r\nx\r\n"
        parts = b"".join(part % number for number in range(310))
        message = self.read(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n")
        self.assertEqual(len(self.files(message)), 100)
