import time

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, length, mutations, some_of
from odoo.addons.mail_gateway.tools.preview import SOURCE_BYTES, TEXT_CHARS, preview

PATIENCE = 10
HTML = b"Subject: Order\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


class TestPreview(ToolsCase):
    def show(self, name):
        return preview(self.eml(name))

    def body(self, html):
        """Return the preview of this HTML."""
        return preview(HTML + html).partition("Subject: Order\n\n")[2]

    # ------------------------------------------------------------------ contents

    def test_the_main_headers_come_first(self):
        self.assertTrue(
            self.show("without_message_id").startswith(
                "From: Mary <mary@customer.example>\nTo: sales@mycompany.example\nSubject: Order\n\nHello,"
            )
        )

    def test_a_message_without_headers_is_shown_as_text(self):
        self.assertIn("please send ten of them.", self.show("without_header"))

    def test_the_text_is_shown_instead_of_the_html(self):
        shown = self.show("text_and_html")
        self.assertIn("The plain text, grün.", shown)
        self.assertNotIn("HTML", shown)

    def test_an_attachment_is_named_and_not_shown(self):
        shown = self.show("only_an_attachment")
        self.assertTrue(shown.endswith("[Rechnung für März.pdf]"))
        self.assertNotIn("not really", shown)

    def test_a_body_in_an_unknown_charset_is_taken_for_utf8(self):
        self.assertIn("Grüße", self.show("body_in_an_unknown_charset"))

    def test_headers_in_raw_utf8_are_readable(self):
        self.assertIn("Subject: Grüße aus Köln für dich", self.show("headers_in_raw_utf8"))

    def test_nul_bytes_are_left_out(self):
        self.assertIn("please send ten of them.", self.show("nul_bytes"))

    def test_a_deeply_nested_text_is_found(self):
        self.assertTrue(self.show("deeply_nested").endswith("At the bottom."))

    def test_a_message_nested_too_deeply_to_parse_is_shown_as_source(self):
        levels = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(length(4800)))
        self.assertTrue(preview(levels.encode()).startswith("Content-Type: multipart/mixed; boundary=b0"))

    def test_a_long_text_is_cut(self):
        shown = preview(b"Subject: Order\r\n\r\n" + b"x" * (2 * TEXT_CHARS))
        self.assertEqual(shown.count("x"), TEXT_CHARS)

    # ------------------------------------------------------------------ HTML

    def test_html_is_shown_without_markup_style_and_scripts(self):
        shown = self.show("html_only")
        self.assertTrue(shown.endswith("\n\nDear Müller & Sons,\nplease send ten of them."))

    def test_html_without_end_tags_is_shown_to_its_last_word(self):
        self.assertTrue(self.show("html_without_end_tags").endswith("\n\nPlease send ten of them.\nYours\nR&D"))

    def test_html_that_is_cut_within_a_tag_is_shown_up_to_that_tag(self):
        self.assertEqual(self.body(b'<p>Hello</p><img src="x'), "Hello")

    def test_comments_are_left_out(self):
        self.assertEqual(self.body(b"<p>Hello<!-- <b>not this</b> --> Mary</p>"), "Hello Mary")

    def test_conditional_markup_of_outlook_is_left_out(self):
        self.assertEqual(self.body(b"<p>Hello<![if !mso]> Mary<![endif]></p>"), "Hello Mary")

    def test_a_less_than_sign_is_text(self):
        self.assertEqual(self.body(b"<p>1 < 2 and 3 <4</p>"), "1 < 2 and 3 <4")

    # ------------------------------------------------------------------ any message

    def test_messages_that_are_expensive_to_parse_are_shown_in_bounded_time(self):
        nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(250))
        for start, piece in some_of(
            (
                (b"Subject: ", b"=?a?q?x"),
                (b'Content-Type: text/plain; a="', b";"),
                (b"Content-Type: text/plain; ", b"a=b; "),
                (b"Content-Disposition: attachment; ", b"filename*1*=a; "),
                (b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 250_000 + b"-", b"9"),
                (nested + b"\r\n", b"\n"),
                (nested + b"\r\n", b"\r"),
                (b"Content-Type: multipart/digest; boundary=b\r\n\r\n", b"--b\n\n"),
                (b"", b"Content-Type: message/rfc822\r\n\r\n"),
                (HTML, b"<"),
                (HTML, b"<a "),
                (HTML, b"<!--"),
                (HTML, b"<![CDATA["),
                (HTML, b"<script>"),
                (HTML + b"<a ", b"a='"),
                (HTML, b"&"),
                (HTML, b"<br>"),
            )
        ):
            with self.subTest(start=start[:40], piece=piece):
                started = time.thread_time()
                preview(start + piece * (length(SOURCE_BYTES) // len(piece)))
                self.assertLess(time.thread_time() - started, PATIENCE)

    def test_any_bytes_become_text_that_the_database_takes(self):
        for source in mutations(self.every_eml(), 2500):
            self.assertDatabaseText(preview(source), source)

    def test_a_body_in_a_codec_that_makes_surrogates_is_shown_undecoded(self):
        self.assertTrue(preview(HTML.replace(b"utf-8", b"utf-7") + b"<p>Order +2AA-</p>").endswith("Order +2AA-"))

    def test_a_number_too_long_for_python_hides_no_text(self):
        shown = preview(HTML + b"<p>Please send &#" + b"9" * 5000 + b";ten.</p>")
        self.assertTrue(shown.endswith("Please send ten."), shown[-80:])
