from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import NOBODY, DecisionsCommon


@tagged("post_install", "-at_install")
class TestBulkDecision(DecisionsCommon):
    """The dialog about all similar messages."""

    def alike(self, message):
        """Return the dialog about all messages that are held for the same cause."""
        return (
            self.env["mail.inbound.bulk.decision"]
            .with_user(self.postmaster)
            .browse(message.action_bulk_decision()["res_id"])
        )

    def test_messages_held_by_a_limit_are_alike_if_their_sender_is_the_same(self):
        mine, also_mine, others = (
            self.held(self.to_alias(sender=sender, message_id=f"<{n}@x>"), cause="limit")
            for n, sender in enumerate(
                ("Mary <mary@customer.example>", "mary@customer.example", "eve@customer.example")
            )
        )
        self.assertEqual(self.alike(mine).decided_message_ids, mine + also_mine)
        self.assertEqual(self.alike(others).decided_message_ids, others)

    def test_messages_without_a_route_are_alike_if_their_recipients_are_the_same(self):
        first, second, elsewhere = self.deliver(
            raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example"), raw(to="else@elsewhere.example")
        ).with_user(self.postmaster)
        self.assertEqual(self.alike(first).decided_message_ids, first + second)
        self.assertEqual(self.alike(elsewhere).decided_message_ids, elsewhere)

    def test_messages_held_by_other_rules_are_alike_if_their_rule_is_the_same(self):
        rules = self.env["mail.inbound.rule"].create(
            [{"name": name, "check": "automatic", "action": "hold"} for name in ("One", "Two")]
        )
        first, second, other = (
            self.held(self.to_alias(), cause="automatic", rule_id=rule.id) for rule in (rules[0], rules[0], rules[1])
        )
        self.assertEqual(self.alike(first).decided_message_ids, first + second)
        self.assertEqual(self.alike(other).decided_message_ids, other)

    def test_the_dialog_shows_the_number_and_the_senders_before_a_decision(self):
        messages = self.held(
            raw(to=NOBODY), raw(to=NOBODY, subject="Again"), raw(to=NOBODY, sender="eve@customer.example")
        )
        wizard = self.alike(messages[0])
        self.assertEqual(wizard.words, "Messages: 3, from mary@customer.example (2), eve@customer.example (1)")
        self.assertEqual(set(messages.mapped("state")), {"held"})

    def test_all_similar_messages_are_decided_about_at_once(self):
        for method, state in (
            ("action_release", "received"),
            ("action_process_again", "received"),
            ("action_allow_sender", "received"),
            ("action_discard", "discarded"),
        ):
            messages = self.held(self.to_alias(), self.to_alias(subject="Again"), cause="limit")
            getattr(self.alike(messages[0]), method)()
            self.assertEqual(messages.mapped("state"), [state] * 2, method)

    def test_messages_that_arrive_or_are_decided_about_meanwhile_are_not_changed(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"))
        wizard = self.alike(messages[0])
        later = self.held(raw(to=NOBODY, subject="Later"))
        messages[1].action_discard()
        wizard.action_process_again()
        self.assertEqual([*messages.mapped("state"), later.state], ["received", "discarded", "held"])

    def test_all_similar_messages_are_routed_or_rejected_through_the_dialogs(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"))
        for method, model in (("action_route", "mail.inbound.route"), ("action_reject", "mail.inbound.reject")):
            action = getattr(self.alike(messages[0]), method)()
            dialog = self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"])
            self.assertEqual(dialog._name, model)
            self.assertEqual(Form(dialog).inbound_message_ids.ids, messages.ids)

    def test_the_dialog_highlights_the_usual_decision(self):
        for cause, usual, releasable in (
            ("no_route", "route", False),
            ("lost_address", "route", False),
            ("limit", "allow", True),
            ("replies", "allow", True),
            ("size", "process_again", True),
            ("refused", "process_again", False),
        ):
            wizard = self.alike(self.held(self.to_alias(), cause=cause))
            self.assertEqual((wizard.usual, wizard.is_releasable), (usual, releasable), cause)

    def test_a_decision_is_refused_if_somebody_decided_about_all_messages_meanwhile(self):
        message = self.held(raw(to=NOBODY))
        wizard = self.alike(message)
        message.action_discard()
        with self.assertRaisesRegex(UserError, "decided about all of these messages in the meantime"):
            wizard.action_process_again()
