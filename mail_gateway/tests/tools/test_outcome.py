from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.delivery import Delivery, DeliveryRequest
from odoo.addons.mail_gateway.tools.former_address import Redirect
from odoo.addons.mail_gateway.tools.outcome import Failure, FailureKind, Outcome, Sentence, outcome_of
from odoo.addons.mail_gateway.tools.policy import Action, Cause, RuleResult
from odoo.addons.mail_gateway.tools.retry import MAX_DEFERRALS, MAX_TRIES, delay_after_fault, delay_after_try
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import Defect
from odoo.addons.mail_gateway.tools.trace import Identified, Made, Notified, Read, Redirected, Remarked

MADE = Made((5, 6), ("res.partner", 9))


def failure(kind=FailureKind.ERROR, **values):
    return Failure(kind, "what it says", "ValueError", **values)


class OutcomeCase(ToolsCase):
    def ended(self, *findings, verdict=None, **request):
        """Return the outcome of a try that ended without an error."""
        delivery = Delivery(DeliveryRequest(1, **request))
        if verdict:
            delivery.decide(*verdict)
        for finding in findings:
            delivery.trace.add(finding)
        return outcome_of(delivery.request, delivery.trace)

    def failed(self, error, *findings, **request):
        """Return the outcome of a try that ended with an error."""
        delivery = Delivery(DeliveryRequest(1, **request))
        for finding in findings:
            delivery.trace.add(finding)
        return outcome_of(delivery.request, delivery.trace, error)


class TestOutcome(OutcomeCase):
    def test_a_message_that_made_a_record_is_delivered(self):
        outcome = self.ended(MADE, try_count=2)
        self.assertEqual((outcome.state, outcome.reason, outcome.made), ("delivered", "", MADE))
        self.assertEqual((outcome.try_count, outcome.delay), (2, None))

    def test_a_message_that_made_nothing_is_held(self):
        outcome = self.ended(Made())
        self.assertEqual((outcome.state, outcome.sentence), ("held", Sentence.UNDECIDED))

    def test_a_verdict_counts_even_if_a_record_was_made(self):
        for action in Action:
            if action is not Action.DEFER:
                outcome = self.ended(MADE, verdict=(action, "why", "size"))
                self.assertEqual((outcome.state, outcome.reason, outcome.cause), (action.state, "why", "size"))

    def test_a_deferred_message_is_tried_again_and_the_try_does_not_count(self):
        outcome = self.ended(Made(), verdict=(Action.DEFER, "later", "size"), try_count=1, deferral_count=2)
        self.assertEqual((outcome.state, outcome.try_count, outcome.deferral_count), ("deferred", 0, 3))
        self.assertEqual(outcome.delay, delay_after_fault(2))

    def test_a_message_deferred_too_often_is_held(self):
        verdict = (Action.DEFER, "later", "size")
        outcome = self.ended(Made(), verdict=verdict, deferral_count=MAX_DEFERRALS)
        self.assertEqual((outcome.state, outcome.reason, outcome.delay), ("held", "later", None))

    def test_all_findings_are_reported_whether_or_not_the_try_failed(self):
        redirect = Redirect("old@x.example", "new@x.example", (1,))
        rules = RuleResult(1, "Loop", "loop", "discard"), RuleResult(2, "Size", "size", "note", "large")
        found = (*rules, Identified("<1@x>", "<1@x>", "same"), Read(b"", (Defect.HEADERS,)), Remarked((Defect.DATE,)))
        found += (Redirected((redirect,)),)
        for outcome in (self.ended(*found, MADE), self.failed(failure(), *found)):
            self.assertEqual((outcome.rule, outcome.rule_results), (rules[1], rules))
            self.assertEqual((outcome.identity, outcome.redirects), ("same", (redirect,)))
            self.assertEqual(outcome.defects, (Defect.HEADERS, Defect.DATE))

    def test_a_notified_sender_is_named_unless_the_notice_was_rolled_back(self):
        notified = Notified("mary@customer.example")
        self.assertEqual(self.ended(notified, MADE).notified, "mary@customer.example")
        outcome = self.failed(failure(), notified, MADE)
        self.assertEqual((outcome.notified, outcome.made), ("", Made()))


class TestOutcomeOfFailures(OutcomeCase):
    def test_a_message_without_a_route_is_held(self):
        for cause in (Cause.NO_ROUTE, Cause.LOST_ADDRESS, Cause.REFUSED):
            outcome = self.failed(failure(FailureKind.UNROUTABLE, cause=cause))
            self.assertEqual((outcome.state, outcome.cause, outcome.reason), ("held", cause.value, "what it says"))
            self.assertIsNone(outcome.sentence)

    def test_a_server_may_discard_only_messages_without_a_route(self):
        outcome = self.failed(failure(FailureKind.UNROUTABLE, cause=Cause.NO_ROUTE), discards_unroutable=True)
        self.assertEqual((outcome.state, outcome.sentence), ("discarded", Sentence.DISCARDED_BY_SERVER))
        outcome = self.failed(failure(FailureKind.UNROUTABLE, cause=Cause.LOST_ADDRESS), discards_unroutable=True)
        self.assertEqual(outcome.state, "held")

    def test_a_message_that_lacks_a_right_is_held_at_once(self):
        outcome = self.failed(failure(FailureKind.MISSING_RIGHT), try_count=1)
        self.assertEqual((outcome.state, outcome.cause), ("held", Cause.NOT_ALLOWED.value))

    def test_a_temporary_fault_does_not_count_as_a_try(self):
        for kind in (FailureKind.ERROR, FailureKind.REFUSED):
            outcome = self.failed(failure(kind, is_temporary=True), try_count=MAX_TRIES, deferral_count=1)
            self.assertEqual((outcome.state, outcome.sentence), ("deferred", Sentence.TEMPORARY))
            self.assertEqual((outcome.try_count, outcome.deferral_count), (MAX_TRIES - 1, 2))
            self.assertEqual(outcome.delay, delay_after_fault(1))

    def test_a_temporary_fault_that_lasts_too_long_counts_as_a_permanent_one(self):
        often = {"try_count": MAX_TRIES, "deferral_count": MAX_DEFERRALS}
        self.assertEqual(self.failed(failure(is_temporary=True), **often).state, "failed")
        self.assertEqual(self.failed(failure(FailureKind.REFUSED, is_temporary=True), **often).state, "held")

    def test_a_refusal_with_a_reason_gets_one_last_try(self):
        outcome = self.failed(failure(FailureKind.REFUSED), try_count=1)
        self.assertEqual((outcome.state, outcome.try_count), ("deferred", MAX_TRIES - 1))
        self.assertEqual((outcome.delay, outcome.sentence), (delay_after_try(1), Sentence.REFUSED))
        outcome = self.failed(failure(FailureKind.REFUSED), try_count=MAX_TRIES)
        self.assertEqual((outcome.state, outcome.cause), ("held", Cause.REFUSED.value))

    def test_an_error_is_tried_again_until_tries_are_used_up(self):
        outcome = self.failed(failure(), try_count=2)
        self.assertEqual((outcome.state, outcome.try_count, outcome.delay), ("deferred", 2, delay_after_try(2)))
        outcome = self.failed(failure(detail="where"), try_count=MAX_TRIES)
        self.assertEqual((outcome.state, outcome.cause, outcome.delay), ("failed", Cause.ERROR.value, None))
        self.assertEqual((outcome.error, outcome.detail), ("ValueError", "where"))

    def test_equal_failures_give_equal_outcomes(self):
        self.assertEqual(self.failed(failure()), self.failed(failure()))
        self.assertIsInstance(self.failed(failure()), Outcome)
