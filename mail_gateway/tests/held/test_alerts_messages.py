from unittest.mock import patch

from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.models.held.mail_thread import ALERT_MARK
from odoo.addons.mail_gateway.tests.held.alerts_common import AlertsCase

LOGGER = "odoo.addons.mail_gateway.models.held.mail_postmaster_alert"


@tagged("post_install", "-at_install")
class TestAlertsOfMessages(AlertsCase):
    """The times and the contents of alerts about held and failed messages."""

    def test_the_first_held_message_causes_an_alert_at_once_with_its_reason(self):
        held = self.hold()
        alert = self.alerts()
        self.assertEqual(alert.subject, "A message waits for a decision: Is anybody there?")
        self.assertEqual((alert.model, alert.res_id), ("mail.inbound.message", held.id))
        for text in (held.reason.partition("“")[0].strip(), "mary@customer.example", "nobody@elsewhere.example"):
            self.assertIn(text, alert.body)
        self.assertIn(f'href="/odoo/held-messages/{held.id}"', alert.body)
        self.assertEqual(alert.author_id, self.root)

    def test_each_postmaster_is_alerted_by_their_preferred_channel(self):
        self.hold()
        alert = self.alerts()
        kinds = {each.res_partner_id: each.notification_type for each in alert.notification_ids}
        self.assertEqual(kinds, {self.by_email.partner_id: "email", self.in_inbox.partner_id: "inbox"})
        self.assertEqual([mail["email_to"] for mail in self._mails], [[self.by_email.email_formatted]])

    def test_an_alert_by_email_says_that_a_program_wrote_it_and_leads_to_the_message(self):
        held = self.hold()
        self.alerts()
        [mail] = self._mails
        self.assertEqual(mail["headers"]["Auto-Submitted"], "auto-generated")
        self.assertIn(ALERT_MARK, mail["message_id"])
        self.assertIn(f"{self.env['mail.thread'].get_base_url()}/odoo/held-messages/{held.id}", mail["body"])

    def test_a_message_causes_only_one_alert(self):
        self.hold()
        self.assertEqual(len(self.alerts()), 1)
        self.assertFalse(self.alerts())
        self.let_pass(hours=9)
        self.assertFalse(self.alerts())

    def test_later_messages_are_collected_in_one_alert_after_the_interval(self):
        self.hold("First")
        self.alerts()
        self.hold("Second", "Third")
        lost = self.hold("Fourth")
        lost.cause = "lost_address"
        self.assertFalse(self.alerts())
        self.let_pass(hours=4, seconds=1)
        alert = self.alerts()
        self.assertEqual(alert.subject, "3 messages wait for a decision")
        for text in (
            "No Matching Recipient: 2",
            "Former Address Without Target: 1",
            "Including earlier ones, 4 messages wait.",
        ):
            self.assertIn(text, " ".join(alert.body.split()))
        self.assertIn('href="/odoo/held-messages"', alert.body)
        self.assertFalse(alert.model)

    def test_the_time_between_two_alerts_is_a_parameter(self):
        self.choose("notification", hours=1)
        self.hold("First")
        self.alerts()
        self.hold("Second")
        self.let_pass(minutes=59)
        self.assertFalse(self.alerts())
        self.let_pass(minutes=2)
        self.assertEqual(len(self.alerts()), 1)

    def test_failed_messages_cause_an_alert(self):
        failed = self.hold()
        failed.write({"state": "failed", "cause": "error", "reason": "Odoo could not process this message."})
        self.assertIn("could not process", self.alerts().body)

    def test_a_message_decided_about_before_the_alert_causes_none(self):
        self.hold().with_user(self.by_email).action_discard()
        self.assertFalse(self.alerts())

    def test_a_message_held_again_after_it_was_processed_again_causes_a_new_alert(self):
        held = self.hold()
        self.alerts()
        self.let_pass(hours=5)
        held.with_user(self.by_email).action_process_again()
        self.run_lane()
        self.assertEqual(held.state, "held")
        self.assertEqual(len(self.alerts()), 1)

    def test_delivered_and_pending_messages_cause_no_alert(self):
        self.assertEqual(self.deliver(self.to_alias()).state, "delivered")
        self.store(self.to_alias(subject="On its way"))
        self.assertFalse(self.alerts())

    def test_a_newly_chosen_kind_of_alert_is_used_at_once_for_waiting_messages(self):
        self.hold("First")
        self.alerts()
        self.let_pass(minutes=10)
        self.choose("activity")
        self.chosen(minutes=5)
        self.assertFalse(self.alerts())
        self.assertEqual(self.assigned(self.by_email).summary, "A message waits for a decision: First")

    def test_waiting_messages_cause_an_alert_at_once_when_alerts_are_switched_on(self):
        self.hold("First")
        self.alerts()
        self.choose("nothing")
        self.hold("Second")
        self.assertFalse(self.alerts())
        self.let_pass(minutes=10)
        self.choose("notification")
        self.chosen(minutes=5)
        self.assertEqual(self.alerts().subject, "2 messages wait for a decision")
        self.assertFalse(self.alerts(), "once")

    def test_saving_unchanged_settings_causes_no_alert(self):
        self.hold("First")
        self.alerts()
        self.let_pass(minutes=10)
        self.env["res.config.settings"].create({"inbound_alert": "notification"}).execute()
        self.assertFalse(self.alerts())


@tagged("post_install", "-at_install")
class TestFailingAlerts(AlertsCase):
    """Alerts that fail, and several hosts that send them."""

    def test_an_alert_that_fails_is_sent_the_next_time(self):
        held = self.hold()
        threads = type(self.env["mail.thread"])
        broken = patch.object(threads, "message_notify", side_effect=ValueError("no layout"))
        with broken, self.assertLogs(LOGGER) as logs:
            self.assertFalse(self.alerts())
        self.assertIn("tries again in a minute", logs.output[0])
        self.assertFalse(held.alerted_date)
        self.assertEqual(held.state, "held")
        self.assertEqual(len(self.alerts()), 1)

    @mute_logger("odoo.service.model")
    def test_a_conflict_with_another_transaction_is_retried(self):
        self.hold()
        messages, tries = type(self.env["mail.inbound.message"]), []
        take = messages._take_unalerted

        def conflict(records, since, chosen):
            tries.append(1)
            if len(tries) == 1:
                raise ConcurrencyError("another transaction was faster")
            return take(records, since, chosen)

        with (
            patch.object(messages, "_take_unalerted", conflict),
            patch("odoo.service.model.time.sleep"),
            self.assertNoLogs(LOGGER),
        ):
            self.assertEqual(len(self.alerts()), 1)
        self.assertEqual(len(tries), 2)

    def test_only_one_host_at_a_time_sends_alerts(self):
        self.hold()
        with self.registry.cursor() as other:
            other.execute("SELECT pg_advisory_xact_lock(hashtext('mail.postmaster.alert'), 0)")
            self.assertFalse(self.alerts())
        self.assertEqual(len(self.alerts()), 1)

    def test_the_scheduled_action_runs_each_minute_and_triggers_the_mail_queue(self):
        cron, queue = self.env.ref("mail_gateway.ir_cron_alert"), self.env.ref("mail.ir_cron_mail_scheduler_action")
        self.assertEqual((cron.interval_number, cron.interval_type, cron.active), (1, "minutes", True))
        self.hold()
        queue.active = True
        woken = self.env["ir.cron.trigger"].search_count([("cron_id", "=", queue.id)])
        with self.mock_mail_gateway(), self.enter_registry_test_mode(), self.registry.cursor() as cr:
            cron.with_env(self.env(cr=cr)).ir_actions_server_id.run()
        self.env.invalidate_all()
        self.assertEqual(self._new_mails.mapped("state"), ["outgoing"])
        self.assertGreater(self.env["ir.cron.trigger"].search_count([("cron_id", "=", queue.id)]), woken)
