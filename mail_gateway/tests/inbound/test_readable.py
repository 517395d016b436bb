import email
import email.policy

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tests.tools.tolerant_parsing.test_fuzz import mutants
from odoo.addons.mail_gateway.tests.tools.tools_common import DATA, rounds
from odoo.addons.mail_gateway.tools.tolerant_parsing.readable import make_readable

SETTLED = ("delivered", "held", "rejected", "discarded")


@tagged("post_install", "-at_install")
class TestReading(InboundCommon):
    """Odoo processes the parser's result for any bytes, and keeps everything that could be read."""

    def setUp(self):
        super().setUp()
        self.env["mail.inbound.rule"].search([]).active = False  # only parsing and routing remain
        self.env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", 10_000)
        self.address = f"inbound@{self.alias_domain}"

    def addressed(self, source):
        return source.replace(b"sales@mycompany.example", self.address.encode())

    def source(self, name):
        return self.addressed((DATA / f"{name}.eml").read_bytes())

    def receive(self, source):
        """Deliver a source; return its chatter message."""
        row = self.deliver(source)
        self.assertEqual(row.state, "delivered", row.detail or row.reason)
        return row.mail_message_ids

    def receive_body(self, kind, body):
        """Do the same with a body of this content type."""
        head = f"From: mary@customer.example\r\nTo: {self.address}\r\nMessage-Id: <1@x>\r\nContent-Type: {kind}\r\n\r\n"
        return self.receive(head.encode() + body)

    def files(self, message):
        return {attachment.name: attachment.raw for attachment in message.attachment_ids}

    # ------------------------------------------------------------------ any message

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_every_fixture_is_settled(self):
        for file in sorted(DATA.glob("*.eml")):
            with self.subTest(file.stem):
                row = self.deliver(self.addressed(file.read_bytes()))
                self.assertIn(row.state, SETTLED, row.detail)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_mutants_are_delivered_unless_their_recipients_are_gone(self):
        delivered = 0
        for number, (name, mutant) in enumerate(mutants(320)):
            # Its own Message-Id keeps it from being a repetition.
            source = self.addressed(mutant).replace(b"Message-Id: <", b"Message-Id: <%d." % number)
            row = self.deliver(source)
            if self.address in (row.recipients or "").split(", "):
                self.assertEqual(row.state, "delivered", (name, source, row.reason, row.detail))
                delivered += 1
            self.assertIn(row.state, SETTLED, (name, source, row.detail))
        self.assertGreater(delivered, rounds(320) / 2)

    def test_the_text_only_form_is_delivered_with_the_original_attached(self):
        for name in ("text_and_html", "deeply_nested", "smime_signed"):
            source = self.source(name).replace(b"Message-Id: <", b"Message-Id: <%s." % name.encode())
            message = self.receive(make_readable(source, text_only=True).source)
            self.assertEqual(self.files(message), {"original.eml": source})

    # ------------------------------------------------------------------ contents that are kept

    def test_the_original_is_attached_byte_for_byte(self):
        for name in ("nul_bytes", "boundary_missing", "message_id_in_square_brackets"):
            source = self.source(name).replace(b"order.", name.encode())
            self.assertEqual(self.files(self.receive(source))["original.eml"], source)

    def test_a_message_id_that_breaks_the_parser_is_kept(self):
        message = self.receive(self.source("message_id_in_square_brackets"))
        self.assertEqual(message.message_id, "<[order.1@customer.example]>")
        answer = self.receive(self.to_alias(subject="Re", In_Reply_To=message.message_id))
        self.assertEqual((answer.model, answer.res_id), (message.model, message.res_id))

    def test_an_attachment_with_a_wrong_charset_label_keeps_its_bytes(self):
        message = self.receive(self.source("attachment_in_another_charset_than_it_says"))
        self.assertEqual(self.files(message)["orders.csv"], "Köln;10".encode("latin-1"))

    def test_attachments_of_types_that_odoo_cannot_read_are_kept(self):
        message = self.receive(self.source("content_type_unknown_kind"))
        self.assertEqual(self.files(message)["sans.woff"], b"wOFF\0not really")

    def test_a_defective_bounce_is_still_recognized_as_a_bounce_of_its_message(self):
        offer = self.env["mail.message"].create({"message_id": "<[offer.1@mycompany.example]>", "body": "Offer"})
        source = make_readable(self.source("bounce_report_with_flaws")).source
        message = email.message_from_bytes(source, policy=email.policy.SMTP)
        parsed = self.env["mail.thread"].message_parse(message)
        self.assertTrue(parsed["is_bounce"])
        self.assertEqual(parsed["bounced_email"], "nobody@customer.example")
        self.assertEqual(parsed["bounced_message"], offer)

    # ------------------------------------------------------------------ excessive sizes

    def test_html_too_expensive_for_the_sanitizer_is_attached_as_text(self):
        html = b"<p>Please send ten.</p>" + b"<xyz>of them</xyz>" * 30_000
        message = self.receive_body("text/html; charset=utf-8", html)
        self.assertIn("Please send ten.", message.body)
        self.assertNotIn("<xyz>", message.body)
        aside = message.attachment_ids.filtered(lambda attachment: attachment.name == "message.html.txt")
        self.assertEqual((aside.raw, aside.mimetype), (html, "text/plain"))

    def test_megabytes_of_text_in_one_line_are_cut(self):
        message = self.receive_body("text/plain; charset=utf-8", b"x" * 5_000_000)
        self.assertLess(len(message.body), 500_000)

    def test_thousands_of_parts_become_a_hundred_attachments_and_the_original(self):
        part = b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n"
        message = self.receive_body("multipart/mixed; boundary=b", part * 5000 + b"--b--\r\n")
        self.assertEqual(len(message.attachment_ids), 101)

    def test_the_alias_is_found_among_thousands_of_recipients(self):
        people = ",\r\n ".join(f"person{number}@customer.example" for number in range(4000))
        source = (
            f"From: mary@customer.example\r\nTo: {people},\r\n {self.address}\r\nMessage-Id: <1@x>\r\n\r\nHello\r\n"
        )
        self.assertIn("Hello", self.receive(source.encode()).body)

    def test_headers_after_a_megabyte_of_others_are_read(self):
        lines = "".join(f"X-Junk-{number}: {'x' * 50}\r\n" for number in range(20_000))
        source = f"{lines}From: mary@customer.example\r\nTo: {self.address}\r\nMessage-Id: <1@x>\r\n\r\nHello\r\n"
        self.assertIn("Hello", self.receive(source.encode()).body)
