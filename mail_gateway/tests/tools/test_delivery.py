from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.delivery import Delivery, Route, Unroutable
from odoo.addons.mail_gateway.tools.policy import Action, CheckInput, Verdict


class TestDeliveryTool(ToolsCase):
    def test_the_delivery_under_way_is_found_in_the_context(self):
        delivery = Delivery(CheckInput(1))
        self.assertIs(Delivery.of({Delivery.KEY: delivery}), delivery)

    def test_without_a_delivery_the_context_has_none(self):
        self.assertIsNone(Delivery.of({}))

    def test_nothing_that_a_caller_can_send_passes_for_a_delivery(self):
        for value in (True, 1, "delivery", {"route": ["res.partner", 1]}, ["res.partner"]):
            self.assertIsNone(Delivery.of({Delivery.KEY: value}))

    def test_the_last_verdict_counts(self):
        delivery = Delivery(CheckInput(1))
        delivery.decide(Action.HOLD, "what the step knew")
        delivery.decide(Action.REJECT, "what its caller knows")
        self.assertEqual(delivery.verdict, Verdict(Action.REJECT, "what its caller knows"))

    def test_a_new_delivery_has_no_verdict(self):
        self.assertIsNone(Delivery(CheckInput(1)).verdict)

    def test_every_action_leads_to_a_state(self):
        states = {"delivered", "held", "deferred", "rejected", "discarded"}
        self.assertEqual({action.state for action in Action}, states)

    def test_a_route_may_be_a_model_alone(self):
        self.assertEqual(Route("crm.lead"), ("crm.lead", 0, 0))

    def test_unroutable_is_what_callers_of_message_process_catch(self):
        self.assertIsInstance(Unroutable("nobody"), ValueError)
