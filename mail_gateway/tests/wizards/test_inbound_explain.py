import base64
import re
from datetime import timedelta
from email import message_from_bytes, policy

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tests.dry_run.dry_run_common import DryRunCommon


@tagged("post_install", "-at_install")
class TestAnswersTable(InboundCommon):
    """The answers of the rules, on the form of a message."""

    def test_rules_that_were_asked_come_first_and_the_others_are_marked_as_not_evaluated(self):
        message = self.deliver(self.to_alias(Auto_Submitted="auto-replied"))
        table = message.rule_results_table
        self.assertLess(table.index("Duplicate Messages"), table.index("Automatic Replies"))
        self.assertLess(table.index("An automatic reply (Auto-Submitted"), table.index("Record Limit Exceeded"))
        self.assertEqual(table.count("Not evaluated"), 3)
        self.assertEqual(len(re.findall(r">\s*No match\s*<", table)), 3)
        self.assertEqual(table.count("table-warning"), 1)

    def test_text_of_a_sender_in_the_answers_is_escaped(self):
        answer = {"name": "<b>", "check": "automatic", "action": "note", "reason": "<script>alert(1)</script>"}
        message = self.store(self.to_alias())
        message.rule_results = [answer]
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", message.rule_results_table)
        self.assertNotIn("<script", message.rule_results_table)
        self.assertNotIn("<b>", message.rule_results_table)

    def test_a_rule_whose_check_no_longer_exists_is_shown_by_its_name(self):
        message = self.store(self.to_alias())
        message.rule_results = [{"name": "Old", "check": "gone", "action": "hold", "reason": ""}]
        self.assertIn("gone", message.rule_results_table)

    def test_a_rule_that_is_newer_than_the_answers_is_left_out(self):
        message = self.deliver(self.to_alias())
        before = fields.Datetime.now() - timedelta(days=1)
        message.judged_date = before
        self.assertNotIn("Not evaluated", message.rule_results_table)

    def test_a_message_that_no_rule_was_asked_about_has_no_table(self):
        self.assertFalse(self.store(self.to_alias()).rule_results_table)


@tagged("post_install", "-at_install")
class TestInboundExplain(DryRunCommon):
    """The answers of the dialog."""

    def explain(self, user=None, **values):
        """Return the dialog with its answer."""
        with self.enter_registry_test_mode():
            wizards = self.env["mail.inbound.explain"].with_user(user or self.env.user)
            wizard = wizards.create(values)
            wizard.action_explain()
        return wizard

    def test_a_typed_message_is_explained(self):
        answer = self.explain(
            email_from="Mary <mary@customer.example>",
            email_to=f"inbound@{self.alias_domain}",
            subject="Größe",
            body="Hello",
        ).answer
        for words in (
            "Delivered",
            "Odoo creates a record.",
            "Größe",
            "Alias that creates a record of Contact",
            "Record Limit Exceeded",
        ):
            self.assertIn(words, answer)

    def test_a_typed_reply_goes_to_its_record(self):
        wizard = self.explain(
            email_from="mary@customer.example", email_to=self.catchall, in_reply_to=self.question.message_id
        )
        self.assertIn("A reply to Contact “Order”", wizard.answer)
        self.assertIn("Odoo adds the message to a record's chatter.", wizard.answer)

    def test_a_typed_message_of_a_program_is_an_automatic_reply(self):
        wizard = self.explain(email_to=f"inbound@{self.alias_domain}", automatic=True)
        self.assertIn("An automatic reply (Auto-Submitted", wizard.answer)
        self.assertIn("Discarded", wizard.answer)

    def test_a_file_is_explained(self):
        source = base64.b64encode(self.to_alias(subject="From a file"))
        self.assertIn("From a file", self.explain(given="file", source=source).answer)

    def test_a_button_explains_an_inbound_message(self):
        message = self.deliver(raw())
        with self.enter_registry_test_mode():
            action = message.action_explain()
        wizard = self.env["mail.inbound.explain"].browse(action["res_id"])
        self.assertEqual((wizard.given, wizard.inbound_message_id), ("message", message))
        self.assertIn("No recipient matches", wizard.answer)

    def test_the_dialog_opened_from_an_inbound_message_is_about_that_message(self):
        message = self.store(raw())
        wizards = self.env["mail.inbound.explain"].with_context(default_inbound_message_id=message.id)
        self.assertEqual(wizards.default_get(["given", "inbound_message_id"])["given"], "message")

    def test_a_question_without_a_message_is_refused(self):
        for values in ({"given": "file"}, {"given": "message"}):
            with self.subTest(values), self.assertRaises(UserError):
                self.explain(**values)

    def test_a_message_without_its_source_cannot_be_explained(self):
        message = self.store(raw())
        message.source = False
        with self.assertRaises(UserError):
            self.explain(given="message", inbound_message_id=message.id)

    def test_anything_may_be_typed(self):
        texts = ("foo", "@", "<", '"', "a@b@c", "\n", ",;", "x" * 5000, "é <é@é.example>", "a\nBcc: x@y.example")
        for text in texts:
            with self.subTest(text):
                wizard = self.explain(email_from=text, email_to=text, email_cc=text, subject=text, in_reply_to=text)
                self.assertTrue(wizard.answer)

    def test_typed_values_add_no_further_header(self):
        wizard = self.env["mail.inbound.explain"].new(
            {"subject": "a\r\nBcc: x@y.example", "email_to": "a@b.example\nX: y"}
        )
        message = message_from_bytes(wizard._typed(), policy=policy.SMTP)
        self.assertFalse({"Bcc", "X"} & {*message.keys()})

    def test_the_contents_of_a_message_are_escaped(self):
        wizard = self.explain(
            email_from='"<script>x" <mary@customer.example>',
            email_to=f"inbound@{self.alias_domain}",
            subject="<script>alert(1)</script>",
            body="<script>alert(2)</script>",
        )
        self.assertNotIn("<script", wizard.answer)
        self.assertIn("&lt;script&gt;alert(1)", wizard.answer)

    def test_an_answer_replaces_the_previous_one(self):
        wizard = self.explain(email_to=f"inbound@{self.alias_domain}")
        self.assertIn("Delivered", wizard.answer)
        wizard.email_to = "nobody@elsewhere.example"
        with self.enter_registry_test_mode():
            wizard.action_explain()
        self.assertNotIn("Delivered", wizard.answer)


@tagged("post_install", "-at_install")
class TestInboundExplainRights(DryRunCommon):
    """The users whom the dialog is for."""

    def setUp(self):
        super().setUp()
        users = self.env["res.users"].with_context(no_reset_password=True)
        group = self.env.ref("mail_gateway.group_postmaster")
        self.postmasters = users.create(
            [
                {"name": name, "login": name, "email": f"{name}@mycompany.example", "group_ids": [(6, 0, group.ids)]}
                for name in ("one", "two")
            ]
        )

    def test_a_postmaster_may_explain_a_message_that_came_in(self):
        message = self.deliver(raw())
        with self.enter_registry_test_mode():
            action = message.with_user(self.postmasters[0]).action_explain()
        answer = self.env["mail.inbound.explain"].with_user(self.postmasters[0]).browse(action["res_id"]).answer
        self.assertIn("No recipient matches", answer)

    def test_only_postmasters_may_explain_messages(self):
        wizards = self.env["mail.inbound.explain"].with_user(self.agent)
        with self.assertRaises(AccessError):
            wizards.create({})
        with self.assertRaises(AccessError):
            wizards.new({"email_to": "x@y.example"}).action_explain()
        with self.assertRaises(AccessError):
            self.store(raw()).with_user(self.agent).action_explain()

    def test_nobody_can_read_the_answers_of_another_user(self):
        first, second = self.postmasters
        wizard = self.env["mail.inbound.explain"].with_user(first).create({"subject": "Mine"})
        self.assertEqual(wizard.subject, "Mine")
        for user in (second, self.agent):
            with self.subTest(user.login), self.assertRaises(AccessError):
                wizard.with_user(user).read(["subject", "answer"])
