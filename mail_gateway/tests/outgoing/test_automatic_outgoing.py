from email import message_from_string, policy

from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, OutgoingCommon, raw


@tagged("post_install", "-at_install")
class TestAutomaticOutgoing(OutgoingCommon):
    """Outgoing e-mails say whether a program wrote them (RFC 3834), and repeat their Message-Id."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        contacts = cls.env["res.partner"]
        cls.mary = contacts.create({"name": "Mary", "email": "mary@customer.example"})
        cls.john = contacts.create({"name": "John", "email": "john@customer.example"})
        cls.record = contacts.create({"name": "Thread"})

    def post(self, **values):
        """Post to Mary; return her copy as it leaves."""
        with self.mock_smtplib_connection():
            self.message = self.record.message_post(body="Hello", partner_ids=self.mary.ids, **values)
            self.env["mail.mail"].search([("mail_message_id", "=", self.message.id)]).send()
        return self.left()

    def left(self):
        [sent] = self.emails
        return message_from_string(sent["message"], policy=policy.SMTP)

    def sent_with(self, headers):
        with self.mock_smtplib_connection():
            self.mail(headers=repr(headers)).send()
        return self.left()

    # ------------------------------------------------------------------ headers that tell who wrote the message

    def test_a_comment_of_a_person_has_no_auto_submitted_header(self):
        self.assertNotIn("Auto-Submitted", self.post(message_type="comment", subtype_xmlid="mail.mt_comment"))

    def test_an_acknowledgement_is_marked_as_an_automatic_reply(self):
        sent = self.post(message_type="auto_comment", subtype_xmlid="mail.mt_comment")
        self.assertEqual(sent["Auto-Submitted"], "auto-replied")

    def test_a_notification_of_followers_is_marked_as_generated(self):
        self.assertEqual(self.post(message_type="notification")["Auto-Submitted"], "auto-generated")

    def test_a_notification_of_one_person_is_marked_as_generated(self):
        with self.mock_smtplib_connection():
            self.record.message_notify(body="It is yours.", partner_ids=self.mary.ids)
            self.env["mail.mail"].search([("recipient_ids", "in", self.mary.ids)]).send()
        self.assertEqual(self.left()["Auto-Submitted"], "auto-generated")

    def test_an_auto_submitted_header_of_the_message_itself_is_kept(self):
        sent = self.post(message_type="out_of_office", mail_headers={"Auto-Submitted": "auto-replied (away)"})
        self.assertEqual(sent.get_all("Auto-Submitted"), ["auto-replied (away)"])
        sent = self.post(message_type="notification", mail_headers={"auto-submitted": "no"})
        self.assertEqual(sent.get_all("Auto-Submitted"), ["no"])

    def test_an_email_without_special_headers_has_no_auto_submitted_header(self):
        self.assertNotIn("Auto-Submitted", self.sent_with({}))

    def test_a_digest_is_marked_as_generated(self):
        sent = self.sent_with({"X-Auto-Response-Suppress": "OOF", "List-Unsubscribe": "<https://mycompany.example>"})
        self.assertEqual(sent["Auto-Submitted"], "auto-generated")

    def test_a_message_to_a_list_has_no_auto_submitted_header(self):
        sent = self.sent_with({"X-Auto-Response-Suppress": "OOF", "Precedence": "list"})
        self.assertNotIn("Auto-Submitted", sent)

    def test_an_email_about_a_record_without_chatter_is_marked_as_not_automatic(self):
        with self.mock_smtplib_connection():
            composer = self.env["mail.compose.message"].create(
                {
                    "body": "Hello",
                    "subject": "Hello",
                    "partner_ids": self.mary.ids,
                    "composition_mode": "comment",
                    "model": "res.currency",
                    "res_ids": str(self.env.ref("base.EUR").ids),
                }
            )
            composer._action_send_mail()
            self.env["mail.mail"].search([("recipient_ids", "in", self.mary.ids)]).send()
        self.assertEqual(self.left()["Auto-Submitted"], "no")

    # ------------------------------------------------------------------ headers that identify the message

    def test_every_copy_carries_the_message_id_of_its_message(self):
        with self.mock_smtplib_connection():
            message = self.record.message_post(
                body="Hello", partner_ids=(self.mary | self.john).ids, message_type="comment"
            )
            self.env["mail.mail"].search([("mail_message_id", "=", message.id)]).send()
        copies = [message_from_string(sent["message"], policy=policy.SMTP) for sent in self.emails]
        self.assertEqual(len(copies), 2)
        for copy in copies:
            self.assertEqual(
                (copy["X-Odoo-Message-Id"].strip(), copy["Message-Id"]), (message.message_id, message.message_id)
            )

    def test_a_mail_without_a_record_carries_its_message_id(self):
        sent = self.sent_with({})
        self.assertTrue(sent["Message-Id"])
        self.assertEqual(sent["X-Odoo-Message-Id"].strip(), sent["Message-Id"])

    def test_a_long_message_id_arrives_complete(self):
        long = f"<{'1234567890.' * 20}openerp-14-res.partner@{'host.' * 20}example>"
        with self.mock_smtplib_connection():
            self.mail(message_id=long).send()
        self.assertEqual(self.left()["X-Odoo-Message-Id"].strip(), long)

    def test_other_headers_are_kept(self):
        self.assertEqual(self.sent_with({"X-Colour": "blue"})["X-Colour"], "blue")


@tagged("post_install", "-at_install")
class TestRelayed(InboundCommon):
    def test_a_relayed_message_of_a_customer_has_no_auto_submitted_header(self):
        follower = self.env["res.partner"].create({"name": "Follower", "email": "follower@customer.example"})
        record = self.env["res.partner"].create({"name": "Thread"})
        record.message_subscribe(follower.ids)
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        catchall = self.mail_alias_domain.catchall_email
        inbound = self.deliver(raw(subject="Re: Question", to=catchall, In_Reply_To=parent.message_id))
        relayed = self.env["mail.mail"].search([("mail_message_id", "in", inbound.mail_message_ids.ids)])
        [email] = relayed._prepare_outgoing_list()
        self.assertEqual(email["partner_id"], follower)
        self.assertNotIn("Auto-Submitted", email["headers"])
        self.assertEqual(email["headers"]["X-Odoo-Message-Id"], relayed.message_id)
