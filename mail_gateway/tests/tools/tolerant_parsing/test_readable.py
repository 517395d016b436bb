import email
import email.policy

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, length, some_of
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect
from odoo.addons.mail_gateway.tools.tolerant_parsing.normalize import normalize_content, normalize_headers
from odoo.addons.mail_gateway.tools.tolerant_parsing.readable import make_readable

HEAD = b"From: Mary <mary@customer.example>\r\nTo: sales@mycompany.example\r\nSubject: Order\r\nMIME-Version: 1.0\r\n"
ORIGINAL = "original.eml"
MANY_HEADERS = b"X-A: %s\r\n" % (b"b" * 70) * 10_000


class ReadingCase(ToolsCase):
    def read(self, source):
        """Return the message that Odoo gets for a source or a fixture."""
        source = self.eml(source) if isinstance(source, str) else source
        self.readable = make_readable(source)
        return self.as_odoo_reads(self.readable.source)

    def as_odoo_reads(self, source):
        """Return the message in the form from which Odoo takes its texts and files."""
        message = email.message_from_bytes(source, policy=email.policy.SMTP)
        normalize_headers(message)
        normalize_content(message)
        return message

    def texts(self, message):
        return [part.get_content() for part in message.walk() if part.get_content_type() == "text/plain"]

    def files(self, message):
        """Return name -> bytes, without the original."""
        found = {part.get_filename(): self.data(part) for part in message.walk() if part.get_filename()}
        return {name: data for name, data in found.items() if name != ORIGINAL}

    def data(self, part):
        """Return the file that Odoo makes of a part."""
        content = part.get_content()
        if isinstance(content, str):
            return content.encode(part.get_param("charset") or "utf-8")
        return content if isinstance(content, bytes) else content.as_bytes()

    def assertDefects(self, source, *defects):
        source = self.eml(source) if isinstance(source, str) else source
        self.assertEqual(set(make_readable(source).defects), set(defects))


class TestReading(ReadingCase):
    # ------------------------------------------------------------------ messages that are not changed

    def test_messages_that_odoo_can_process_are_handed_on_byte_for_byte(self):
        for name in (
            "text_and_html",
            "only_an_attachment",
            "message_attached",
            "calendar_with_text",
            "smime_signed",
            "smime_opaque",
            "pgp_encrypted",
            "winmail_dat",
            "format_flowed",
            "charset_utf16",
            "charset_shift_jis",
            "charset_missing_raw_utf8",
            "charset_utf16_unlabelled",
            "attachment_in_another_charset_than_it_says",
            "calendar_only",
            "bounce_report",
            "empty_message",
            "from_empty",
            "from_missing",
            "from_twice",
            "date_malformed",
            "without_message_id",
            "without_header",
            "mime_version_missing",
            "headers_in_raw_utf8",
            "line_feeds_only",
            "carriage_returns_only",
            "line_ends_mixed",
            "multipart_unterminated",
            "content_type_any",
            "attachment_without_a_name",
        ):
            with self.subTest(name):
                source = self.eml(name)
                self.assertEqual(make_readable(source), (source, ()))

    def test_empty_sources_are_handed_on_unchanged(self):
        for source in (b"", b"\r\n", b"\r\n\r\n", b":"):
            self.assertEqual(make_readable(source), (source, ()))

    # ------------------------------------------------------------------ defects

    def test_each_defect_is_reported_with_its_name(self):
        for name, defect in {
            "charset_unknown": Defect.CHARSET,
            "charset_lies_utf8_for_windows1252": Defect.CHARSET,
            "charset_is_a_codec_trap": Defect.CHARSET,
            "message_id_in_square_brackets": Defect.HEADERS,
            "from_with_nested_comments": Defect.HEADERS,
            "surrogates_in_headers": Defect.HEADERS,
            "headers_in_raw_latin1": Defect.HEADERS,
            "message_attached_with_malformed_headers": Defect.HEADERS,
            "content_type_unknown_kind": Defect.CONTENT_TYPE,
            "transfer_encoding_unknown": Defect.ENCODING,
            "base64_truncated": Defect.ENCODING,
            "message_attached_in_base64": Defect.ENCODING,
            "boundary_missing": Defect.STRUCTURE,
            "boundary_wrong": Defect.STRUCTURE,
            "multipart_that_is_none": Defect.STRUCTURE,
            "deeply_nested": Defect.NESTING,
            "attached_messages_nested": Defect.NESTING,
            "attachment_names_hostile": Defect.NAMES,
        }.items():
            with self.subTest(name):
                self.assertDefects(name, defect)

    def test_several_defects_are_all_reported(self):
        self.assertDefects("nul_bytes", Defect.CHARACTERS, Defect.HEADERS)
        self.assertDefects("base64_with_a_footer", Defect.CHARSET, Defect.ENCODING)

    def test_messages_beyond_a_limit_are_reported_with_its_name(self):
        nested = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(length(2000))
        )
        parts = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000
        many = b"To: " + b", ".join(b"p%d@x.example" % n for n in range(3000)) + b"\r\n\r\n"
        for source, defect in some_of(
            (
                (HEAD + nested, Defect.NESTING),
                (HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 5000, Defect.NESTING),
                (HEAD + parts, Defect.PARTS),
                (HEAD + b"\r\n" + b"\n" * 2_000_000, Defect.SIZE),
                (HEAD + MANY_HEADERS + b"\r\nx", Defect.HEAD_SIZE),
                (HEAD + many, Defect.RECIPIENTS),
                (HEAD + b"\r\n" + b"x" * 2_000_000, Defect.TEXT),
                (HEAD + b"\r\n" + b"\n>a\nb" * 50_000, Defect.TEXT),
            )
        ):
            with self.subTest(defect=defect):
                self.assertDefects(source, defect)

    # ------------------------------------------------------------------ results

    def test_the_original_comes_last_and_unchanged(self):
        source = self.eml("nul_bytes")
        last = list(self.read(source).iter_parts())[-1]
        self.assertEqual((last.get_filename(), last.get_content_type()), (ORIGINAL, "application/octet-stream"))
        self.assertEqual(last.get_content(), source)

    def test_the_text_only_form_contains_only_the_text_and_the_original(self):
        source = self.eml("text_and_html")
        readable = make_readable(source, text_only=True)
        message = email.message_from_bytes(readable.source, policy=email.policy.SMTP)
        self.assertEqual(readable.defects, (Defect.REPEATED,))
        self.assertEqual(
            [part.get_content_type() for part in message.iter_parts()], ["text/plain", "application/octet-stream"]
        )
        self.assertIn("The plain text, grün.", self.texts(message)[0])

    def test_the_text_only_form_of_html_is_its_text(self):
        source = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Please <b>send</b> ten.</p>"
        message = email.message_from_bytes(make_readable(source, text_only=True).source, policy=email.policy.SMTP)
        self.assertEqual(self.texts(message), ["Please send ten."])

    def test_the_html_is_kept_in_a_defective_message_with_text_and_html(self):
        message = self.read(self.eml("text_and_html").replace(b"Subject: ", b"Subject: \0"))
        self.assertEqual(
            [part.get_content_type() for part in message.iter_parts()], ["text/html", "application/octet-stream"]
        )

    def test_a_defective_message_with_an_empty_body_has_no_text(self):
        self.assertEqual(self.texts(self.read(HEAD + MANY_HEADERS)), [])
