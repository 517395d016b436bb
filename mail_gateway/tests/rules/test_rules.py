from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tools.policy import Stage


@tagged("post_install", "-at_install")
class TestRules(InboundCommon):
    """The list of rules decides which rule matches first and which action is taken; the decision is recorded."""

    def rule(self, check):
        return self.env["mail.inbound.rule"].with_context(active_test=False).search([("check", "=", check)])

    def only(self, check, action):
        """Leave one active rule, which matches every message."""
        self.env["mail.inbound.rule"].search([]).active = False
        return self.hitting(check, action, sequence=1)

    def hitting(self, check, action, sequence, reason="It hits."):
        patcher = patch.object(type(self.env[f"mail.check.{check}"]), "_look", lambda _check, _incoming: reason)
        self.startPatcher(patcher)
        rule = self.rule(check)
        rule.write({"action": action, "sequence": sequence, "active": True})
        return rule

    def asked(self, message):
        return [answer["check"] for answer in message.rule_results]

    def test_the_policy_of_a_new_installation(self):
        policy = [(rule.check, rule.action) for rule in self.env["mail.inbound.rule"].search([])]
        self.assertEqual(
            policy,
            [
                ("size", "hold"),
                ("duplicate", "discard"),
                ("loop", "discard"),
                ("automatic", "note"),
                ("bounce", "accept"),
                ("catchall_repeat", "discard"),
                ("limit", "hold"),
            ],
        )

    def test_every_rule_has_an_explanation(self):
        self.assertTrue(all(self.env["mail.inbound.rule"].search([]).mapped("explanation")))

    def test_every_check_can_be_chosen(self):
        checks = dict(self.env["mail.inbound.rule"]._fields["check"]._description_selection(self.env))
        self.assertEqual(checks["catchall_repeat"], "Repeated Mail to the Catchall")

    def test_the_answer_of_each_rule_is_stored_with_the_message(self):
        message = self.deliver(self.to_alias())
        self.assertEqual(self.asked(message), [r.check for r in self.env["mail.inbound.rule"].search([])])
        self.assertFalse(any(answer["reason"] for answer in message.rule_results))
        self.assertFalse(message.rule_id)

    def test_the_first_matching_rule_decides_and_no_further_rule_is_asked(self):
        self.hitting("automatic", "hold", sequence=1, reason="First.")
        self.hitting("duplicate", "discard", sequence=2, reason="Second.")
        message = self.deliver(self.to_alias())
        self.assertEqual((message.state, message.reason, message.cause), ("held", "First.", "automatic"))
        self.assertEqual(message.rule_id, self.rule("automatic"))
        self.assertEqual(self.asked(message), ["size", "automatic"])

    def test_the_order_can_be_changed(self):
        self.hitting("automatic", "hold", sequence=2)
        self.hitting("duplicate", "discard", sequence=1)
        self.assertEqual(self.deliver(self.to_alias()).state, "discarded")

    def test_an_archived_rule_is_not_asked(self):
        self.hitting("automatic", "hold", sequence=1).active = False
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "delivered")
        self.assertNotIn("automatic", self.asked(message))

    def test_each_action_leads_to_its_state(self):
        rule = self.only("loop", "hold")
        for action, state in (
            ("accept", "delivered"),
            ("hold", "held"),
            ("defer", "deferred"),
            ("reject", "rejected"),
            ("discard", "discarded"),
            ("note", "discarded"),  # the message answers nothing
        ):
            rule.action = action
            message = self.deliver(self.to_alias(subject=action))
            self.assertEqual((action, message.state), (action, state))
            self.assertEqual(message.rule_id, rule)

    def test_a_message_that_a_rule_discards_for_its_size_is_not_parsed(self):
        self.only("size", "discard")
        with patch.object(type(self.env["mail.thread"]), "message_parse", side_effect=AssertionError, autospec=True):
            self.assertEqual(self.deliver(self.to_alias()).state, "discarded")

    def test_the_sender_of_a_rejected_message_is_notified(self):
        for check in ("size", "automatic", "limit"):
            rule = self.only(check, "reject")
            message = self.deliver(self.to_alias(subject=f"By {check}", sender=f"{check}@customer.example"))
            self.assertEqual((message.state, message.rule_id), ("rejected", rule))
            notice = self.env["mail.mail"].search([], order="id desc", limit=1)
            told = (f"{check}@customer.example", "Your message could not be delivered")
            self.assertEqual((notice.email_to, notice.subject), told)
            self.assertNotIn("It hits.", notice.body_html)

    def test_a_deferred_message_is_processed_again_without_counting_a_try(self):
        rule = self.only("loop", "defer")
        message = self.deliver(self.to_alias())
        self.assertEqual((message.state, message.try_count, message.deferral_count), ("deferred", 0, 1))
        rule.active = False
        message.next_try = "2000-01-01"
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_message_deferred_too_often_is_held(self):
        self.only("loop", "defer")
        message = self.store(self.to_alias())
        message.deferral_count = 16
        self.run_lane()
        self.assertEqual(message.state, "held")

    def test_hits_are_counted_by_day_and_month(self):
        rule = self.only("loop", "discard")
        first, second, third = self.deliver(*(self.to_alias(subject=f"{n}") for n in range(3)))
        hits = {
            hit.inbound_message_id: hit for hit in self.env["mail.inbound.rule.hit"].search([("rule_id", "=", rule.id)])
        }
        hits[first]._write({"create_date": "2000-01-01"})
        hits[second]._write({"create_date": fields.Datetime.now() - timedelta(days=3)})
        rule.invalidate_recordset()
        self.assertEqual((rule.hits_day, rule.hits_month), (1, 2))

    def test_a_hit_still_counts_after_the_message_is_released(self):
        rule = self.only("loop", "hold")
        message = self.deliver(self.to_alias())
        message.action_release()
        self.run_lane()
        self.assertEqual((message.rule_id.id, rule.hits_day), (False, 1))

    def ask_before_it_is_routed(self, check):
        """Change the stage at which a check is asked, as an addon might."""
        self.patch(type(self.env[f"mail.check.{check}"]), "_stage", Stage.MESSAGE)
        self.env.registry.clear_cache()

    def test_a_rule_is_asked_at_the_stage_of_its_check_in_the_order_of_the_list(self):
        self.hitting("limit", "hold", sequence=1, reason="Limited.")
        self.hitting("loop", "discard", sequence=2, reason="Looping.")
        self.ask_before_it_is_routed("limit")
        message = self.deliver(self.to_alias())
        self.assertEqual((message.state, message.rule_id), ("held", self.rule("limit")))

    def test_the_list_shows_the_stage_that_the_code_defines(self):
        self.ask_before_it_is_routed("limit")
        self.env["mail.inbound.rule"]._register_hook()
        self.assertEqual(self.rule("limit").stage, str(Stage.MESSAGE.value))
        [(_stage, shown)] = self.env["mail.inbound.rule"]._read_group(
            [("stage", "=", str(Stage.MESSAGE.value))], ["stage"], ["id:recordset"]
        )
        self.assertIn(self.rule("limit"), shown)

    def test_starting_writes_nothing_if_no_check_changed(self):
        def versions():
            self.env.cr.execute("SELECT id, ctid::text FROM mail_inbound_rule ORDER BY id")
            return self.env.cr.fetchall()

        before = versions()
        self.env["mail.inbound.rule"]._register_hook()
        self.assertEqual(versions(), before)

    def test_a_database_that_was_not_updated_yet_starts(self):
        rules = self.env["mail.inbound.rule"]
        self.env.cr.execute("ALTER TABLE mail_inbound_rule RENAME TO mail_inbound_rule_later")
        rules._register_hook()
        self.env.cr.execute("ALTER TABLE mail_inbound_rule_later RENAME TO mail_inbound_rule")
        self.assertTrue(rules.search_count([]))

    def test_a_rule_cannot_be_moved_to_another_stage(self):
        with self.assertRaisesRegex(UserError, "within its stage"):
            self.rule("limit").write({"stage": "2"})

    def test_a_rule_of_an_addon_cannot_be_deleted_but_its_copy_can(self):
        with self.assertRaisesRegex(UserError, "Archive them instead"):
            self.rule("duplicate").unlink()
        self.rule("duplicate").copy().unlink()

    def test_a_released_message_is_not_held_again(self):
        self.only("loop", "hold")
        message = self.deliver(self.to_alias())
        message.action_release()
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_message_processed_again_is_judged_again(self):
        self.only("loop", "hold")
        message = self.deliver(self.to_alias())
        message.action_process_again()
        self.run_lane()
        self.assertEqual(message.state, "held")

    def test_a_message_that_is_too_large_is_held(self):
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        message = self.deliver(self.to_alias() + b"x" * (1 << 20))
        self.assertEqual((message.state, message.cause), ("held", "size"))
        self.assertIn("1.0 MB", message.reason)

    def test_a_rule_whose_check_no_longer_exists_is_skipped(self):
        self.env.cr.execute("UPDATE mail_inbound_rule SET \"check\" = 'gone' WHERE \"check\" = 'loop'")
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertEqual(self.deliver(self.to_alias()).state, "delivered")

    def test_postmasters_may_change_rules_and_ordinary_users_may_not_read_them(self):
        postmaster = new_test_user(self.env, "postmaster", groups="mail_gateway.group_postmaster")
        self.rule("loop").with_user(postmaster).action = "hold"
        with self.assertRaises(AccessError):
            self.rule("loop").with_user(self.user_employee).read(["action"])

    def test_rules_apply_to_messages_from_programs_which_get_false(self):
        self.only("loop", "hold")
        self.assertIs(self.env["mail.thread"].message_process(False, raw(to=f"inbound@{self.alias_domain}")), False)
        self.assertEqual(self.env["mail.inbound.message"].search([], order="id desc", limit=1).state, "held")
