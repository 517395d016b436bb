from pathlib import Path

from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.dry_run.dry_run_common import MARY, DryRunCommon

_WATCHED = ("mail.notification", "mail.mail", "res.partner", "mail.inbound.created.record")


@tagged("post_install", "-at_install")
class TestDryRunMatches(DryRunCommon):
    """A dry run changes nothing, and its answer matches the delivery of the same message."""

    def assertMatches(self, source, state, cause="", server=None, tries=1):
        """Make a dry run, deliver, and compare.

        :param state: the state that both have to reach, so that no case passes for another reason than intended
        :param tries: the number of tries that the delivery needs
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

    # ------------------------------------------------------------------ messages to aliases

    def test_a_message_to_an_alias_matches(self):
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertTrue(answer.targets[0].is_new)

    def test_a_message_to_an_alias_with_defaults_matches(self):
        self.alias.alias_defaults = "{'comment': 'By mail', 'is_company': True}"
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertEqual(answer.targets[0].values["comment"].text, "By mail")
        self.assertEqual(answer.targets[0].values["is_company"].text, "Yes")

    def test_a_message_to_two_aliases_matches(self):
        self.alias.copy({"alias_name": "second", "alias_defaults": "{'function': 'Second'}"})
        domain = self.alias_domain
        answer, _message = self.assertMatches(raw(to=f"inbound@{domain}, second@{domain}"), "delivered")
        self.assertEqual(len(answer.targets), 2)

    def test_a_message_to_an_alias_that_writes_to_one_record_matches(self):
        self.alias.alias_force_thread_id = self.order.id
        answer, _message = self.assertMatches(self.to_alias(), "delivered")
        self.assertEqual(answer.targets[0].res_id, self.order.id)

    def test_messages_to_an_alias_only_for_partners_match(self):
        self.alias.alias_contact = "partners"
        self.assertMatches(self.to_alias(sender="who@unknown.example"), "rejected", "refused")
        answer, _message = self.assertMatches(self.to_alias(subject="Known"), "delivered")
        self.assertIn("Mary", answer.targets[0].posted[0].author)

    def test_messages_to_an_alias_only_for_followers_match(self):
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

    def test_a_message_with_an_attachment_matches(self):
        source = self.to_alias(Content_Type="application/pdf; name=order.pdf", Content_Disposition="attachment")
        answer, _message = self.assertMatches(source, "delivered")
        self.assertTrue(answer.targets[0].posted[0].attachments)

    def test_a_message_whose_record_cannot_be_created_matches(self):
        self.alias.alias_defaults = "{'parent_id': 2000000000}"
        answer, _message = self.assertMatches(self.to_alias(), "failed", "error", tries=3)
        self.assertIn("several times", "".join(answer.remarks))

    def test_messages_over_the_limit_match(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 2)
        self.deliver(*(self.to_alias(subject=f"Order {n}") for n in range(2)))
        answer, _message = self.assertMatches(self.to_alias(subject="Order 3"), "held", "limit")
        self.assertEqual(answer.leaving[0].kind, "Notice to the Sender")
        answer, _message = self.assertMatches(self.to_alias(subject="Order 4"), "held", "limit")
        self.assertFalse(answer.leaving)

    # ------------------------------------------------------------------ replies

    def test_a_reply_matches(self):
        answer, _message = self.assertMatches(self.reply(), "delivered")
        self.assertCountEqual([(told.name, told.by) for told in answer.told], [("Agent", "inbox"), ("Carl", "email")])
        self.assertEqual([mail.kind for mail in answer.leaving], ["Notification"])

    def test_a_reply_of_a_stranger_who_copies_others_matches(self):
        source = self.reply(sender="New <new@customer.example>", Cc="Other <other@customer.example>")
        self.assertMatches(source, "delivered")

    def test_a_reply_to_another_alias_matches(self):
        self.assertMatches(self.reply(to=f"inbound@{self.alias_domain}"), "delivered")

    def test_a_vacation_notice_that_answers_a_record_matches(self):
        answer, _message = self.assertMatches(self.reply(Auto_Submitted="auto-replied"), "delivered", "automatic")
        self.assertEqual((answer.told, answer.targets[0].res_id), ([], self.order.id))

    def test_a_vacation_notice_that_answers_nothing_matches(self):
        answer, _message = self.assertMatches(self.to_alias(Auto_Submitted="auto-replied"), "discarded", "automatic")
        self.assertEqual(answer.targets, [])

    def test_a_bounce_matches(self):
        self.assertMatches(raw("Undelivered", "mailer-daemon@customer.example", self.bounce), "delivered", "bounce")

    # ------------------------------------------------------------------ messages to nobody

    def test_messages_to_the_catchall_alone_match(self):
        source = raw("Hello", to=self.catchall)
        answer, _message = self.assertMatches(source, "rejected", "refused")
        self.assertEqual(answer.leaving[0].kind, "Notice to the Sender")
        self.assertEqual(answer.leaving[0].to, "mary@customer.example")
        again = raw("Hello", to=self.catchall, message_id="<again@customer.example>")
        self.assertMatches(again, "discarded", "catchall_repeat")

    def test_a_message_to_nobody_matches(self):
        self.assertMatches(raw(), "held", "no_route")

    def test_a_message_to_nobody_through_a_server_that_discards_such_mail_matches(self):
        self.server.unroutable = "discard"
        self.assertMatches(raw(), "discarded", "no_route")

    def test_a_message_to_nobody_through_a_server_that_makes_records_matches(self):
        model = self.env["ir.model"]._get_id("res.partner")
        self.server.write({"object_id": model, "original": True, "attach": True})
        answer, _message = self.assertMatches(raw(), "delivered")
        self.assertIn("original_email.eml", answer.targets[0].posted[0].attachments)

    def test_a_message_to_a_former_address_matches(self):
        self.alias.alias_name = "renamed"
        answer, message = self.assertMatches(self.to_alias(), "delivered")
        self.assertTrue(message.former_address)
        self.assertIn(f"redirects to renamed@{self.alias_domain}", answer.recipients[0].matches)

    def test_a_message_to_a_former_address_without_a_target_matches(self):
        self.alias.unlink()
        answer, _message = self.assertMatches(self.to_alias(), "held", "lost_address")
        self.assertIn("was deleted", answer.recipients[0].matches)

    # ------------------------------------------------------------------ repeated messages

    def test_a_duplicate_matches(self):
        self.deliver(self.to_alias())
        self.assertMatches(self.to_alias(), "discarded", "duplicate")

    def test_a_copy_that_names_another_alias_matches(self):
        self.deliver(self.to_alias(message_id="<one@customer.example>"))
        self.alias.copy({"alias_name": "second"})
        copy = raw(to=f"second@{self.alias_domain}", message_id="<one@customer.example>")
        before = self.rows()
        answer = self.dry_run(copy)
        self.assertEqual(self.rows(), before)
        message = self.deliver(copy)
        self.assertSameVerdict(answer, message)
        self.assertEqual([target.is_new for target in answer.targets][-1:], [True])

    def test_our_own_mail_that_comes_back_matches(self):
        headers = {"X_Odoo_Message_Id": self.question.message_id}
        self.assertMatches(self.to_alias(**headers), "discarded", "loop")

    # ------------------------------------------------------------------ other messages

    def test_an_empty_message_matches(self):
        answer = self.dry_run(b"\r\n")
        message = self.deliver(b"\r\n")
        self.assertSameVerdict(answer, message)

    def test_a_message_of_broken_bytes_matches(self):
        source = b"From: \xff\xfe <x\x00@>\nTo: " + f"inbound@{self.alias_domain}".encode() + b"\n\n\x00\xff\x80text"
        self.assertMatches(source, self.dry_run(source).state)

    def test_every_fixture_matches(self):
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

    def test_a_message_that_is_too_large_matches(self):
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        answer, _message = self.assertMatches(self.to_alias() + b"x" * 1_100_000, "held", "size")
        self.assertIn("Alias that creates a record of Contact", answer.recipients[0].matches)
