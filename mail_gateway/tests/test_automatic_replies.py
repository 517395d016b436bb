from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestAutomaticReplies(InboundCommon):
    """Vacation notices and the like never make a record and are never relayed (D3)."""

    def setUp(self):
        super().setUp()
        self.follower = self.env["res.partner"].create({"name": "Follower", "email": "follower@customer.example"})
        self.record = self.env["res.partner"].create({"name": "Thread"})
        self.record.message_subscribe(
            self.follower.ids, self.env["mail.message.subtype"].search([("internal", "in", (True, False))]).ids
        )
        self.parent = self.record.message_post(
            body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment"
        )

    def vacation(self, **values):
        values = {"subject": "Automatic reply: Question", "Auto_Submitted": "auto-replied", **values}
        return raw(**{"to": f"inbound@{self.alias_domain}", **values})

    def answer(self, **values):
        return self.vacation(In_Reply_To=self.parent.message_id, **values)

    def test_it_makes_no_record(self):
        before = self.env["res.partner"].search_count([])
        message = self.deliver(self.vacation())
        self.assertEqual((message.state, message.cause), ("discarded", "automatic"))
        self.assertIn("answers no record", message.reason)
        self.assertEqual(self.env["res.partner"].search_count([]), before)

    def test_it_is_logged_as_a_note_on_the_record_that_it_answers(self):
        message = self.deliver(self.answer())
        note = message.mail_message_ids
        self.assertEqual((message.state, message.res_id), ("delivered", self.record.id))
        self.assertEqual((note.subtype_id, note.message_type), (self.env.ref("mail.mt_note"), "email"))
        self.assertIn("please send ten", note.body)

    def test_it_may_go_to_the_bounce_address_as_vacation_notices_do(self):
        message = self.deliver(self.answer(to=self.mail_alias_domain.bounce_email))
        self.assertEqual((message.state, message.cause, message.res_id), ("delivered", "automatic", self.record.id))

    def test_a_bounce_of_a_mail_server_that_calls_it_a_reply_is_a_bounce(self):
        daemon = "Mail Delivery System <Mailer-Daemon@customer.example>"
        message = self.deliver(self.answer(sender=daemon, to=self.mail_alias_domain.bounce_email, subject="Undelivered"))
        self.assertEqual((message.state, message.cause), ("delivered", "bounce"))

    def test_nobody_is_told(self):
        message = self.deliver(self.answer())
        self.assertFalse(message.mail_message_ids.notification_ids)
        self.assertFalse(self.env["mail.mail"].search([("mail_message_id", "in", message.mail_message_ids.ids)]))

    def test_the_record_is_not_touched_and_nobody_follows_it(self):
        followers = self.record.message_follower_ids
        message = self.deliver(self.answer(sender=self.user_employee.email_formatted))
        self.assertEqual(message.mail_message_ids.author_id, self.user_employee.partner_id)
        self.assertEqual(self.record.message_follower_ids, followers)

    def test_its_attachments_are_kept(self):
        source = self.answer(Content_Type='multipart/mixed; boundary="b"').replace(
            b"Hello,",
            b'--b\r\nContent-Type: text/plain; name="a.txt"\r\nContent-Disposition: attachment\r\n\r\nA\r\n--b--\r\n',
        )
        self.assertEqual(self.deliver(source).mail_message_ids.attachment_ids.name, "a.txt")

    def test_it_is_not_told_that_the_catchall_takes_replies_only(self):
        message = self.deliver(raw(to=self.mail_alias_domain.catchall_email, Auto_Submitted="auto-replied"))
        self.assertEqual(message.state, "discarded")
        self.assertFalse(self.env["mail.mail"].search([("email_to", "ilike", "mary@customer.example")]))

    def test_it_is_not_told_that_nobody_is_at_home(self):
        message = self.deliver(raw(to="nobody@elsewhere.example", Auto_Submitted="auto-replied"))
        self.assertEqual((message.state, message.cause), ("discarded", "automatic"))

    def test_the_same_one_again_is_a_duplicate(self):
        first, second = self.deliver(self.answer(message_id="<v@x>"), self.answer(message_id="<v@x>"))
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])

    def test_what_a_program_writes_unasked_is_no_reply(self):
        message = self.deliver(self.to_alias(subject="Disk full", Auto_Submitted="auto-generated"))
        self.assertEqual(message.state, "delivered")
