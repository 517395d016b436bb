from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect


@tagged("post_install", "-at_install")
class TestDefects(InboundCommon):
    """A message that was changed before Odoo got it lists its defects."""

    def sentence(self, defect):
        return self.env["mail.inbound.message"]._defects_message([defect])

    def test_every_defect_has_a_description(self):
        words = self.env["mail.inbound.message"]._defects_message(Defect)
        self.assertEqual(len(words.splitlines()), len(Defect))

    def test_an_ordinary_message_is_passed_on_unchanged(self):
        self.assertFalse(self.deliver(self.to_alias()).defects)

    def test_defects_are_stored_with_the_message_and_the_original_is_attached(self):
        message = self.deliver(self.to_alias(Content_Type="text/plain; charset=klingon"))
        self.assertEqual(message.state, "delivered")
        self.assertEqual(message.defects, self.sentence(Defect.CHARSET))
        self.assertEqual(message.mail_message_ids.attachment_ids.raw, message._source_bytes())

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_the_last_try_uses_only_the_text(self):
        message = self.store(self.to_alias())
        message.try_count = 2
        self.run_lane()
        self.assertEqual((message.state, message.try_count), ("delivered", 3))
        self.assertIn("used its text only", message.defects)
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original.eml"])

    def test_a_server_set_to_keep_originals_attaches_the_unchanged_original(self):
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
