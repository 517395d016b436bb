from contextlib import suppress

from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tests.tools.tools_common import DATA


@tagged("post_install", "-at_install")
class TestRepetitions(InboundCommon):
    """Repeated messages: the same text to the catchall (D2), the same Message-Id (D4), and our own mail (D3)."""

    def setUp(self):
        super().setUp()
        self.catchall = self.mail_alias_domain.catchall_email

    def to_catchall(self, **values):
        return self.deliver(raw(**{"subject": "Hello", "to": self.catchall, "message_id": "", **values}))

    def notices(self):
        return self.env["mail.mail"].search([("subject", "=", "Your message could not be delivered")])

    # ------------------------------------------------------------------ D2

    def test_mail_to_the_catchall_is_refused_once(self):
        first, again = self.to_catchall(message_id="<1@x>"), self.to_catchall(message_id="<2@x>")
        self.assertEqual([first.state, again.state], ["rejected", "discarded"])
        self.assertEqual(again.cause, "catchall_repeat")
        self.assertEqual(len(self.notices()), 1)

    def test_the_same_text_with_another_subject_prefix_is_a_repetition(self):
        self.to_catchall(message_id="<1@x>")
        self.assertEqual(self.to_catchall(message_id="<2@x>", subject="Re: RE: hello").state, "discarded")

    def test_the_same_text_after_the_period_is_refused_again(self):
        self.to_catchall(message_id="<1@x>")
        self.env["mail.inbound.sender.notice"].search([])._write({"create_date": "2000-01-01"})
        self.assertEqual(self.to_catchall(message_id="<2@x>").state, "rejected")

    def test_another_subject_or_sender_is_not_a_repetition(self):
        self.to_catchall(message_id="<1@x>")
        self.assertEqual(self.to_catchall(message_id="<2@x>", subject="Something else").state, "rejected")
        self.assertEqual(self.to_catchall(message_id="<3@x>", sender="bob@customer.example").state, "rejected")

    def test_a_sender_gets_at_most_three_notices(self):
        states = [
            self.to_catchall(message_id=f"<{n}@x>", subject=f"Topic {word}").state
            for n, word in enumerate(("one", "two", "three", "four", "five"))
        ]
        self.assertEqual(states, ["rejected"] * 3 + ["held"] * 2)

    def test_a_reply_to_the_catchall_is_not_a_repetition(self):
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        self.to_catchall(message_id="<1@x>")
        self.assertEqual(self.to_catchall(message_id="<2@x>", In_Reply_To=parent.message_id).state, "delivered")

    def test_an_alias_beside_the_catchall_takes_a_message_that_the_catchall_refused(self):
        self.to_catchall(message_id="<1@x>")
        both = f"{self.catchall}, inbound@{self.alias_domain}"
        self.assertEqual(self.to_catchall(message_id="<2@x>", to=both).state, "delivered")

    def test_notices_are_counted_by_their_recipient(self):
        path = {"Return_Path": "<box@helpdesk.example>"}
        states = [
            self.to_catchall(message_id=f"<{n}@x>", sender=f"{n}@helpdesk.example", **path).state for n in range(5)
        ]
        self.assertEqual(states, ["rejected"] * 3 + ["held"] * 2)

    def test_a_null_sender_is_never_answered(self):
        message = self.to_catchall(Return_Path="<>")
        self.assertEqual((message.state, message.cause), ("discarded", "automatic"))
        self.assertFalse(self.notices())

    def test_notices_say_that_a_program_wrote_them(self):
        self.to_catchall()
        self.assertIn("'Auto-Submitted': 'auto-replied'", self.notices().headers)

    def test_an_answer_to_a_notice_is_discarded(self):
        self.alias.alias_contact = "partners"
        self.deliver(self.to_alias())
        mark = self.notices().references.split()[-1]
        answer = self.deliver(self.to_alias(subject="Why?", In_Reply_To=mark, References=mark))
        self.assertEqual((answer.state, answer.cause), ("discarded", "loop"))

    # ------------------------------------------------------------------ D4

    def test_two_mailboxes_make_one_record_for_each_alias(self):
        self.alias.copy({"alias_name": "second"})
        copies = [
            raw(
                "Both", to="undisclosed-recipients:;", message_id="<both@x>", Delivered_To=f"{name}@{self.alias_domain}"
            )
            for name in ("inbound", "second", "inbound")
        ]
        first, second, third = self.deliver(*copies)
        self.assertEqual([first.state, second.state, third.state], ["delivered", "delivered", "discarded"])
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Both")]), 2)
        self.assertEqual(len(first.mail_message_ids + second.mail_message_ids), 2)
        self.assertNotEqual(first.res_id, second.res_id)

    def test_two_copies_that_name_both_aliases_make_one_record_for_each_alias(self):
        self.alias.copy({"alias_name": "second"})
        to = f"inbound@{self.alias_domain}, second@{self.alias_domain}"
        first, second = self.deliver(*[raw("Both", to=to, message_id="<both@x>")] * 2)
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Both")]), 2)

    def test_a_later_copy_makes_a_record_only_for_the_alias_that_it_adds(self):
        self.alias.copy({"alias_name": "second"})
        one = raw("Both", to=f"inbound@{self.alias_domain}", message_id="<both@x>")
        both = raw("Both", to=f"inbound@{self.alias_domain}, second@{self.alias_domain}", message_id="<both@x>")
        self.deliver(one, both)
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Both")]), 2)

    def test_a_reply_is_not_posted_twice_when_a_later_copy_names_an_alias(self):
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        values = {"subject": "Re: Question", "message_id": "<re@x>", "In_Reply_To": parent.message_id}
        first, second = self.deliver(raw(to=self.catchall, **values), self.to_alias(**values))
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])
        self.assertEqual(len(record.message_ids.filtered(lambda m: m.message_type == "email")), 1)

    def test_a_renamed_alias_counts_as_the_same_alias(self):
        to_old = self.to_alias(subject="Old", message_id="<old@x>")
        self.deliver(to_old)
        self.alias.alias_name = "renamed"
        self.assertEqual(self.deliver(to_old).state, "discarded")

    def test_ids_that_the_parser_truncates_are_distinguished(self):
        for ids in (("<Fax 1001@fax.example>", "<Fax 1002@fax.example>"), ("<m(1)@fax.example>", "<m(2)@fax.example>")):
            messages = self.deliver(*(self.to_alias(subject=name, message_id=name) for name in ids))
            self.assertEqual(messages.mapped("state"), ["delivered", "delivered"])
            self.assertEqual(set(messages.mail_message_ids.mapped("message_id")), set(ids))

    def test_a_message_that_ended_in_an_error_is_processed_when_it_comes_again(self):
        source = raw("Again", to=f"later@{self.alias_domain}", message_id="<again@x>")
        with suppress(ValueError):  # assertRaises would roll back
            self.env["mail.thread"].message_process(False, source)
        self.alias.alias_name = "later"
        self.assertTrue(self.env["mail.thread"].message_process(False, source))
        self.assertEqual(self.deliver(source).state, "discarded")

    def test_a_duplicate_that_is_held_and_released_remains_a_duplicate(self):
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).action = "hold"
        _first, second = self.deliver(*[self.to_alias(subject="Twice", message_id="<twice@x>")] * 2)
        second.action_release()
        self.run_lane()
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Twice")]), 1)

    def test_a_bounce_is_processed_once(self):
        bounce = raw(
            "Undelivered", sender="MAILER-DAEMON@x.example", to=self.mail_alias_domain.bounce_email, message_id="<b@x>"
        )
        first, second = self.deliver(bounce, bounce)
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])

    def test_without_the_rule_a_duplicate_is_processed_again(self):
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).active = False
        self.deliver(*[self.to_alias(subject="Twice", message_id="<twice@x>")] * 2)
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Twice")]), 2)

    def test_a_copy_with_a_bad_byte_in_an_attached_message_is_recognized(self):
        name = "content_attached_message_with_a_bad_byte_in_big5"
        source = self.eml(name)
        self.assertEqual(self.deliver(source, source).mapped("state"), ["delivered", "discarded"])
        other = self.deliver(source.replace(b"\xa1\xa1\x81", b"\xa1\xa2\x81"))
        self.assertEqual(other.state, "delivered")

    def eml(self, name):
        """Return a fixture, addressed to the test alias."""
        address = f"inbound@{self.alias_domain}".encode()
        return (DATA / f"{name}.eml").read_bytes().replace(b"sales@mycompany.example", address)

    # ------------------------------------------------------------------ D3

    def test_our_own_mail_is_recognised_under_another_message_id(self):
        record = self.env["res.partner"].create({"name": "Thread"})
        sent = record.message_post(body="News", message_type="comment", subtype_xmlid="mail.mt_comment")
        back = self.deliver(self.to_alias(message_id="<rewritten@relay.example>", X_Odoo_Message_Id=sent.message_id))
        self.assertEqual((back.state, back.cause), ("discarded", "loop"))

    def test_mail_from_another_odoo_is_delivered_like_any_other(self):
        message = self.deliver(self.to_alias(X_Odoo_Message_Id="<1@other-odoo.example>"))
        self.assertEqual(message.state, "delivered")
