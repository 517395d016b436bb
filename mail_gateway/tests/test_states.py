from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.models.mail_inbound_message import TRANSITIONS
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestStates(InboundCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(cls.env, "postmaster", groups="mail_gateway.group_postmaster")

    def test_every_state_has_its_transitions(self):
        states = set(dict(self.env["mail.inbound.message"]._fields["state"].selection))
        self.assertEqual(set(TRANSITIONS), states)
        self.assertLessEqual(set().union(*TRANSITIONS.values()), states)

    def test_a_step_that_is_not_listed_is_refused(self):
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

    def test_a_held_message_goes_to_the_record_that_a_person_chose(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        partner = self.env["res.partner"].create({"name": "Chosen"})
        self.route(message, target="record", record=f"res.partner,{partner.id}")
        self.run_lane()
        self.assertEqual((message.state, message.res_model, message.res_id), ("delivered", "res.partner", partner.id))
        self.assertIn("please send ten", partner.message_ids[0].body)

    def test_a_held_message_goes_to_the_alias_that_a_person_chose(self):
        message = self.deliver(raw(subject="Via alias", to="nobody@elsewhere.example"))
        self.route(message, target="alias", alias_id=self.alias.id)
        self.run_lane()
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Via alias")

    def test_only_held_and_failed_messages_are_decided_about(self):
        message = self.store(self.to_alias()).with_user(self.postmaster)
        for decide in (message.action_discard, message.action_process_again):
            with self.assertRaisesRegex(UserError, "is received and can't become"):
                decide()

    def test_a_message_processed_again_takes_its_usual_way(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        message.write({"route_model": "res.partner", "route_res_id": 1, "route_alias_id": self.alias.id})
        message.with_user(self.postmaster).action_process_again()
        self.assertEqual((message.route_model, message.route_res_id, message.route_alias_id.id), (False, 0, False))

    def test_a_route_to_nowhere_is_refused(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        with self.assertRaisesRegex(UserError, "Choose where"):
            self.route(message, target="record")

    def test_many_held_messages_are_discarded_at_once_and_stay_listed(self):
        messages = self.deliver(raw(to="a@elsewhere.example"), raw(to="b@elsewhere.example"))
        messages.with_user(self.postmaster).action_discard()
        self.assertEqual(set(messages.mapped("state")), {"discarded"})
        self.assertTrue(all(messages.mapped("source")))
        self.assertIn("postmaster", messages[0].reason)

    def test_only_a_postmaster_sees_messages_and_decides(self):
        message = self.deliver(raw(to="nobody@elsewhere.example"))
        with self.assertRaises(AccessError):
            message.with_user(self.user_employee).read(["source"])
        with self.assertRaises(UserError):
            message.with_user(self.user_employee).action_discard()

    def test_a_postmaster_cannot_rewrite_or_delete_a_message(self):
        message = self.deliver(raw(to="nobody@elsewhere.example")).with_user(self.postmaster)
        with self.assertRaises(AccessError):
            message.write({"state": "delivered"})
        with self.assertRaises(AccessError):
            message.unlink()

    def test_a_postmaster_does_not_read_passwords(self):
        server = self.server.with_user(self.postmaster)
        self.assertEqual(server.name, "Test")
        with self.assertRaises(AccessError):
            server.read(["password"])

    def test_sources_go_after_the_retention_time_but_not_held_ones(self):
        delivered, held = self.deliver(self.to_alias(), raw(to="nobody@elsewhere.example"))
        (delivered + held).write({"done_date": "2000-01-01"})
        self.env["mail.inbound.message"]._gc_sources()
        self.assertFalse(delivered.source)
        self.assertTrue(held.source)
        self.assertEqual(delivered.state, "delivered")

    def route(self, message, **values):
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        # the postmaster may write contacts here
        self.postmaster.group_ids += self.env.ref("base.group_partner_manager")
        wizard.create({"inbound_message_ids": message.ids, **values}).action_route()
