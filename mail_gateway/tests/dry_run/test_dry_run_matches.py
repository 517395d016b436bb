from pathlib import Path

from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.dry_run.dry_run_common import MARY, DryRunCommon

_WATCHED = ("mail.notification", "mail.mail", "res.partner", "mail.inbound.created.record")


@tagged("post_install", "-at_install")
class TestDryRunMatches(DryRunCommon):
    """A dry run changes nothing, and says what a delivery of the same message then does."""

    def assertMatches(self, source, state, cause="", server=None, tries=1):
        """Explain, deliver, compare.

        :param state: that both are to end in, so that no case passes for another reason than it is there for
        :param tries: that the delivery needs
        :return: the answer, and the message that was delivered
        """
        before = self.rows()
        answer = self.dry_run(source, server)
        self.assertEqual(self.rows(), before)
        highest = {model: self.highest(model) for model in _WATCHED}
        if server:
            self.server = server
        message = self.deliver(source)
        for _try in range(tries - 1):
            message.next_try = "2000-01-01"
            self.run_lane()
        self.assertEqual((message.state, message.cause or ""), (state, cause), message.reason)
        self.assertSameVerdict(answer, message)
        self.assertSameRecords(answer, message, highest)
        self.assertSamePeople(answer, highest)
        return answer, message

    def assertSameVerdict(self, answer, message):
        self.assertEqual(answer.state, message.state)
        self.assertEqual(answer.reason, message.reason or "")
        self.assertEqual(answer.cause, message.cause or "")
        self.assertEqual(answer.rule_id, message.rule_id.id or 0)
        if message.rule_results:
            self.assertEqual(answer.rule_results, message.rule_results)

    def assertSameRecords(self, answer, message, highest):
        created = self.since("mail.inbound.created.record", highest["mail.inbound.created.record"])
        created = [(creation.res_model, creation.res_id) for creation in created]
        posted = message.mail_message_ids.sorted("id")
        targets = [(m.model, 0 if (m.model, m.res_id) in created else m.res_id) for m in posted]
        self.assertEqual([(target.model, target.res_id) for target in answer.targets], targets)
        for target, chatter in zip(answer.targets, posted, strict=True):
            self.assertSameRecord(target, chatter)

    def assertSameRecord(self, target, chatter):
        record = self.env[chatter.model].browse(chatter.res_id)
        self.assertEqual(target.name, record.display_name)
        [told] = target.posted
        self.assertEqual(told.author, chatter.author_id.name or chatter.email_from)
        self.assertEqual([*told.attachments], chatter.attachment_ids.mapped("name"))
        self.assertEqual(told.kind, chatter.subtype_id.name)
        if target.is_new:
            dry_runs = self.env["mail.inbound.dry.run"]
            self.assertTrue(target.values)
            known = dry_runs._values_of(record, self.env)
            self.assertEqual(target.values, dry_runs._without_defaults(record, known, self.env))

    def assertSamePeople(self, answer, highest):
        notifications = self.since("mail.notification", highest["mail.notification"])
        expected = [(n.res_partner_id.email or "", n.notification_type) for n in notifications]
        self.assertCountEqual([(told.email, told.by) for told in answer.told], expected)
        mails = self.since("mail.mail", highest["mail.mail"])
        subjects = [mail.subject or "(no subject)" for mail in mails]
        self.assertCountEqual([mail.subject for mail in answer.leaving], subjects)
        partners = self.since("res.partner", highest["res.partner"])
        made = self.since("mail.inbound.created.record", highest["mail.inbound.created.record"])
        contacts = partners.filtered(lambda partner: partner.id not in made.mapped("res_id"))
        self.assertEqual(len(answer.contacts), len(contacts))

    # ------------------------------------------------------------------ to aliases

    def test_to_an_alias(self):
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertTrue(answer.targets[0].is_new)

    def test_to_an_alias_with_defaults(self):
        self.alias.alias_defaults = "{'comment': 'By mail', 'is_company': True}"
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertEqual(answer.targets[0].values["comment"].text, "By mail")
        self.assertEqual(answer.targets[0].values["is_company"].text, "Yes")

    def test_to_two_aliases(self):
        self.alias.copy({"alias_name": "second", "alias_defaults": "{'function': 'Second'}"})
        domain = self.alias_domain
        answer, _message = self.assertMatches(raw(to=f"inbound@{domain}, second@{domain}"), "delivered")
        self.assertEqual(len(answer.targets), 2)

    def test_to_an_alias_that_writes_to_one_record(self):
        self.alias.alias_force_thread_id = self.order.id
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertEqual(answer.targets[0].res_id, self.order.id)

    def test_to_an_alias_that_takes_mail_from_partners_only(self):
        self.alias.alias_contact = "partners"
        self.assertMatches(self.to_alias(sender="who@unknown.example"), "rejected", "refused")
        answer, _message = self.assertMatches(self.to_alias(subject="Known"), "delivered")
        self.assertIn("Mary", answer.targets[0].posted[0].author)

    def test_to_an_alias_that_takes_mail_from_followers_only(self):
        self.env["mail.alias"].create(
            {
                "alias_name": "closed",
                "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                "alias_contact": "followers",
                "alias_force_thread_id": self.order.id,
            }
        )
        closed = f"closed@{self.alias_domain}"
        self.assertMatches(raw("No", "who@unknown.example", closed), "rejected", "refused")
        self.assertMatches(raw("Yes", MARY, closed), "delivered")

    def test_with_an_attachment(self):
        source = self.to_alias(Content_Type="application/pdf; name=order.pdf", Content_Disposition="attachment")
        answer, _message = self.assertMatches(source, "delivered")
        self.assertTrue(answer.targets[0].posted[0].attachments)

    def test_a_record_that_can_t_be_made(self):
        self.alias.alias_defaults = "{'parent_id': 2000000000}"
        answer, _message = self.assertMatches(self.to_alias(), "failed", "error", tries=3)
        self.assertIn("several times", "".join(answer.remarks))

    def test_the_limit_is_reached(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 2)
        self.deliver(*(self.to_alias(subject=f"Order {n}") for n in range(2)))
        answer, _message = self.assertMatches(self.to_alias(subject="Order 3"), "held", "limit")
        self.assertEqual(answer.leaving[0].kind, "Notice to the Sender")
        answer, _message = self.assertMatches(self.to_alias(subject="Order 4"), "held", "limit")
        self.assertFalse(answer.leaving)

    # ------------------------------------------------------------------ replies

    def test_a_reply(self):
        answer, _message = self.assertMatches(self.reply(), "delivered")
        self.assertCountEqual([(told.name, told.by) for told in answer.told], [("Agent", "inbox"), ("Carl", "email")])
        self.assertEqual([mail.kind for mail in answer.leaving], ["Notification"])

    def test_a_reply_of_a_stranger_who_copies_others(self):
        source = self.reply(sender="New <new@customer.example>", Cc="Other <other@customer.example>")
        self.assertMatches(source, "delivered")

    def test_a_reply_to_another_alias(self):
        self.assertMatches(self.reply(to=f"inbound@{self.alias_domain}"), "delivered")

    def test_a_vacation_notice_that_answers_a_record(self):
        answer, _message = self.assertMatches(self.reply(Auto_Submitted="auto-replied"), "delivered", "automatic")
        self.assertEqual((answer.told, answer.targets[0].res_id), ([], self.order.id))

    def test_a_vacation_notice_that_answers_nothing(self):
        answer, _message = self.assertMatches(self.to_alias(Auto_Submitted="auto-replied"), "discarded", "automatic")
        self.assertEqual(answer.targets, [])

    def test_a_bounce(self):
        self.assertMatches(raw("Undelivered", "mailer-daemon@customer.example", self.bounce), "delivered", "bounce")

    # ------------------------------------------------------------------ to nobody

    def test_to_the_catchall_alone(self):
        source = raw("Hello", to=self.catchall)
        answer, _message = self.assertMatches(source, "rejected", "refused")
        self.assertEqual(answer.leaving[0].kind, "Notice to the Sender")
        self.assertEqual(answer.leaving[0].to, "mary@customer.example")
        again = raw("Hello", to=self.catchall, message_id="<again@customer.example>")
        self.assertMatches(again, "discarded", "catchall_repeat")

    def test_to_nobody(self):
        self.assertMatches(raw(), "held", "no_route")

    def test_to_nobody_through_a_server_that_discards_such_mail(self):
        self.server.unroutable = "discard"
        self.assertMatches(raw(), "discarded", "no_route")

    def test_to_nobody_through_a_server_that_makes_records(self):
        model = self.env["ir.model"]._get_id("res.partner")
        self.server.write({"object_id": model, "original": True, "attach": True})
        answer, _message = self.assertMatches(raw(), "delivered")
        self.assertIn("original_email.eml", answer.targets[0].posted[0].attachments)

    def test_to_a_former_address(self):
        self.alias.alias_name = "renamed"
        answer, message = self.assertMatches(self.to_alias(), "delivered")
        self.assertTrue(message.former_address)
        self.assertIn(f"redirects to renamed@{self.alias_domain}", answer.recipients[0].matches)

    def test_to_a_former_address_that_leads_nowhere(self):
        self.alias.unlink()
        answer, _message = self.assertMatches(self.to_alias(), "held", "lost_address")
        self.assertIn("was deleted", answer.recipients[0].matches)

    # ------------------------------------------------------------------ once more

    def test_a_duplicate(self):
        self.deliver(self.to_alias())
        self.assertMatches(self.to_alias(), "discarded", "duplicate")

    def test_a_copy_that_names_another_alias(self):
        self.deliver(self.to_alias(message_id="<one@customer.example>"))
        self.alias.copy({"alias_name": "second"})
        copy = raw(to=f"second@{self.alias_domain}", message_id="<one@customer.example>")
        before = self.rows()
        answer = self.dry_run(copy)
        self.assertEqual(self.rows(), before)
        message = self.deliver(copy)
        self.assertSameVerdict(answer, message)
        self.assertEqual([target.is_new for target in answer.targets][-1:], [True])

    def test_our_own_mail_that_comes_back(self):
        headers = {"X_Odoo_Message_Id": self.question.message_id}
        self.assertMatches(self.to_alias(**headers), "discarded", "loop")

    # ------------------------------------------------------------------ anything

    def test_an_empty_message(self):
        answer = self.dry_run(b"\r\n")
        message = self.deliver(b"\r\n")
        self.assertSameVerdict(answer, message)

    def test_broken_bytes(self):
        source = b"From: \xff\xfe <x\x00@>\nTo: " + f"inbound@{self.alias_domain}".encode() + b"\n\n\x00\xff\x80text"
        self.assertMatches(source, self.dry_run(source).state)

    def test_whatever_comes_in(self):
        folder = Path(__file__).parents[1] / "data"
        for path in sorted(folder.glob("*.eml")):
            with self.subTest(path.stem):
                source = path.read_bytes()
                answer = self.dry_run(source)
                message = self.deliver(source)
                while message.state == "deferred":
                    message.next_try = "2000-01-01"
                    self.run_lane()
                self.assertSameVerdict(answer, message)

    def test_a_message_that_is_too_large(self):
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        answer, _message = self.assertMatches(self.to_alias() + b"x" * 1_100_000, "held", "size")
        self.assertIn("Alias that creates a record of Contact", answer.recipients[0].matches)
