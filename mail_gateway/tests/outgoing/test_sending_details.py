from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store
from odoo.addons.mail_gateway.tests.wizards.explain_common import ExplainCommon
from odoo.addons.mail_gateway.tools.server_selection import Step


@tagged("post_install", "-at_install")
class TestSendingDetails(ExplainCommon):
    """The chatter leads to the details of how the e-mails of a message were sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.record = cls.env["res.partner"].create({"name": "Reader", "email": "reader@customer.example"})

    def comment(self):
        """Post a comment that is e-mailed to the contact."""
        with self.mock_mail_gateway():
            return self.record.message_post(
                body="Ten", message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=self.record.ids
            )

    def row(self, message):
        """Create the sending details of an e-mail of this message."""
        return self.env["mail.outgoing.selection"].create(
            {"mail_message_id": message.id, "server_name": "Own", "step": Step.DOMAIN.value, "traffic": "transactional"}
        )

    def note(self):
        """Post a message that is not e-mailed."""
        return self.record.message_post(body="Ten")

    def offered_to(self, user, message):
        """Return whether the chatter of this user offers sending details."""
        store = Store().add(message.with_user(user))
        [data] = [data for data in store.get_result()["mail.message"] if data["id"] == message.id]
        return data.get("hasSendingDetails")

    def test_the_chatter_offers_a_postmaster_the_details_of_an_emailed_message(self):
        self.assertIs(self.offered_to(self.postmaster, self.comment()), True)

    def test_the_chatter_offers_details_if_there_are_any(self):
        note = self.note()
        self.assertIs(self.offered_to(self.postmaster, note), False)
        self.row(note)
        self.env.invalidate_all()
        self.assertIs(self.offered_to(self.postmaster, note), True)

    def test_the_chatter_tells_ordinary_users_nothing_about_details(self):
        message = self.comment()
        self.row(message)
        self.assertIsNone(self.offered_to(self.user("clerk"), message))

    def test_one_query_serves_all_messages_of_a_chatter(self):
        messages = self.note() | self.note() | self.note()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            messages.with_user(self.postmaster).sudo().mapped("outgoing_selection_count")

    def test_the_only_row_opens_in_a_dialog(self):
        message = self.comment()
        row = self.row(message)
        action = message.with_user(self.postmaster).action_open_sending_details()
        self.assertEqual((action["res_id"], action["target"]), (row.id, "new"))

    def test_several_rows_open_as_a_list(self):
        message = self.comment()
        rows = self.row(message) | self.row(message)
        action = message.with_user(self.postmaster).action_open_sending_details()
        self.assertEqual(self.env["mail.outgoing.selection"].search(action["domain"]), rows.sorted(reverse=True))

    def test_a_message_without_rows_reports_that_there_are_no_details(self):
        action = self.note().with_user(self.postmaster).action_open_sending_details()
        self.assertIn("No sending details yet", action["params"]["message"])

    def test_an_ordinary_user_may_not_open_sending_details(self):
        message = self.comment()
        self.row(message)
        clerk = self.user("clerk")
        with self.assertRaises(AccessError):
            message.with_user(clerk).action_open_sending_details()
        with self.assertRaises(AccessError):
            message.with_user(clerk).read(["outgoing_selection_count"])

    # ------------------------------------------------------------------ messages that a postmaster may not read

    def private(self):
        """Create the sending details of a message in a private conversation."""
        channel = self.env["discuss.channel"].create({"name": "Private", "channel_type": "group"})
        message = channel.message_post(body="Ten", subject="Salary of Mary", message_type="comment")
        return self.row(message).with_user(self.postmaster)

    def test_the_subject_and_record_of_an_unreadable_message_are_not_shown(self):
        row = self.private()
        with self.assertRaises(AccessError):
            row.sudo().mail_message_id.with_env(row.env).read(["subject"])
        self.assertFalse(row.subject or row.author_id or row.res_model or row.res_id)
        self.assertEqual(row.display_name, "Own")
        self.assertEqual(row.sudo().subject, "Salary of Mary")

    def test_the_subject_and_record_of_a_readable_message_are_shown(self):
        message = self.comment()
        message.subject = "Chairs"
        row = self.row(message).with_user(self.postmaster)
        self.assertEqual((row.subject, row.display_name, row.author_id), ("Chairs", "Chairs", message.author_id))
        self.assertEqual((row.res_model, row.res_id), ("res.partner", self.record.id))

    def test_the_subject_of_an_unreadable_message_does_not_appear_as_a_name(self):
        row = self.private()
        for names in (["mail_message_id"], ["mail_mail_id"]):
            with self.assertRaises(AccessError):
                row.read(names)
        self.assertNotIn("Salary", str(row.read()))

    def test_an_unreadable_message_is_not_found_by_its_values(self):
        row, rows = self.private(), self.env["mail.outgoing.selection"].with_user(self.postmaster)
        message = row.sudo().mail_message_id
        for domain in (
            [("subject", "ilike", "salary")],
            [("author_id", "=", message.author_id.id)],
            [("res_model", "=", "discuss.channel")],
            [("res_id", "=", message.res_id), ("res_model", "=", "discuss.channel")],
        ):
            with self.subTest(domain):
                self.assertNotIn(row, rows.search(domain))
                self.assertIn(row.sudo(), rows.sudo().search(domain))
        self.assertIn(row, rows.search([("subject", "not ilike", "salary")]))

    def test_a_postmaster_cannot_open_the_record_of_an_unreadable_message(self):
        with self.assertRaises(AccessError):
            self.private().action_open_record()

    def test_an_ordinary_user_cannot_open_the_record(self):
        with self.assertRaises(AccessError):
            self.row(self.comment()).with_user(self.user("clerk")).action_open_record()

    def test_a_message_about_a_model_that_no_longer_exists_is_not_shown(self):
        message = self.comment()
        row = self.row(message).with_user(self.postmaster)
        message.flush_recordset()
        self.env.cr.execute("UPDATE mail_message SET model = 'no.such.model' WHERE id = %s", [message.id])
        self.env.invalidate_all()
        self.assertFalse(row.subject or row.res_model)

    def test_more_rows_need_no_more_queries(self):
        def count(rows):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            rows.with_user(self.postmaster).read(["subject", "author_id", "res_model", "res_id", "server_name"])
            return self.cr.sql_log_count - before

        rows = self.env["mail.outgoing.selection"].union(*(self.row(self.comment()) for _number in range(12)))
        count(rows)
        self.assertEqual(count(rows), count(rows[:1]))

    def test_a_row_opens_its_record(self):
        action = self.row(self.comment()).with_user(self.postmaster).action_open_record()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.record.id))

    def test_rows_are_found_by_the_subject_of_the_message(self):
        message = self.comment()
        message.subject = "Chairs in blue"
        row = self.row(message)
        found = self.env["mail.outgoing.selection"].with_user(self.postmaster).search([("subject", "ilike", "in blue")])
        self.assertEqual(found, row)
