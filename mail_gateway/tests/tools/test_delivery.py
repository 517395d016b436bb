from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools import trace
from odoo.addons.mail_gateway.tools.delivery import Delivery, DeliveryRequest, Route, Unroutable
from odoo.addons.mail_gateway.tools.policy import Action, RuleResult, Stage, Verdict
from odoo.addons.mail_gateway.tools.trace import Identified, Judged, Parsed, Read, Refusal, Routed, Trace


def delivery(**values):
    """Return a delivery of a message of one byte."""
    return Delivery(DeliveryRequest(1, **values))


class TestDeliveryTool(ToolsCase):
    def test_the_current_delivery_is_found_in_the_context(self):
        under_way = delivery()
        self.assertIs(Delivery.of({Delivery.KEY: under_way}), under_way)

    def test_an_empty_context_contains_no_delivery(self):
        self.assertIsNone(Delivery.of({}))

    def test_no_value_that_a_caller_can_send_passes_for_a_delivery(self):
        for value in (True, 1, "delivery", {"route": ["res.partner", 1]}, ["res.partner"]):
            self.assertIsNone(Delivery.of({Delivery.KEY: value}))

    def test_neither_request_nor_delivery_can_be_changed(self):
        under_way = delivery()
        for target, name in ((under_way, "request"), (under_way.request, "released"), (under_way, "creates_as_caller")):
            with self.assertRaises(AttributeError):
                setattr(target, name, True)

    def test_the_last_verdict_counts(self):
        under_way = delivery()
        under_way.decide(Action.HOLD, "what the step knew")
        under_way.decide(Action.REJECT, "what its caller knows")
        self.assertEqual(under_way.trace.verdict, Verdict(Action.REJECT, "what its caller knows"))

    def test_a_new_delivery_has_no_findings(self):
        trace = delivery().trace
        self.assertIsNone(trace.verdict)
        self.assertIsNone(trace.rule)
        self.assertEqual((trace.source, trace.defects, trace.redirects, trace.routes), (b"", (), (), ()))

    def test_findings_are_kept_in_their_order(self):
        trace = Trace()
        for finding in (Refusal("one"), Judged(Stage.SOURCE), Refusal("two", is_catchall=True)):
            trace.add(finding)
        self.assertEqual(trace.every(Refusal), (Refusal("one"), Refusal("two", True)))
        self.assertEqual(trace.last(Refusal).reason, "two")
        self.assertIsNone(trace.last(Routed))

    def test_no_kind_of_finding_can_be_changed(self):
        kinds = [kind for kind in vars(trace).values() if isinstance(kind, type) and hasattr(kind, "_fields")]
        self.assertGreater(len(kinds), 8)
        for kind in kinds:
            self.assertTrue(issubclass(kind, tuple), kind)

    def test_a_matching_rule_becomes_the_verdict(self):
        under_way = delivery()
        under_way.record(RuleResult(1, "Loop", "loop", "discard"))
        self.assertIsNone(under_way.trace.verdict)
        self.assertTrue(under_way.has_passed("loop"))
        self.assertFalse(under_way.stopped)
        under_way.record(RuleResult(2, "Size", "size", "hold", "It is too large."))
        self.assertEqual(under_way.trace.verdict, Verdict(Action.HOLD, "It is too large.", "size"))
        self.assertEqual(under_way.trace.rule.rule_id, 2)
        self.assertTrue(under_way.stopped)
        self.assertFalse(under_way.has_passed("size"))

    def test_the_input_of_checks_grows_with_the_findings(self):
        under_way = delivery(inbound_id=7, server_id=3, is_head=True)
        known = under_way.check_input
        self.assertEqual((known.size, known.inbound_id, known.server_id, known.is_head), (1, 7, 3, True))
        self.assertIsNone(known.message)
        under_way.trace.add(Read(b"source"))
        under_way.trace.add(Parsed("message", {"subject": "Hello"}))
        under_way.trace.add(Identified("<1@x>", "<1@x>", "identity", (5,), (6,)))
        under_way.trace.add(Routed(("route",)))
        known = under_way.check_input
        self.assertEqual((known.values, known.known_ids, known.copy_ids), ({"subject": "Hello"}, (5,), (6,)))
        self.assertEqual(known.routes, ("route",))
        self.assertEqual((under_way.message_id, under_way.trace.source), ("<1@x>", b"source"))

    def test_a_delivery_that_creates_as_caller_shares_the_trace(self):
        under_way = delivery(caller_id=2)
        creating = under_way.creating_as_caller()
        self.assertTrue(creating.creates_as_caller)
        self.assertFalse(under_way.creates_as_caller)
        self.assertIs(creating.trace, under_way.trace)

    def test_a_released_message_skips_rules_that_would_keep_it_back(self):
        released, routed, new = delivery(released=True), delivery(route=Route("res.partner", 1)), delivery()
        for action, skipped in (("hold", True), ("reject", True), ("defer", True), ("discard", False), ("note", False)):
            self.assertEqual(released.skips("size", action), skipped, action)
            self.assertTrue(routed.skips("size", action))
            self.assertFalse(new.skips("size", action))
        for each in (released, routed):
            self.assertFalse(each.skips("duplicate", "discard"))

    def test_every_action_leads_to_a_state(self):
        states = {"delivered", "held", "deferred", "rejected", "discarded"}
        self.assertEqual({action.state for action in Action}, states)

    def test_a_route_may_be_a_model_alone(self):
        self.assertEqual(Route("crm.lead"), ("crm.lead", 0, 0))

    def test_unroutable_is_a_value_error_as_callers_of_message_process_expect(self):
        self.assertIsInstance(Unroutable("nobody"), ValueError)
