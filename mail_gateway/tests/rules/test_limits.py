from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

MARY = "Mary <mary@customer.example>"


@tagged("post_install", "-at_install")
class TestLimits(InboundCommon):
    """Limits of the records that an alias makes (D1)."""

    def setUp(self):
        super().setUp()
        self.limit(alias=2)

    def limit(self, **values):
        for name, value in values.items():
            self.env["ir.config_parameter"].set_param(f"mail.incoming.limit.{name}", value)

    def orders(self, number, sender=MARY, to=None, first=0):
        to = to or f"inbound@{self.alias_domain}"
        return self.deliver(*(raw(f"Order {first + n}", sender, to) for n in range(number)))

    def states(self, messages):
        return messages.sorted("id").mapped("state")

    def notices(self):
        return self.env["mail.mail"].search([("subject", "=", "Your message is waiting")])

    def age(self, messages, minutes):
        self.env.cr.execute(
            "UPDATE mail_inbound_created_record SET create_date = create_date - %s * interval '1 minute'"
            " WHERE inbound_message_id IN %s",
            (minutes, tuple(messages.ids)),
        )
        self.env.invalidate_all()

    def test_messages_over_the_limit_are_held_with_their_reason(self):
        messages = self.orders(4)
        self.assertEqual(self.states(messages), ["delivered", "delivered", "held", "held"])
        self.assertEqual(messages[3].cause, "limit")
        self.assertIn(
            "mary@customer.example has reached the limit of new records: 2 within 60 minutes.",
            messages[3].reason,
        )

    def test_the_sender_is_notified_once(self):
        messages = self.orders(5)
        self.assertEqual(len(self.notices()), 1)
        self.assertIn("waits", self.notices().body_html)
        self.assertTrue(messages[2].told_date)
        self.assertFalse(messages[3].told_date)

    def test_the_sender_is_notified_again_in_the_next_period(self):
        self.orders(3)
        self.env["mail.inbound.sender.notice"].search([])._write({"create_date": "2000-01-01"})
        self.orders(1, first=3)
        self.assertEqual(len(self.notices()), 2)

    def test_an_answer_to_the_notice_is_held_for_the_same_limit(self):
        self.orders(3)
        notice = self.notices()
        self.assertEqual(notice.reply_to, f"inbound@{self.alias_domain}")
        answer = self.deliver(
            self.to_alias(subject="Thank you", sender=MARY, References=f"{notice.references} {notice.message_id}")
        )
        self.assertEqual((answer.state, answer.cause), ("held", "limit"))

    def test_a_released_message_from_a_program_keeps_the_values_that_the_program_passed(self):
        for number in range(3):
            self.env["mail.thread"].message_process(
                "res.partner", raw(f"Order {number}", MARY, "box@elsewhere.example"), custom_values={"city": "Ghent"}
            )
        held = self.env["mail.inbound.message"].search([], order="id desc", limit=1)
        self.assertEqual((held.state, held.cause), ("held", "limit"))
        held.action_release()
        self.run_lane()
        self.assertEqual(self.env["res.partner"].browse(held.res_id).city, "Ghent")

    def test_a_program_is_not_notified(self):
        values = {"Auto_Submitted": "auto-generated"}
        self.deliver(*(self.to_alias(subject=f"Order {n}", **values) for n in range(3)))
        self.assertFalse(self.notices())

    def test_another_sender_is_not_counted(self):
        self.orders(2)
        self.assertEqual(self.states(self.orders(1, "Bob <bob@customer.example>")), ["delivered"])

    def test_the_same_sender_under_another_name_and_case_is_counted(self):
        self.orders(2)
        self.assertEqual(self.states(self.orders(1, "M. <MARY@Customer.example>", first=2)), ["held"])

    def test_addresses_with_different_tags_are_the_same_sender(self):
        self.orders(1, "support+case1@customer.example")
        self.orders(1, "support+case2@customer.example", first=1)
        self.assertEqual(self.states(self.orders(1, "support@customer.example", first=2)), ["held"])

    def test_all_senders_are_counted_together_if_so_set(self):
        self.limit(scope="alias")
        self.orders(2)
        self.assertEqual(self.states(self.orders(1, "Bob <bob@customer.example>")), ["held"])

    def test_another_alias_is_not_counted(self):
        self.alias.copy({"alias_name": "other"})
        self.orders(2)
        self.assertEqual(self.states(self.orders(1, to=f"other@{self.alias_domain}", first=2)), ["delivered"])

    def test_records_made_before_the_period_are_not_counted(self):
        first = self.orders(2)
        self.age(first, 61)
        self.assertEqual(self.states(self.orders(3, first=2)), ["delivered", "delivered", "held"])

    def test_messages_that_made_no_record_are_not_counted(self):
        self.deliver(*(raw(f"Order {n}", MARY, "nobody@elsewhere.example") for n in range(5)))
        self.assertEqual(self.states(self.orders(2, first=5)), ["delivered", "delivered"])

    def test_replies_are_not_counted_as_records(self):
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        replies = [self.to_alias(subject=f"Re: {n}", sender=MARY, In_Reply_To=parent.message_id) for n in range(4)]
        self.assertEqual(set(self.deliver(*replies).mapped("state")), {"delivered"})
        self.assertEqual(self.states(self.orders(2)), ["delivered", "delivered"])

    def test_replies_over_the_limit_are_held(self):
        self.env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", 2)
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        messages = self.deliver(
            *(self.to_alias(subject=f"Re: {n}", sender=MARY, In_Reply_To=parent.message_id) for n in range(3))
        )
        self.assertEqual(self.states(messages), ["delivered", "delivered", "held"])
        self.assertEqual(messages[2].cause, "replies")

    def test_a_sender_of_too_many_replies_is_notified_once(self):
        self.env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", 1)
        record = self.env["res.partner"].create({"name": "Thread"})
        parent = record.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        replies = (self.to_alias(subject=f"Re: {word}", sender=MARY, In_Reply_To=parent.message_id) for word in "abcd")
        messages = self.deliver(*replies)
        self.assertEqual(self.states(messages), ["delivered", "held", "held", "held"])
        self.assertEqual(
            messages.sorted("id").mapped(lambda message: bool(message.told_date)), [False, True, False, False]
        )

    def test_allowed_addresses_have_no_limit(self):
        self.env["mail.gateway.allowed"].create({"email": MARY})
        self.assertEqual(self.states(self.orders(4)), ["delivered"] * 4)

    def test_the_model_of_an_incoming_server_has_a_limit(self):
        self.server.object_id = self.env["ir.model"]._get(self.record_model)
        self.assertEqual(self.states(self.orders(3, to="box@elsewhere.example")), ["delivered", "delivered", "held"])

    def test_a_message_that_a_person_releases_is_delivered(self):
        held = self.orders(3)[2]
        held.action_release()
        self.run_lane()
        self.assertEqual(held.state, "delivered")

    def test_counting_takes_one_query_however_many_records_were_made(self):
        creations = self.env["mail.inbound.created.record"]
        creations._limits()
        for _number in range(2):
            with self.assertQueryCount(1):
                creations._is_used_up(creations._target(self.alias, 0, self.record_model), "mary@customer.example")
            self.orders(2)

    def test_old_records_of_creations_are_removed(self):
        messages = self.orders(2)
        self.age(messages, 60 + 25 * 60)
        self.env["mail.inbound.created.record"]._gc_created_records()
        self.assertFalse(
            self.env["mail.inbound.created.record"].search_count([("inbound_message_id", "in", messages.ids)])
        )
