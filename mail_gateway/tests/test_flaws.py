from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tools.reading_flaws import Flaw


@tagged("post_install", "-at_install")
class TestFlaws(InboundCommon):
    """A message that Odoo was not given as it came says so."""

    def test_there_are_words_for_every_flaw(self):
        words = self.env["mail.inbound.message"]._words_for_flaws(Flaw)
        self.assertEqual(len(words.splitlines()), len(Flaw))

    def test_an_ordinary_message_is_handed_on_as_it_came(self):
        self.assertFalse(self.deliver(self.to_alias()).flaws)

    def test_what_was_wrong_with_a_message_is_kept_with_it(self):
        message = self.deliver(self.to_alias(Content_Type="text/plain; charset=klingon"))
        self.assertEqual(message.state, "delivered")
        self.assertEqual(message.flaws, "A text is not in the charset that it names.")
        self.assertEqual(message.mail_message_ids.attachment_ids.raw, message._source_bytes())

    @mute_logger("odoo.addons.mail_gateway.models.mail_inbound_delivery")
    def test_the_last_try_takes_the_text_only(self):
        message = self.store(self.to_alias())
        message.try_count = 2
        self.run_lane()
        self.assertEqual((message.state, message.try_count), ("delivered", 3))
        self.assertIn("only its text was taken", message.flaws)
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original.eml"])
