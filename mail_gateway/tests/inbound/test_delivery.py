from unittest.mock import patch

from psycopg2 import errors

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tools.retry import MAX_TRIES


@tagged("post_install", "-at_install")
class TestDelivery(InboundCommon):
    def test_a_message_to_an_alias_becomes_a_record(self):
        message = self.deliver(self.to_alias(subject="Ten chairs"))
        self.assertEqual(message.state, "delivered")
        record = self.env[message.res_model].browse(message.res_id)
        self.assertEqual(record.name, "Ten chairs")
        self.assertEqual(message.mail_message_ids, record.message_ids.filtered(lambda m: m.message_type == "email"))

    def test_a_message_without_a_route_is_held_with_its_reason(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        self.assertEqual(message.state, "held")
        self.assertIn("nobody@elsewhere.example", message.reason)

    def test_a_second_message_with_the_same_id_is_discarded_and_points_to_the_record(self):
        first, second = self.deliver(self.to_alias(message_id="<a@x>"), self.to_alias(message_id="<a@x>"))
        self.assertEqual([first.state, second.state], ["delivered", "discarded"])
        self.assertEqual(second.res_id, first.res_id)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_a_message_fails_after_three_tries_that_end_in_a_bug(self):
        message = self.store(self.to_alias())
        with self.broken_partner(ZeroDivisionError("a bug")):
            for _try in range(MAX_TRIES):
                self.assertIn(message.state, ("received", "deferred"))
                message.next_try = "2000-01-01"
                self.run_lane()
        self.assertEqual((message.state, message.try_count), ("failed", MAX_TRIES))
        self.assertIn("a bug", message.detail)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_a_passing_fault_does_not_count_as_a_try(self):
        message = self.store(self.to_alias())
        with self.broken_partner(errors.DiskFull("no space left")):
            self.run_lane()
        self.assertEqual((message.state, message.try_count, message.deferral_count), ("deferred", 0, 1))
        message.next_try = "2000-01-01"
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_message_whose_worker_died_three_times_fails(self):
        message = self.store(self.to_alias())
        message.write({"try_count": MAX_TRIES})
        self.run_lane()
        self.assertEqual(message.state, "failed")
        self.assertIn("crashed or ran out of time", message.reason)

    def test_messages_of_one_conversation_keep_their_order(self):
        first = self.store(self.to_alias(message_id="<root@x>"))
        second = self.store(self.to_alias(subject="Re: Order", message_id="<2@x>", References="<root@x>"))
        first.next_try = "2999-01-01"
        self.run_lane()
        self.assertEqual(second.state, "received")
        first.next_try = "2000-01-01"
        self.run_lane()
        self.assertEqual([first.state, second.state], ["delivered", "delivered"])
        self.assertEqual(first.res_id, second.res_id)

    def test_a_message_with_a_nul_in_an_address_is_held_like_any_other(self):
        message = self.deliver(raw(to="=?utf-8?Q?a=00b?= <nobody@elsewhere.example>"))
        self.assertEqual(message.state, "held")
        self.assertIn("nobody@elsewhere.example", message.reason)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_an_error_after_the_commit_changes_nothing(self):
        message = self.store(self.to_alias())
        real = type(message)._settle

        def settle(self, delivery):
            real(self, delivery)
            self.env.cr.commit()
            raise ZeroDivisionError("in a post-commit hook")

        with patch.object(type(message), "_settle", settle):
            self.run_lane()
        self.assertEqual((message.state, message.reason), ("delivered", ""))

    def test_a_lane_works_with_any_user(self):
        message = self.store(self.to_alias())
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            admin = self.env.ref("base.user_admin").id
            self.env["mail.inbound.message"].with_env(self.env(cr=cr, user=admin, su=False))._run_lane()
        self.env.invalidate_all()
        self.assertEqual(message.state, "delivered")

    def broken_partner(self, error):
        return patch.object(type(self.env["res.partner"]), "message_new", side_effect=error, autospec=True)
