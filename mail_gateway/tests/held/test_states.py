import itertools

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.models.inbound.mail_inbound_message import PENDING, TRANSITIONS
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tools.policy import Action

# Every state, and the states that it leads to.
STEPS = {
    "received": {"delivered", "rejected", "discarded", "deferred", "held", "failed"},
    "deferred": {"received", "delivered", "rejected", "discarded", "deferred", "held", "failed"},
    "held": {"received", "rejected", "discarded"},
    "failed": {"received", "rejected", "discarded"},
    "delivered": set(),
    "rejected": set(),
    "discarded": set(),
}
# Every action of a rule, and the state that it leads to.
RULES = {
    "accept": "delivered",
    "note": "delivered",
    "hold": "held",
    "defer": "deferred",
    "reject": "rejected",
    "discard": "discarded",
}
# Every decision of a person about a held or failed message, and the state that it leads to.
DECISIONS = {
    "process_again": "received",
    "release": "received",
    "route": "received",
    "allow": "received",
    "reject": "rejected",
    "discard": "discarded",
}
# The decisions that do not change the state.
MARKS = {"keep", "let_go", "fetch"}


@tagged("post_install", "-at_install")
class TestStates(InboundCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(cls.env, "postmaster", groups="mail_gateway.group_postmaster")

    # ------------------------------------------------------------------ every state, action and transition

    def test_every_state_leads_only_to_the_listed_states(self):
        states = set(dict(self.env["mail.inbound.message"]._fields["state"].selection))
        self.assertEqual((set(STEPS), TRANSITIONS), (states, STEPS))
        for before, after in itertools.product(STEPS, STEPS):
            message = self.in_state(before)
            with self.subTest(f"{before} -> {after}"):
                if after in STEPS[before]:
                    message._move_to(after)
                    self.assertEqual((message.state, bool(message.done_date)), (after, after not in PENDING))
                else:
                    with self.assertRaisesRegex(UserError, "can't become"):
                        message._move_to(after)

    def test_every_action_of_a_rule_leads_to_its_state(self):
        offered = set(dict(self.env["mail.inbound.rule"]._fields["action"].selection))
        self.assertEqual({action.value: action.state for action in Action}, RULES)
        self.assertEqual(offered, set(RULES))
        rule = self.env["mail.inbound.rule"].create(
            {"name": "Mary", "check": "automatic", "action": "hold", "sequence": 1}
        )
        for action, state in RULES.items():
            rule.action = action
            to_record = {"to": f"inbound@{self.alias_domain}", "References": self.known_thread()}
            with self.subTest(action):
                message = self.deliver(raw(message_id=f"<{action}@x>", Auto_Submitted="auto-replied", **to_record))
                refused = action == "reject"  # without a notice, since it is an automatic reply
                self.assertEqual((message.state, message.rule_id), ("discarded" if refused else state, rule))

    def test_every_decision_of_a_person_leads_to_its_state(self):
        offered = set(dict(self.env["mail.inbound.decision"]._fields["decision"].selection))
        self.assertEqual(offered, DECISIONS.keys() | MARKS)
        for before, (decision, after) in itertools.product(("held", "failed"), DECISIONS.items()):
            message = self.in_state(before, cause="limit").with_user(self.postmaster)
            with self.subTest(f"{decision} a {before} one"):
                self.decide(message, decision)
                self.assertEqual((message.state, message.decision_ids.decision), (after, decision))
                self.assertEqual(message.decided_by_id, self.postmaster)

    def test_no_decision_can_be_made_about_messages_in_other_states(self):
        for before, decision in itertools.product(STEPS.keys() - {"held", "failed"}, DECISIONS):
            message = self.in_state(before).with_user(self.postmaster)
            with self.subTest(f"{decision} a {before} one"):
                with self.assertRaisesRegex(UserError, "can't become|is already waiting for delivery"):
                    self.decide(message, decision)
                self.assertEqual((message.state, len(message.decision_ids)), (before, 0))

    def test_every_source_may_be_kept(self):
        for state in STEPS:
            message = self.in_state(state).with_user(self.postmaster)
            message.action_keep_source()
            self.assertEqual((message.keep_source, message.state), (True, state))
            message.action_let_source_go()
            self.assertEqual((message.keep_source, message.state), (False, state))

    def in_state(self, state, **values):
        """Return a new message in this state."""
        message = self.store(self.to_alias())
        if state != "received":
            message._move_to(state, "Because.", **values)
        return message

    def decide(self, message, decision):
        """Let the postmaster decide, through the dialog if there is one."""
        if decision == "route":
            self.route(message, target="alias", alias_id=self.alias.id)
        elif decision == "reject":
            wizard = self.env["mail.inbound.reject"].with_user(self.postmaster)
            wizard.create({"inbound_message_ids": message.ids}).action_reject()
        else:
            getattr(message, {"allow": "action_allow_sender"}.get(decision, f"action_{decision}"))()

    def known_thread(self):
        """Post a message; return its Message-Id, to be answered."""
        record = self.env["res.partner"].create({"name": "Thread"})
        return record.message_post(body="Which colour?", message_type="comment").message_id

    # ------------------------------------------------------------------ by hand

    def test_a_transition_that_is_not_listed_is_refused(self):
        message = self.deliver(self.to_alias())
        with self.assertRaisesRegex(UserError, "is delivered and can't become received"):
            message.action_process_again()

    def test_a_held_message_is_delivered_once_its_alias_exists(self):
        message = self.deliver(raw(to=f"new@{self.alias_domain}"))
        self.assertEqual(message.state, "held")
        self.alias.alias_name = "new"
        message.with_user(self.postmaster).action_process_again()
        self.assertEqual(message.state, "received")
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_held_message_is_routed_to_the_record_that_a_person_chose(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        partner = self.env["res.partner"].create({"name": "Chosen"})
        self.route(message, target="record", record=f"res.partner,{partner.id}")
        self.run_lane()
        self.assertEqual((message.state, message.res_model, message.res_id), ("delivered", "res.partner", partner.id))
        self.assertIn("please send ten", partner.message_ids[0].body)

    def test_a_held_message_is_routed_to_the_alias_that_a_person_chose(self):
        message = self.deliver(raw(subject="Via alias", to="nobody@elsewhere.example"))
        self.route(message, target="alias", alias_id=self.alias.id)
        self.run_lane()
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Via alias")

    def test_a_received_message_cannot_be_discarded_or_processed_again(self):
        message = self.store(self.to_alias()).with_user(self.postmaster)
        for decide, words in (
            (message.action_discard, "is received and can't become discarded"),
            (message.action_process_again, "is already waiting for delivery"),
        ):
            with self.assertRaisesRegex(UserError, words):
                decide()

    def test_a_message_processed_again_loses_the_route_chosen_before(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        message.write({"route_model": "res.partner", "route_res_id": 1, "route_alias_id": self.alias.id})
        message.with_user(self.postmaster).action_process_again()
        self.assertEqual((message.route_model, message.route_res_id, message.route_alias_id.id), (False, 0, False))

    def test_a_route_without_a_target_is_refused(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        with self.assertRaisesRegex(UserError, "Choose a record or an alias"):
            self.route(message, target="record")

    def test_several_held_messages_are_discarded_at_once_and_keep_their_sources(self):
        messages = self.deliver(raw(to="a@elsewhere.example"), raw(to="b@elsewhere.example"))
        messages.with_user(self.postmaster).action_discard()
        self.assertEqual(set(messages.mapped("state")), {"discarded"})
        self.assertTrue(all(messages.mapped("source")))
        self.assertIn("postmaster", messages[0].reason)

    def test_only_a_postmaster_can_read_messages_and_decide(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        with self.assertRaises(AccessError):
            message.with_user(self.user_employee).read(["source"])
        with self.assertRaises(UserError):
            message.with_user(self.user_employee).action_discard()

    def test_a_postmaster_cannot_change_or_delete_a_message(self):
        message = self.deliver(raw(to="nobody@elsewhere.example")).with_user(self.postmaster)
        with self.assertRaises(AccessError):
            message.write({"state": "delivered"})
        with self.assertRaises(AccessError):
            message.unlink()

    def test_a_postmaster_cannot_read_passwords(self):
        server = self.server.with_user(self.postmaster)
        self.assertEqual(server.name, "Test")
        with self.assertRaises(AccessError):
            server.read(["password"])

    def route(self, message, **values):
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        # The postmaster may write contacts here.
        self.postmaster.group_ids += self.env.ref("base.group_partner_manager")
        wizard.create({"inbound_message_ids": message.ids, **values}).action_route()
