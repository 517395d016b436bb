from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon


@tagged("post_install", "-at_install")
class TestAnswersTable(InboundCommon):
    """What each rule said, on the form of a message."""

    def test_rules_that_were_asked_come_first_and_the_rest_was_not_asked(self):
        message = self.deliver(self.to_alias(Auto_Submitted="auto-replied"))
        table = message.answers_table
        self.assertLess(table.index("Duplicates"), table.index("Automatic replies"))
        self.assertLess(table.index("An automatic reply: Auto-Submitted"), table.index("Too many new records"))
        self.assertEqual(table.count("Not asked"), 2)
        self.assertEqual(table.count("Does not hit"), 4)
        self.assertEqual(table.count("table-warning"), 1)

    def test_what_a_sender_wrote_is_escaped(self):
        answer = {"name": "<b>", "check": "automatic", "action": "note", "reason": "<script>alert(1)</script>"}
        message = self.store(self.to_alias())
        message.answers = [answer]
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", message.answers_table)
        self.assertNotIn("<script", message.answers_table)
        self.assertNotIn("<b>", message.answers_table)

    def test_a_rule_whose_check_is_gone_is_shown_by_its_name(self):
        message = self.store(self.to_alias())
        message.answers = [{"name": "Old", "check": "gone", "action": "hold", "reason": ""}]
        self.assertIn("gone", message.answers_table)

    def test_a_rule_that_is_newer_than_the_answers_is_left_out(self):
        message = self.deliver(self.to_alias())
        before = fields.Datetime.now() - timedelta(days=1)
        message.judged_date = before
        self.assertNotIn("Not asked", message.answers_table)

    def test_a_message_that_no_rule_was_asked_about_has_no_table(self):
        self.assertFalse(self.store(self.to_alias()).answers_table)
