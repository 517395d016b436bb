from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.mail_gateway.models.rules.mail_inbound_sender_notice import ALL, TOO_MANY
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

# The text that an attacker wants Odoo to send to others.
LURE = "Cheap watches http://evil.example"
SUBJECTS = ("Your message could not be delivered", "Your message is waiting")


@tagged("post_install", "-at_install")
class TestNotices(InboundCommon):
    """A notice contains nothing from the message, and goes to one address that is not known to be forged (1.7)."""

    def setUp(self):
        super().setUp()
        self.catchall = self.mail_alias_domain.catchall_email
        self.parameters = self.env["ir.config_parameter"]

    def lure(self, to, **values):
        """Return a message that names a victim as its sender, with a lure wherever a notice might repeat it."""
        values = {
            "subject": LURE,
            "sender": f'"{LURE}" <victim@customer.example>',
            "to": f'"{LURE}" <{to}>',
            "message_id": "<1@evil.example>",
            "Cc": f'"{LURE}" <cc@evil.example>',
            "Reply_To": f'"{LURE}" <evil@evil.example>',
            "Content_Type": "text/html; charset=utf-8",
            **values,
        }
        return raw(**values).replace(b"please send ten of them.", f"<h1>{LURE}</h1>".encode())

    def notices(self):
        return self.env["mail.mail"].search([("subject", "in", SUBJECTS)], order="id")

    def assert_our_words(self, notice):
        for field in ("subject", "body_html", "email_from", "email_to", "reply_to", "references", "headers"):
            self.assertNotIn("watches", str(notice[field]), field)
            self.assertNotIn("evil.example", str(notice[field]).replace("1@evil.example", ""), field)
        self.assertNotIn("blockquote", notice.body_html)
        self.assertIn("&lt;1@evil.example&gt;", notice.body_html)

    # ------------------------------------------------------------------ contents of notices

    def test_mail_to_the_catchall_is_refused_in_our_words(self):
        message = self.deliver(self.lure(self.catchall))
        self.assertEqual(message.state, "rejected")
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertEqual((notice.subject, notice.email_to), (SUBJECTS[0], "victim@customer.example"))
        self.assertIn(self.catchall, notice.body_html)
        self.assertIn("only accepts replies to our own messages", " ".join(notice.body_html.split()))

    def test_mail_to_the_catchall_and_others_is_refused_in_our_words(self):
        self.deliver(self.lure(f"{self.catchall}>, <cheap@elsewhere.example"))
        self.assert_our_words(self.notices())

    def test_mail_to_an_alias_for_contacts_is_refused_in_our_words(self):
        self.alias.alias_contact = "partners"
        message = self.deliver(self.lure(self.alias.alias_full_name))
        self.assertEqual(message.state, "rejected")
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertIn("addresses linked to registered partners", notice.body_html)
        self.assertIn(self.alias.alias_full_name, notice.body_html)

    def test_the_administrators_text_for_an_alias_is_kept(self):
        self.alias.write({"alias_contact": "partners", "alias_bounced_content": "<p>Members only, says Paul.</p>"})
        self.deliver(self.lure(self.alias.alias_full_name))
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertIn("Members only, says Paul.", notice.body_html)

    def test_the_administrators_catchall_template_is_kept_without_its_quotation(self):
        template = self.env.ref("mail.mail_bounce_catchall")
        template.arch = template.arch.replace("The email sent to", "Paul says: what you sent to")
        self.deliver(self.lure(self.catchall))
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertIn("Paul says: what you sent to", notice.body_html)

    def test_a_rejection_by_a_rule_is_explained_in_our_words(self):
        rule = self.env["mail.inbound.rule"].search([("check", "=", "size")])
        rule.action = "reject"
        self.parameters.set_param("mail_gateway.size_limit", "1")
        self.deliver(self.lure(self.alias.alias_full_name) + b"x" * 1024 * 1024)
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertIn("It is larger than 1 MB.", notice.body_html)

    def test_the_reason_of_a_rule_is_not_sent_because_it_may_quote_the_message(self):
        self.env["mail.inbound.rule"].create({"name": "x", "check": "bounce", "action": "reject", "sequence": 1})
        with patch.object(type(self.env["mail.check.bounce"]), "_look", lambda check, incoming: LURE):
            message = self.deliver(self.lure(self.alias.alias_full_name))
        self.assertEqual((message.state, message.reason[: len(LURE)]), ("rejected", LURE))
        self.assert_our_words(self.notices())

    def test_a_sender_of_too_many_messages_is_notified_in_our_words(self):
        self.parameters.set_param("mail.incoming.limit.alias", "1")
        self.deliver(self.lure(self.alias.alias_full_name, message_id="<0@evil.example>"))
        self.deliver(self.lure(self.alias.alias_full_name))
        notice = self.notices()
        self.assert_our_words(notice)
        self.assertEqual(notice.subject, SUBJECTS[1])

    def test_a_sender_of_too_many_replies_is_notified_in_our_words(self):
        self.parameters.set_param("mail.gateway.loop.threshold", "1")
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        answer = {"In_Reply_To": parent.message_id}
        self.deliver(self.lure(self.catchall, message_id="<0@evil.example>", **answer))
        message = self.deliver(self.lure(self.catchall, **answer))
        self.assertEqual((message.state, message.cause), ("held", "replies"))
        self.assert_our_words(self.notices())

    def test_a_message_id_that_contains_a_text_is_not_repeated(self):
        self.deliver(self.lure(self.catchall, message_id=f"<{LURE}>"))
        notice = self.notices()
        self.assertNotIn("watches", notice.body_html + notice.references)

    def test_notices_never_leave_under_an_address_that_the_message_names(self):
        self.env.company.alias_domain_id = False
        self.alias.alias_contact = "partners"
        self.deliver(self.lure(self.alias.alias_full_name))
        self.assertNotIn("evil", self.notices().email_from)
        self.assertNotIn("watches", self.notices().email_from)

    def test_a_sender_is_not_told_that_a_record_could_not_be_created(self):
        """The message waits for another try or a person; core would tell the sender each time that it was not accepted."""
        create = patch.object(type(self.env["res.partner"]), "create", side_effect=KeyError("bug"))
        bounces = patch.object(
            type(self.env["mail.thread"]), "_routing_create_bounce_email", side_effect=AssertionError
        )
        with create, bounces as told:
            message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "deferred")
        told.assert_not_called()

    # ------------------------------------------------------------------ recipients of notices

    def test_one_address_is_notified_and_counted(self):
        paths = {"Return_Path": "<last@relay.example>\r\nReturn-Path: <first@victim.example>"}
        several = "Mary <mary@customer.example>, victim@elsewhere.example"
        self.deliver(raw(to=self.catchall, sender=several, **paths))
        self.assertEqual(self.notices().email_to, "last@relay.example")
        row = self.env["mail.inbound.sender.notice"].search([("told", "!=", ALL)])
        self.assertEqual((row.told, row.sender), ("last@relay.example", "mary@customer.example"))

    def test_very_long_addresses_are_not_notified(self):
        for number in (80, 2000):
            long = "😀" * number
            path = {"Return_Path": f"<{long}@x.example>", "message_id": f"<{number}@x>"}
            message = self.deliver(raw(to=self.catchall, sender=f"<{long}@x.example>", **path))
            with self.subTest(number):
                self.assertIn(message.state, ("discarded", "held"))
                self.assertFalse(message.told_date)
        self.assertFalse(self.notices())

    def test_nobody_is_notified_of_spam(self):
        for number, headers in enumerate(({"X_Spam_Flag": "YES"}, {"X_Spam_Status": "Yes, score=9"})):
            message = self.deliver(raw(to=self.catchall, message_id=f"<{number}@x>", **headers))
            self.assertEqual((message.state, message.cause), ("discarded", "refused"))
            self.assertIn("marked as spam", message.reason)
        self.assertFalse(self.notices())

    def test_the_sender_of_a_message_that_fails_dmarc_is_not_notified(self):
        forged = {"Authentication_Results": "mx.mycompany.example; dmarc=fail header.from=customer.example"}
        self.assertEqual(self.deliver(raw(to=self.catchall, message_id="<0@x>", **forged)).state, "rejected")
        self.parameters.set_param("mail_gateway.authserv_id", "mx2.mycompany.example, MX.mycompany.example")
        message = self.deliver(raw("Other", to=self.catchall, message_id="<1@x>", **forged))
        self.assertEqual((message.state, message.cause), ("discarded", "refused"))
        self.assertIn("may be forged", message.reason)
        self.parameters.set_param("mail.incoming.limit.alias", "1")
        self.deliver(self.to_alias(message_id="<2@x>"))
        waits = self.deliver(self.to_alias(message_id="<3@x>", **forged))
        self.assertEqual((waits.state, waits.cause, waits.told_date), ("held", "limit", False))

    # ------------------------------------------------------------------ headers of malformed messages

    def flawed(self):
        """Return the values of malformed messages; Odoo gets a substitute whose headers differ from the original."""
        return (
            {"Content_Type": "text/plain; charset=x-nonsense"},
            {"message_id": "<[1@x]>"},
            {"Content_Type": "text/plain; charset=x-nonsense", "message_id": "<[2@x]>"},
        )

    def deliver_at_last_try(self, source):
        message = self.store(source)
        message.try_count = 2
        self.run_lane()
        return message

    def silencing(self):
        """Return headers that suppress notices, each with the state of its message."""
        self.parameters.set_param("mail_gateway.authserv_id", "mx.mycompany.example")
        return (
            ({"Authentication_Results": "mx.mycompany.example; dmarc=fail header.from=customer.example"}, "discarded"),
            ({"X_Spam_Flag": "YES"}, "discarded"),
            ({"X_Spam_Status": "Yes, score=9"}, "discarded"),
            ({"Auto_Submitted": "auto-generated"}, "discarded"),
            ({"Return_Path": "<MAILER-DAEMON@customer.example>"}, "discarded"),
            ({"Precedence": "junk"}, "discarded"),
            ({"Precedence": "list"}, "held"),
            ({"List_Id": "<orders.mycompany.example>"}, "held"),
            ({"Mailing_List": "list orders@mycompany.example"}, "held"),
            ({"X_Auto_Response_Suppress": "All"}, "held"),
        )

    def test_checks_that_suppress_notices_apply_to_malformed_messages(self):
        for headers, state in self.silencing():
            for number, defect in enumerate(self.flawed()):
                subject = f"{next(iter(headers.items()))} {number}"
                message = self.deliver(raw(subject, to=self.catchall, **headers, **defect))
                with self.subTest(subject):
                    self.assertTrue(message.defects)
                    self.assertEqual((message.state, message.cause, message.told_date), (state, "refused", False))
        self.assertFalse(self.notices())

    def test_checks_that_suppress_notices_apply_to_the_last_try(self):
        for number, (headers, state) in enumerate(self.silencing()):
            subject = f"{next(iter(headers.items()))}"
            message = self.deliver_at_last_try(raw(subject, to=self.catchall, message_id=f"<{number}@x>", **headers))
            with self.subTest(subject):
                self.assertEqual((message.state, message.cause, message.told_date), (state, "refused", False))
        self.assertFalse(self.notices())

    def test_checks_that_suppress_notices_apply_to_messages_rejected_for_their_size(self):
        self.env["mail.inbound.rule"].search([("check", "=", "size")]).action = "reject"
        self.parameters.set_param("mail_gateway.size_limit", "1")
        for headers, state in self.silencing():
            subject = f"{next(iter(headers.items()))}"
            message = self.deliver(raw(subject, to=self.alias.alias_full_name, **headers) + b"x" * 1024 * 1024)
            with self.subTest(subject):
                self.assertEqual((message.state, message.told_date), (state, False))
        self.assertFalse(self.notices())

    def test_honest_senders_of_malformed_messages_are_notified(self):
        for number, defect in enumerate(self.flawed()):
            sender = f"{number}@customer.example"
            self.assertEqual(self.deliver(raw(f"x{number}", sender, self.catchall, **defect)).state, "rejected")
        self.assertEqual(len(self.notices()), 3)

    # ------------------------------------------------------------------ messages that people may have written

    def test_a_message_from_a_mailing_list_is_held_instead_of_refused(self):
        google = {
            "sender": '"Mary via Orders" <orders@mycompany.example>',
            "X_Original_From": "Mary <mary@customer.example>",
            "Precedence": "list",
            "Mailing_list": "list orders@mycompany.example",
            "List_ID": "<orders.mycompany.example>",
            "Return_Path": "<orders+bncBC@mycompany.example>",
        }
        self.alias.alias_contact = "partners"
        for number, to in enumerate((self.catchall, self.alias.alias_full_name)):
            message = self.deliver(raw(f"Order {number}", to=to, message_id=f"<{number}@x>", **google))
            self.assertEqual((message.state, message.cause, message.told_date), ("held", "refused", False))
            self.assertIn("a mailing list may have sent the message", message.reason)
        self.assertFalse(self.notices())

    def test_a_message_without_an_author_is_held_instead_of_refused(self):
        message = self.deliver(raw(to=self.catchall, sender="undisclosed"))
        self.assertEqual((message.state, message.cause, message.told_date), ("held", "refused", False))

    def test_a_message_that_a_program_sent_through_a_list_is_discarded_instead_of_refused(self):
        for number, proof in enumerate(({"Auto_Submitted": "auto-generated"}, {"sender": "noreply@shop.example"})):
            source = raw(
                f"x {number}", to=self.catchall, List_Id="<news.shop.example>", message_id=f"<{number}@x>", **proof
            )
            self.assertEqual(self.deliver(source).state, "discarded")

    def test_spam_from_a_mailing_list_is_discarded_instead_of_refused(self):
        message = self.deliver(raw(to=self.catchall, List_Id="<news.shop.example>", X_Spam_Flag="YES"))
        self.assertEqual((message.state, message.cause), ("discarded", "refused"))

    # ------------------------------------------------------------------ number of notices

    def refuse(self, number):
        sender = f"{number}@customer{number}.example"
        return self.deliver(raw(f"Hello {number}", sender=sender, to=self.catchall, message_id=f"<{number}@x>"))

    def test_the_number_of_notices_per_hour_is_limited(self):
        self.parameters.set_param("mail_gateway.notice_limit", "2")
        messages = [self.refuse(number) for number in range(4)]
        self.assertEqual([each.state for each in messages], ["rejected", "rejected", "held", "held"])
        self.assertEqual({each.cause for each in messages[2:]}, {"not_told"})
        self.assertIn("limit of notices per hour (2)", messages[2].reason)
        self.assertEqual(len(self.notices()), 2)
        self.env["mail.inbound.sender.notice"].search([])._write(
            {"create_date": fields.Datetime.now() - timedelta(hours=2)}
        )
        self.assertEqual(self.refuse(5).state, "rejected")

    def test_a_message_whose_notice_exceeds_the_limit_is_held_and_has_a_filter(self):
        self.parameters.set_param("mail_gateway.notice_limit", "1")
        self.refuse(1)
        honest = self.refuse(2)
        self.assertEqual((honest.state, honest.cause), ("held", "not_told"))
        search = self.env["mail.inbound.message"].get_view(view_type="search")["arch"]
        self.assertIn("""name="not_told" string="Sender Not Notified" domain="[('cause', '=', 'not_told')]\"""", search)

    def test_a_message_is_held_when_forged_ones_used_up_the_notices_of_its_sender(self):
        for number in range(3):
            self.deliver(raw(f"Forged {number} {'x' * number}", to=self.catchall, message_id=f"<{number}@x>"))
        honest = self.deliver(raw("My order", to=self.catchall, message_id="<honest@x>"))
        self.assertEqual((honest.state, honest.cause, honest.told_date), ("held", "not_told", False))
        self.assertEqual(len(self.notices()), 3)

    def test_a_flood_makes_one_alert_about_notices_and_one_about_held_messages(self):
        new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster", notification_type="inbox")
        self.parameters.set_param("mail_gateway.notice_limit", "1")
        last = self.env["mail.message"].search([], order="id desc", limit=1).id
        for number in range(6):
            self.refuse(number)
            self.env["mail.postmaster.alert"]._alert_about("mail.inbound.sender.notice")
            self.env["mail.postmaster.alert"]._alert_about("mail.inbound.message")
        alerts = self.env["mail.message"].search([("id", ">", last), ("message_type", "=", "user_notification")])
        self.assertEqual(len(alerts), 2, alerts.mapped("subject"))

    def test_notices_about_held_messages_share_the_limit(self):
        self.parameters.set_param("mail_gateway.notice_limit", "1")
        self.refuse(1)
        self.parameters.set_param("mail.incoming.limit.alias", "1")
        self.deliver(self.to_alias(message_id="<a@x>"))
        waits = self.deliver(self.to_alias(message_id="<b@x>"))
        self.assertEqual((waits.state, waits.cause, waits.told_date), ("held", "limit", False))

    def test_postmasters_are_alerted_once_about_too_many_notices(self):
        postmaster = new_test_user(
            self.env, "postmaster", groups="mail_gateway.group_postmaster", notification_type="inbox"
        )
        self.parameters.set_param("mail_gateway.notice_limit", "1")
        for number in range(4):
            self.refuse(number)
            self.env["mail.postmaster.alert"]._alert_about("mail.inbound.sender.notice")
        rows = self.env["mail.inbound.sender.notice"].search([("told", "=", TOO_MANY)])
        self.assertEqual((len(rows), bool(rows.alerted_date)), (1, True))
        subject = "Odoo no longer notifies senders of refused messages"
        alerts = self.env["mail.message"].search([("subject", "=", subject)])
        self.assertEqual(len(alerts), 1)
        self.assertIn(postmaster.partner_id, alerts.notified_partner_ids)
        self.assertTrue(self.env["mail.inbound.sender.notice"]._waiting())
        self.assertIn("search_default_not_told", str(self.env["mail.inbound.sender.notice"]._open_alerted()["context"]))
        self.env["mail.inbound.sender.notice"].search([("told", "=", ALL)])._write({"create_date": "2020-01-01"})
        self.env.invalidate_all()
        self.assertFalse(self.env["mail.inbound.sender.notice"]._waiting())

    def test_old_records_of_notices_are_removed_and_recent_ones_are_kept(self):
        self.refuse(1)
        notices = self.env["mail.inbound.sender.notice"]
        notices._gc_notices()
        self.assertTrue(notices.search([("told", "=", ALL)]))
        notices.search([])._write({"create_date": fields.Datetime.now() - timedelta(days=1)})
        notices._gc_notices()
        self.assertFalse(notices.search([]))

    # ------------------------------------------------------------------ settings, and letters of postmasters

    def test_the_settings_hold_the_limit_and_the_hosts(self):
        settings = self.env["res.config.settings"]
        self.assertEqual(
            (settings.create({}).inbound_notice_limit, settings.create({}).inbound_authserv_id), (100, False)
        )
        settings.create({"inbound_notice_limit": 7, "inbound_authserv_id": "MX.mycompany.example,mx2"}).execute()
        self.assertEqual(self.parameters.get_param("mail_gateway.notice_limit"), "7")
        self.assertEqual(self.parameters.get_param("mail_gateway.authserv_id"), "mx.mycompany.example, mx2")
        settings.create({"inbound_authserv_id": False}).execute()
        self.assertFalse(self.parameters.get_param("mail_gateway.authserv_id"))
        for values, words in (
            ({"inbound_authserv_id": "mx one"}, "“mx one” is not the name of a mail server"),
            ({"inbound_notice_limit": 0}, "is not a whole number"),
        ):
            with self.assertRaisesRegex(ValidationError, words):
                settings.create(values)

    def test_a_postmasters_letter_is_not_limited_but_shows_a_warning(self):
        self.parameters.set_param("mail_gateway.notice_limit", "1")
        self.parameters.set_param("mail_gateway.authserv_id", "mx.mycompany.example")
        postmaster = new_test_user(
            self.env, "postmaster", groups="mail_gateway.group_postmaster", email="paul@mycompany.example"
        )
        for headers, words in (
            ({"X_Spam_Flag": "YES"}, "The message is marked as spam"),
            ({"Authentication_Results": "mx.mycompany.example; dmarc=fail"}, "The sender may be forged"),
            ({"X_Auto_Response_Suppress": "All"}, "A program may have sent the message"),
            ({"Precedence": "bulk"}, "A program may have sent the message"),
            ({"Auto_Submitted": "auto-generated"}, "A program sent the message"),
        ):
            message = self.store(raw(to="nobody@elsewhere.example", **headers))
            message._move_to("held", "Because.", cause="no_route")
            context = {"default_inbound_message_ids": [(6, 0, message.ids)]}
            dialog = Form(self.env["mail.inbound.reject"].with_user(postmaster).with_context(**context))
            self.assertIn(words, dialog.warning)
            self.assertIn("mary@customer.example", dialog.warning)
            dialog.save().action_reject()
            self.assertEqual(message.state, "rejected")
