from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import NOBODY, DecisionsCommon


@tagged("post_install", "-at_install")
class TestDecisions(DecisionsCommon):
    """The decisions of a postmaster, and how they are recorded."""

    # ------------------------------------------------------------------ history

    def test_each_decision_is_recorded_with_its_user_date_and_reason(self):
        message = self.held(raw(to=NOBODY), reason="No recipient matches.")
        message.action_process_again()
        decision = message.decision_ids
        self.assertEqual((decision.decision, decision.user_id), ("process_again", self.postmaster))
        self.assertEqual(decision.reason, "No recipient matches.")
        self.assertTrue(decision.date)

    def test_the_message_names_the_last_user_who_decided(self):
        message = self.held(raw(to=NOBODY))
        message.action_process_again()
        self.run_lane()
        self.assertEqual(message.state, "held")
        colleague = new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        message.with_user(colleague).action_discard()
        self.assertEqual(message.decided_by_id, colleague)
        self.assertEqual(message.decision_ids.mapped("decision"), ["discard", "process_again"])

    def test_nobody_can_change_or_delete_recorded_decisions(self):
        message = self.held(raw(to=NOBODY))
        message.action_discard()
        with self.assertRaises(UserError):
            message.sudo().decision_ids.write({"note": "It was somebody else."})
        for decision in (message.decision_ids, message.decision_ids.with_user(self.env.ref("base.user_admin"))):
            with self.assertRaises(AccessError):
                decision.unlink()

    def test_a_refused_decision_is_not_recorded(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        with self.assertRaisesRegex(UserError, "is delivered and can't become discarded"):
            message.action_discard()
        self.assertFalse(message.decision_ids)

    def test_the_chosen_route_is_recorded(self):
        self.postmaster.group_ids += self.env.ref("base.group_partner_manager")
        partner = self.env["res.partner"].create({"name": "Chosen"})
        message = self.held(raw(to=NOBODY))
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        wizard.create({"inbound_message_ids": message.ids, "record": f"res.partner,{partner.id}"}).action_route()
        self.assertEqual(message.decision_ids.note, "Contact: Chosen")

    # ------------------------------------------------------------------ release

    def test_a_released_message_is_delivered_despite_the_rule_that_held_it(self):
        self.env["mail.inbound.rule"].search([("check", "=", "size")]).action = "hold"
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        message = self.deliver(self.to_alias() + b"x" * 1024 * 1024)
        self.assertEqual((message.state, message.cause), ("held", "size"))
        message.with_user(self.postmaster).action_release()
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_duplicate_remains_a_duplicate_when_it_is_released(self):
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).action = "hold"
        first = self.deliver(self.to_alias(message_id="<a@x>"))
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).action = "discard"
        second = self.held(self.to_alias(message_id="<a@x>"), cause="duplicate")
        second.action_release()
        self.run_lane()
        self.assertEqual((first.state, second.state), ("delivered", "discarded"))

    def test_a_message_that_no_rule_holds_cannot_be_released(self):
        for cause in ("no_route", "lost_address", "refused"):
            message = self.held(raw(to=NOBODY), cause=cause)
            with self.subTest(cause):
                self.assertFalse(message.is_releasable)
                with self.assertRaisesRegex(UserError, "No rule holds this message. Route it instead."):
                    message.action_release()
                self.assertEqual((message.state, len(message.decision_ids)), ("held", 0))

    def test_a_failed_message_cannot_be_released(self):
        message = self.store(raw(to=NOBODY)).with_user(self.postmaster)
        message.sudo()._move_to("failed", "Because.", cause="error")
        with self.assertRaisesRegex(UserError, "Process it again instead"):
            message.action_release()
        self.assertFalse(message.is_releasable)

    def test_a_message_held_by_a_rule_or_by_the_limit_of_odoo_is_releasable(self):
        for cause in ("size", "limit", "replies"):
            self.assertTrue(self.held(self.to_alias(), cause=cause).is_releasable, cause)

    def test_only_those_messages_that_a_rule_holds_are_released(self):
        by_rule = self.held(self.to_alias(), cause="size")
        nowhere = self.held(raw(to=NOBODY))
        action = (by_rule + nowhere).action_release()
        self.assertEqual((by_rule.state, nowhere.state), ("received", "held"))
        self.assertIn("Released: 1 message.", action["params"]["message"])
        self.assertIn("Not released because no rule holds them: 1 message.", action["params"]["message"])

    def test_several_messages_that_no_rule_holds_cannot_be_released(self):
        with self.assertRaisesRegex(UserError, "No rule holds these messages"):
            self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again")).action_release()

    # ------------------------------------------------------------------ messages about decisions

    def test_each_decision_reports_its_result(self):
        for method, cause, words in (
            ("action_release", "size", "Released: 2 messages. Delivery follows in a moment."),
            ("action_process_again", "no_route", "Processed again: 2 messages. Delivery follows in a moment."),
            ("action_discard", "no_route", "Discarded: 2 messages"),
        ):
            messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"), cause=cause)
            self.assertEqual(getattr(messages, method)()["params"]["message"], words)

    def test_routing_reports_the_chosen_alias(self):
        message = self.held(raw(to=NOBODY))
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        values = {"inbound_message_ids": message.ids, "target": "alias", "alias_id": self.alias.id}
        words = wizard.create(values).action_route()["params"]["message"]
        self.assertEqual(words, f"Routed to {self.alias.display_name}: 1 message. Delivery follows in a moment.")

    # ------------------------------------------------------------------ allowing a sender

    def test_allowing_a_sender_delivers_all_their_messages_that_a_limit_holds(self):
        messages = self.held(
            *(self.to_alias(subject=f"Order {n}", message_id=f"<{n}@x>") for n in range(3)), cause="limit"
        )
        action = messages[0].action_allow_sender()
        self.assertIn("mary@customer.example", action["params"]["message"])
        self.run_lane()
        self.assertEqual(set(messages.mapped("state")), {"delivered"})
        self.assertEqual(messages.decision_ids.mapped("decision"), ["allow"] * 3)

    def test_allowing_a_sender_does_not_release_other_senders_or_other_causes(self):
        limited = self.held(self.to_alias(), cause="limit")
        other_sender = self.held(self.to_alias(sender="eve@customer.example"), cause="limit")
        other_cause = self.held(raw(to=NOBODY), cause="no_route")
        limited.action_allow_sender()
        self.assertEqual((limited.state, other_sender.state, other_cause.state), ("received", "held", "held"))

    def test_an_allowed_sender_has_one_entry_in_the_list_and_no_limit(self):
        allowed = self.env["mail.gateway.allowed"]
        for _time in range(2):
            self.held(self.to_alias(), cause="limit").action_allow_sender()
        self.assertEqual(allowed.search_count([("email_normalized", "=", "mary@customer.example")]), 1)
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "1")
        self.run_lane()
        later = self.deliver(*(self.to_alias(subject=f"More {n}", message_id=f"<more{n}@x>") for n in range(3)))
        self.assertEqual(set(later.mapped("state")), {"delivered"})

    def test_a_sender_can_be_allowed_only_for_a_message_that_a_limit_holds(self):
        with self.assertRaisesRegex(UserError, "that a limit holds"):
            self.held(raw(to=NOBODY)).action_allow_sender()
        self.assertFalse(self.env["mail.gateway.allowed"].search([("email_normalized", "=", "mary@customer.example")]))

    def test_a_sender_without_an_address_cannot_be_allowed(self):
        with self.assertRaisesRegex(UserError, "contains no valid address"):
            self.held(self.to_alias(sender="undisclosed"), cause="limit").action_allow_sender()

    # ------------------------------------------------------------------ rights

    def test_only_a_postmaster_can_decide(self):
        message = self.held(raw(to=NOBODY), cause="limit").with_user(self.user_employee)
        for name in (
            "action_process_again",
            "action_release",
            "action_discard",
            "action_allow_sender",
            "action_route",
            "action_reject",
            "action_bulk_decision",
            "action_keep_source",
            "action_let_source_go",
        ):
            with self.subTest(name), self.assertRaisesRegex(UserError, "Only a postmaster"):
                getattr(message, name)()

    def test_a_postmaster_chooses_only_among_models_that_they_may_read(self):
        offered = dict(self.env["mail.inbound.route"].with_user(self.postmaster)._selection_models())
        self.assertIn("res.partner", offered)
        self.assertFalse(
            [model for model in offered if not self.env[model].with_user(self.postmaster).has_access("read")]
        )
