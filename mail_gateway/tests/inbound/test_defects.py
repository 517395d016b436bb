from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect


@tagged("post_install", "-at_install")
class TestDefects(InboundCommon):
    """A message that Odoo was not given as it came says so."""

    def sentence(self, defect):
        return self.env["mail.inbound.message"]._defects_message([defect])

    def test_there_are_words_for_every_flaw(self):
        words = self.env["mail.inbound.message"]._defects_message(Defect)
        self.assertEqual(len(words.splitlines()), len(Defect))

    def test_an_ordinary_message_is_handed_on_as_it_came(self):
        self.assertFalse(self.deliver(self.to_alias()).defects)

    def test_what_was_wrong_with_a_message_is_kept_with_it(self):
        message = self.deliver(self.to_alias(Content_Type="text/plain; charset=klingon"))
        self.assertEqual(message.state, "delivered")
        self.assertEqual(message.defects, self.sentence(Defect.CHARSET))
        self.assertEqual(message.mail_message_ids.attachment_ids.raw, message._source_bytes())

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_the_last_try_takes_the_text_only(self):
        message = self.store(self.to_alias())
        message.try_count = 2
        self.run_lane()
        self.assertEqual((message.state, message.try_count), ("delivered", 3))
        self.assertIn("used its text only", message.defects)
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original.eml"])

    def test_the_original_is_kept_as_it_came_when_the_server_says_so(self):
        self.server.original = True
        message = self.deliver(self.to_alias(subject="Grüße"))
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original_email.eml"])
        self.assertEqual(message.mail_message_ids.attachment_ids.raw, message._source_bytes())

    def test_the_original_of_a_broken_message_is_attached_once(self):
        self.server.original = True
        message = self.deliver(self.to_alias(Content_Type="text/plain; charset=klingon"))
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original.eml"])

    def test_a_message_without_to_can_be_refused_by_a_company_without_a_bounce_address(self):
        self.alias.alias_contact = "partners"
        self.env["res.company"].search([]).write({"alias_domain_id": False})
        message = self.deliver(self.to_alias(To=None, Cc=f"inbound@{self.alias_domain}"))
        self.assertEqual(message.state, "rejected", message.detail)
