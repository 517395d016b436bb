import tracemalloc

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import NOBODY, DecisionsCommon


@tagged("post_install", "-at_install")
class TestReject(DecisionsCommon):
    def dialog(self, messages):
        """Return the dialog as the browser fills it in."""
        action = messages.action_reject()
        return Form(self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"]))

    def reject(self, messages, text=None):
        dialog = self.dialog(messages)
        if text is not None:
            dialog.body = text
        dialog.save().action_reject()

    def test_the_sender_gets_the_text_of_the_postmaster(self):
        message = self.held(raw(to=NOBODY))
        self.reject(message, "Please write to sales <b>instead</b>.")
        mail = self.queued()
        self.assertEqual((mail.email_to, mail.subject), ("mary@customer.example", "Re: Order"))
        self.assertIn("Please write to sales &lt;b&gt;instead&lt;/b&gt;.", mail.body_html)
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(
            (message.state, message.reason), ("rejected", "Rejected by Paul. mary@customer.example was notified.")
        )
        self.assertTrue(message.told_date)
        self.assertIn("Please write to sales", message.decision_ids.note)

    def test_the_text_starts_with_the_reason_in_words_for_the_sender(self):
        for cause, words in (
            ("no_route", f"The address that you wrote to does not exist: {NOBODY}"),
            ("limit", "We received more messages from your address"),
            ("size", "It is too large"),
            ("loop", "in another way"),
        ):
            with self.subTest(cause):
                dialog = self.dialog(self.held(raw(to=NOBODY), cause=cause))
                self.assertIn("your message “Order” could not be accepted.", dialog.body)
                self.assertIn(words, dialog.body)
                self.assertIn("Paul", dialog.body)

    def test_the_dialog_shows_the_recipient_and_the_subject_of_the_letter(self):
        dialog = self.dialog(self.held(raw(to=NOBODY)))
        self.assertEqual((dialog.told, dialog.subject), ("mary@customer.example", "Re: Order"))

    def test_the_result_names_the_notified_senders(self):
        for sources, words in (
            ([raw(to=NOBODY)], "Rejected, and mary@customer.example was notified."),
            (
                [raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example")],
                "Rejected: 2 messages. Notified: eve@customer.example, mary@customer.example",
            ),
        ):
            action = self.dialog(self.held(*sources)).save().action_reject()
            self.assertEqual(action["params"]["message"], words)

    def test_several_senders_each_get_a_letter_of_their_own(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example", subject="Offer"))
        dialog = self.dialog(messages)
        self.assertNotIn("Order", dialog.body)
        dialog.save().action_reject()
        self.assertEqual(
            {(mail.email_to, mail.subject) for mail in self.queued()},
            {("mary@customer.example", "Re: Order"), ("eve@customer.example", "Re: Offer")},
        )

    def test_the_letter_goes_to_the_envelope_sender_as_in_core(self):
        self.reject(self.held(raw(to=NOBODY, Return_Path="<SRS0=HaSh=x@relay.example>")))
        self.assertEqual(self.queued().email_to, "SRS0=HaSh=x@relay.example")

    def test_the_letter_belongs_to_the_thread_of_the_message(self):
        self.reject(self.held(raw(to=NOBODY, message_id="<own@x>", References="<root@x>\r\n <parent@x>")))
        mail = self.queued()
        self.assertEqual(mail.references, "<root@x> <parent@x> <own@x>")
        self.assertIn("'In-Reply-To': '<own@x>'", mail.headers)

    def test_the_letter_comes_from_the_postmaster_and_may_be_answered(self):
        self.reject(self.held(raw(to=NOBODY)))
        mail = self.queued()
        self.assertEqual((mail.email_from, mail.reply_to), (self.postmaster.email_formatted,) * 2)
        answer = self.to_alias(subject="Re: Re: Order", References=f"{mail.references} {mail.message_id}")
        self.assertEqual(self.deliver(answer).state, "delivered")

    def test_a_postmaster_without_an_address_writes_under_that_of_the_company(self):
        self.postmaster.email = False
        self.env.company.email = "office@mycompany.example"
        message = self.held(raw(to=NOBODY))
        self.reject(message)
        mail = self.env["mail.mail"].search([("references", "like", message.message_id)])
        self.assertEqual(mail.email_from, '"Paul" <office@mycompany.example>')

    def test_the_null_sender_never_gets_a_letter(self):
        message = self.held(raw(to=NOBODY, Return_Path="<>"))
        with self.assertRaisesRegex(UserError, "its Return-Path is empty"):
            self.reject(message)
        self.assertEqual((message.state, len(self.queued())), ("held", 0))

    def test_no_letter_is_sent_if_one_sender_has_no_address(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, sender="undisclosed", subject="Who?"))
        with self.assertRaisesRegex(UserError, "“Who\\?” can't be answered: its sender, undisclosed"):
            self.reject(messages)
        self.assertEqual((set(messages.mapped("state")), len(self.queued())), ({"held"}, 0))

    def test_a_letter_without_text_is_refused(self):
        message = self.held(raw(to=NOBODY))
        with self.assertRaisesRegex(UserError, "Write a text for the senders"):
            self.reject(message, "  ")
        self.assertEqual(message.state, "held")

    def test_a_program_is_pointed_out(self):
        dialog = self.dialog(self.held(raw(to=NOBODY, Auto_Submitted="auto-generated")))
        self.assertIn("mary@customer.example (Auto-Submitted)", dialog.warning)
        self.assertFalse(self.dialog(self.held(raw(to=NOBODY))).warning)

    def test_a_message_that_cannot_be_parsed_can_be_rejected(self):
        message = self.held(raw(to=NOBODY, message_id="<[x@y]>", subject="=?x-unknown?B?////?="), cause="error")
        self.reject(message, "Once more, please.")
        self.assertEqual((message.state, self.queued().email_to), ("rejected", "mary@customer.example"))

    def test_a_subject_of_several_lines_adds_no_header_to_the_letter(self):
        self.reject(self.held(raw(to=NOBODY, subject="Order\r\n Bcc: eve@customer.example")))
        self.assertEqual(self.queued().subject, "Re: Order Bcc: eve@customer.example")
        self.assertFalse(self.queued().email_cc)

    def test_a_message_whose_source_is_deleted_cannot_be_answered(self):
        message = self.held(raw(to=NOBODY))
        message.sudo().source = False
        with self.assertRaisesRegex(UserError, "its source is deleted"):
            self.reject(message)

    def test_large_messages_take_no_more_memory_than_their_heads(self):
        large = 8 << 20
        messages = self.held(*(raw(to=NOBODY, subject=f"{n}") + b"x" * large for n in range(3)))
        self.env.invalidate_all()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.reject(messages)
        _now, most = tracemalloc.get_traced_memory()
        self.assertEqual(set(messages.mapped("state")), {"rejected"})
        self.assertLess(most, large)

    def test_a_user_who_may_not_read_a_message_does_not_learn_its_sender(self):
        message = self.held(raw(to=NOBODY))
        dialog = self.env["mail.inbound.reject"].with_user(self.user_employee)
        with self.assertRaises(AccessError):
            _ = dialog.new({"inbound_message_ids": message.ids}).told
