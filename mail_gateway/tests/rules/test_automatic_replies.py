from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tests.tools.tools_common import DATA


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

    def test_an_automatic_reply_makes_no_record(self):
        before = self.env["res.partner"].search_count([])
        message = self.deliver(self.vacation())
        self.assertEqual((message.state, message.cause), ("discarded", "automatic"))
        self.assertIn("is no reply to a record", message.reason)
        self.assertEqual(self.env["res.partner"].search_count([]), before)

    def test_an_automatic_reply_is_logged_as_a_note_on_the_record_that_it_answers(self):
        message = self.deliver(self.answer())
        note = message.mail_message_ids
        self.assertEqual((message.state, message.res_id), ("delivered", self.record.id))
        self.assertEqual((note.subtype_id, note.message_type), (self.env.ref("mail.mt_note"), "email"))
        self.assertIn("please send ten", note.body)

    def test_an_automatic_reply_to_the_bounce_address_is_logged_on_the_record(self):
        message = self.deliver(self.answer(to=self.mail_alias_domain.bounce_email))
        self.assertEqual((message.state, message.cause, message.res_id), ("delivered", "automatic", self.record.id))

    def test_a_bounce_that_is_marked_as_an_automatic_reply_is_a_bounce(self):
        daemon = "Mail Delivery System <Mailer-Daemon@customer.example>"
        message = self.deliver(
            self.answer(sender=daemon, to=self.mail_alias_domain.bounce_email, subject="Undelivered")
        )
        self.assertEqual((message.state, message.cause), ("delivered", "bounce"))

    def test_an_automatic_reply_notifies_nobody(self):
        message = self.deliver(self.answer())
        self.assertFalse(message.mail_message_ids.notification_ids)
        self.assertFalse(self.env["mail.mail"].search([("mail_message_id", "in", message.mail_message_ids.ids)]))

    def test_an_automatic_reply_adds_no_follower_to_the_record(self):
        followers = self.record.message_follower_ids
        message = self.deliver(self.answer(sender=self.user_employee.email_formatted))
        self.assertEqual(message.mail_message_ids.author_id, self.user_employee.partner_id)
        self.assertEqual(self.record.message_follower_ids, followers)

    def test_the_attachments_of_an_automatic_reply_are_kept(self):
        source = self.answer(Content_Type='multipart/mixed; boundary="b"').replace(
            b"Hello,",
            b'--b\r\nContent-Type: text/plain; name="a.txt"\r\nContent-Disposition: attachment\r\n\r\nA\r\n--b--\r\n',
        )
        self.assertEqual(self.deliver(source).mail_message_ids.attachment_ids.name, "a.txt")

    def test_an_automatic_reply_to_the_catchall_is_discarded_without_a_notice(self):
        message = self.deliver(raw(to=self.mail_alias_domain.catchall_email, Auto_Submitted="auto-replied"))
        self.assertEqual(message.state, "discarded")
        self.assertFalse(self.env["mail.mail"].search([("email_to", "ilike", "mary@customer.example")]))

    def test_an_automatic_reply_to_an_unknown_address_is_discarded(self):
        message = self.deliver(raw(to="nobody@elsewhere.example", Auto_Submitted="auto-replied"))
        self.assertEqual((message.state, message.cause), ("discarded", "automatic"))

    def test_a_repeated_automatic_reply_is_a_duplicate(self):
        first, second = self.deliver(self.answer(message_id="<v@x>"), self.answer(message_id="<v@x>"))
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])

    def test_a_generated_message_that_answers_nothing_makes_a_record(self):
        message = self.deliver(self.to_alias(subject="Disk full", Auto_Submitted="auto-generated"))
        self.assertEqual(message.state, "delivered")

    def test_a_generated_message_about_an_absence_makes_a_record(self):
        message = self.deliver(self.to_alias(subject="Absence: Mary Smith, 3 March", Auto_Submitted="auto-generated"))
        self.assertEqual(
            (message.state, self.env["res.partner"].browse(message.res_id).name[:7]), ("delivered", "Absence")
        )

    # ------------------------------------------------------------------ the null sender

    def from_nobody(self, **values):
        values = {"to": f"inbound@{self.alias_domain}", "subject": "New enquiry", **values}
        return raw(**{"Return_Path": "<>", **values})

    def test_a_message_from_the_null_sender_is_discarded_and_keeps_its_source(self):
        source = self.from_nobody()
        message = self.deliver(source)
        self.assertEqual((message.state, message.cause, message.res_id), ("discarded", "automatic", 0))
        self.assertIn("Return-Path: <>", message.reason)
        self.assertEqual(message._source_bytes(), source)

    def test_a_reply_from_the_null_sender_becomes_a_note_that_notifies_nobody(self):
        for number, headers in enumerate(
            ({"In_Reply_To": self.parent.message_id}, {"References": self.parent.message_id})
        ):
            message = self.deliver(self.from_nobody(message_id=f"<{number}@customer.example>", **headers))
            note = message.mail_message_ids
            self.assertEqual((message.state, message.res_id), ("delivered", self.record.id))
            self.assertEqual((note.subtype_id, len(note.notification_ids)), (self.env.ref("mail.mt_note"), 0))

    def test_messages_from_the_null_sender_are_held_or_delivered_if_the_rule_says_so(self):
        rule = self.env["mail.inbound.rule"].search([("check", "=", "automatic")])
        rule.action = "hold"
        self.assertEqual(self.deliver(self.from_nobody(message_id="<1@x>")).state, "held")
        rule.active = False
        self.assertEqual(self.deliver(self.from_nobody(message_id="<2@x>", subject="Other")).state, "delivered")

    def test_only_the_topmost_return_path_in_brackets_is_the_null_sender(self):
        for number, path in enumerate(("", "<mary@customer.example>\r\nReturn-Path: <>")):
            message = self.deliver(
                self.from_nobody(Return_Path=path, message_id=f"<{number}@x>", subject=f"Order {number}")
            )
            with self.subTest(path=path):
                self.assertEqual((message.state, message.cause), ("delivered", False))

    def test_the_null_sender_of_a_defective_message_is_recognized(self):
        for number, defect in enumerate(
            ({"Content_Type": "text/plain; charset=x-nonsense"}, {"message_id": "<[1@x]>"})
        ):
            message = self.deliver(self.from_nobody(**defect, subject=f"Enquiry {number}"))
            self.assertTrue(message.defects)
            self.assertEqual((message.state, message.cause), ("discarded", "automatic"))

    # ------------------------------------------------------------------ bounces, which come from the null sender as well

    def bounce(self, name):
        """Return a bounce of one of our messages, as another mail server wrote it."""
        source = (DATA / f"{name}.eml").read_bytes()
        source = source.replace(b"bounce@mycompany.example", self.mail_alias_domain.bounce_email.encode())
        return source.replace(b"<1234.5678-openerp-17-crm.lead@mycompany.example>", self.parent.message_id.encode())

    def test_bounces_in_nonstandard_formats_are_bounces(self):
        names = sorted(file.stem for file in DATA.glob("program_bounce_*.eml"))
        self.assertTrue(names)
        for name in names:
            message = self.deliver(self.bounce(name))
            with self.subTest(name):
                self.assertEqual((message.state, message.cause), ("delivered", "bounce"))

    def test_a_bounce_that_returns_the_message_marks_its_notification_as_bounced(self):
        notified = self.parent.notification_ids
        self.assertEqual(notified.res_partner_id, self.follower)
        self.deliver(self.bounce("program_bounce_of_a_scanner_that_returns_the_message"))
        self.assertEqual(notified.notification_status, "bounce")

    def test_a_message_from_the_null_sender_to_the_bounce_address_that_answers_nothing_is_a_bounce(self):
        message = self.deliver(self.from_nobody(to=self.mail_alias_domain.bounce_email, subject="Mail Error"))
        self.assertEqual((message.state, message.cause), ("delivered", "bounce"))

    def test_a_vacation_notice_from_nobody_to_the_bounce_address_is_a_note(self):
        values = {"to": self.mail_alias_domain.bounce_email, "In_Reply_To": self.parent.message_id, "subject": "Away"}
        message = self.deliver(self.from_nobody(**values))
        self.assertEqual((message.state, message.cause, message.res_id), ("delivered", "automatic", self.record.id))

    # ------------------------------------------------------------------ messages that only resemble automatic replies

    def unproven(self, **values):
        return raw(**{"subject": "Automatic reply: Question", "to": f"inbound@{self.alias_domain}", **values})

    def test_a_message_that_only_resembles_an_automatic_reply_and_answers_nothing_makes_a_record(self):
        for number, values in enumerate(
            (
                {"subject": "Auto: Angebot VW Golf", "X_Auto_Response_Suppress": "DR, RN, NRN, OOF, AutoReply"},
                {"subject": "Absence lundi 3 mars"},
                {"subject": "Out of office: wrong phone number", "X_Auto_Response_Suppress": "All"},
            )
        ):
            message = self.deliver(self.unproven(message_id=f"<{number}@x>", **values))
            with self.subTest(values["subject"]):
                self.assertEqual(message.state, "delivered")
                self.assertEqual(self.env["res.partner"].browse(message.res_id).name, values["subject"])

    def test_a_reply_that_only_resembles_an_automatic_reply_is_posted_like_any_other(self):
        message = self.deliver(self.unproven(In_Reply_To=self.parent.message_id))
        reply = message.mail_message_ids
        self.assertEqual((message.state, message.cause, message.res_id), ("delivered", False, self.record.id))
        self.assertEqual(reply.subtype_id, self.env.ref("mail.mt_comment"))
        self.assertIn(self.follower, reply.notification_ids.res_partner_id)

    def test_a_message_that_only_resembles_an_automatic_reply_is_held_instead_of_refused(self):
        for number, values in enumerate(({}, {"subject": "Order", "X_Auto_Response_Suppress": "All"})):
            to = self.mail_alias_domain.catchall_email
            message = self.deliver(self.unproven(to=to, message_id=f"<{number}@x>", **values))
            self.assertEqual((message.state, message.cause), ("held", "refused"))
            self.assertIn("was not notified", message.reason)
        self.assertFalse(self.env["mail.mail"].search([("email_to", "ilike", "mary@customer.example")]))

    def test_a_sender_over_the_limit_is_not_notified_about_a_message_that_resembles_an_automatic_reply(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "1")
        self.deliver(self.unproven(subject="First", message_id="<1@x>"))
        message = self.deliver(self.unproven(subject="Auto: VW Golf", message_id="<2@x>"))
        self.assertEqual((message.state, message.cause, message.told_date), ("held", "limit", False))
