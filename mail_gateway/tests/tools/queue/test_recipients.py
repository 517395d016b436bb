from datetime import datetime, timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Category, Scope
from odoo.addons.mail_gateway.tools.queue.recipients import (
    UNCERTAIN_AFTER,
    Attempt,
    Policy,
    Progress,
    message_status,
    recipient_status,
)

NOW = datetime(2026, 12, 1, 12)
MINUTE = timedelta(minutes=1)
USUAL = Policy()
A, B = "a@x.example", "b@x.example"


def tried(outcome, ago=MINUTE, recipient=A, scope=Scope.RECIPIENT, next_try=None, category=Category.GREYLISTED):
    return Attempt(recipient, outcome, NOW - ago if outcome else None, scope, category, next_try)


class TestRecipients(ToolsCase):
    def status(self, *attempts, policy=USUAL):
        return recipient_status(A, attempts, NOW, policy)

    def test_a_new_recipient_is_ready(self):
        self.assertEqual(self.status().progress, Progress.READY)

    def test_an_accepted_recipient_never_gets_the_message_again(self):
        for attempts in (
            (tried("accepted"),),
            (tried("delayed"), tried("accepted")),
            (tried("accepted"), tried("uncertain")),
            (tried("accepted"), tried("failed")),
        ):
            with self.subTest(attempts=[attempt.outcome for attempt in attempts]):
                self.assertEqual(self.status(*attempts).progress, Progress.ACCEPTED)

    def test_a_permanent_refusal_fails_at_once(self):
        self.assertEqual(self.status(tried("failed")).progress, Progress.FAILED)
        self.assertFalse(self.status(tried("failed")).given_up)

    def test_a_temporary_refusal_waits_for_its_next_try(self):
        waiting = self.status(tried("delayed", next_try=NOW + MINUTE))
        self.assertEqual((waiting.progress, waiting.next_try), (Progress.WAITING, NOW + MINUTE))
        self.assertEqual((waiting.failures, waiting.category), (1, Category.GREYLISTED))
        self.assertEqual(self.status(tried("delayed", next_try=NOW - MINUTE)).progress, Progress.READY)

    def test_a_failure_of_the_server_uses_up_no_delay(self):
        failed = tried("delayed", scope=Scope.SERVER)
        self.assertEqual(self.status(failed).progress, Progress.READY)
        self.assertEqual(self.status(*[failed] * 100).failures, 0)

    def test_a_failure_of_the_server_does_not_end_a_delay(self):
        status = self.status(tried("delayed", next_try=NOW + MINUTE), tried("delayed", scope=Scope.SERVER))
        self.assertEqual((status.progress, status.next_try), (Progress.WAITING, NOW + MINUTE))

    def test_the_deadline_counts_from_the_first_refusal(self):
        old = tried("delayed", ago=timedelta(days=3))
        given_up = self.status(old, tried("delayed"))
        self.assertEqual((given_up.progress, given_up.given_up), (Progress.FAILED, True))
        self.assertEqual(self.status(tried("delayed", ago=timedelta(days=2))).progress, Progress.READY)

    def test_an_outage_prolongs_the_deadline(self):
        old = tried("delayed", ago=timedelta(days=3))
        policy = Policy(outage=timedelta(hours=1))
        self.assertEqual(self.status(old, tried("delayed"), policy=policy).progress, Progress.READY)

    def test_an_outage_alone_gives_nobody_up(self):
        down = [tried("delayed", ago=timedelta(days=days), scope=Scope.SERVER) for days in (9, 5, 1)]
        self.assertEqual(self.status(*down).progress, Progress.READY)

    def test_an_uncertain_recipient_is_sent_to_again_later_or_by_a_person(self):
        later = self.status(tried("uncertain"))
        self.assertEqual((later.progress, later.next_try), (Progress.WAITING, NOW - MINUTE + UNCERTAIN_AFTER))
        self.assertEqual(self.status(tried("uncertain", ago=UNCERTAIN_AFTER)).progress, Progress.READY)
        held = self.status(tried("uncertain", ago=timedelta(days=9)), policy=Policy(uncertain_after=None))
        self.assertEqual(held.progress, Progress.UNCERTAIN)

    def test_a_try_that_runs_changes_nothing(self):
        self.assertEqual(self.status(tried("")).progress, Progress.READY)
        self.assertEqual(self.status(tried("failed"), tried("")).progress, Progress.FAILED)


class TestMessages(ToolsCase):
    def status(self, *attempts):
        return message_status((A, B), attempts, NOW)

    def test_only_recipients_without_an_outcome_are_ready(self):
        status = self.status(tried("accepted"))
        self.assertEqual(status.ready, (B,))
        self.assertFalse(status.is_over)

    def test_a_message_is_over_when_all_recipients_are(self):
        status = self.status(tried("accepted"), tried("failed", recipient=B))
        self.assertTrue(status.is_over and status.has_failed)
        self.assertFalse(self.status(tried("accepted"), tried("accepted", recipient=B)).has_failed)

    def test_the_first_due_recipient_says_when_to_try_again(self):
        soon, late = NOW + MINUTE, NOW + 5 * MINUTE
        both = self.status(tried("delayed", next_try=late), tried("delayed", recipient=B, next_try=soon))
        self.assertEqual(both.next_try, soon)
        self.assertIsNone(self.status(tried("delayed", next_try=late)).next_try)

    def test_attempts_for_others_do_not_count(self):
        self.assertEqual(self.status(tried("failed", recipient="c@x.example")).ready, (A, B))
