from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.held.alerts_common import AlertsCase


@tagged("post_install", "-at_install")
class TestAlertsOfServers(AlertsCase):
    def fail(self, *servers, minutes=8, why="“mail.example” does not let “box” in."):
        """Let servers have failed for so long."""
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        for server in servers or [self.server]:
            server.write({"state": "done", "error_date": since, "error_message": why})

    def test_a_server_that_fails_for_minutes_causes_an_alert_with_the_reason(self):
        self.fail()
        alert = self.alerts()
        self.assertEqual(alert.subject, "Odoo can't fetch messages from “Test”")
        self.assertIn("does not let “box” in", alert.body)
        self.assertEqual((alert.model, alert.res_id), ("fetchmail.server", self.server.id))
        self.assertIn(f'href="/odoo/fetchmail.server/{self.server.id}"', alert.body)
        self.assertTrue(self.server.alerted_date)

    def test_a_failure_that_ends_within_minutes_causes_no_alert(self):
        self.fail(minutes=6)
        self.assertFalse(self.alerts())
        self.server.write({"error_date": False, "error_message": False})
        self.let_pass(minutes=5)
        self.assertFalse(self.alerts())

    def test_a_server_causes_one_alert_while_it_fails(self):
        self.fail()
        self.assertEqual(len(self.alerts()), 1)
        self.let_pass(days=3)
        self.assertFalse(self.alerts())

    def test_a_server_that_fails_again_causes_a_new_alert_only_after_the_interval(self):
        self.fail(minutes=60)
        self.alerts()
        self.server.error_date = False
        self.let_pass(hours=3)
        self.fail()
        self.assertFalse(self.alerts(), "told three hours ago")
        self.let_pass(hours=1, seconds=1)
        self.assertEqual(len(self.alerts()), 1)
        self.assertFalse(self.alerts())

    def test_several_servers_that_fail_together_cause_one_alert(self):
        second = self.server.copy({"name": "Shop"})
        self.fail(self.server, second, why="There is no server named “mail.example”.")
        alert = self.alerts()
        self.assertEqual(alert.subject, "Odoo can't fetch messages from 2 incoming mail servers")
        self.assertIn("Shop", alert.body)
        self.assertFalse(alert.model)

    def test_another_server_that_fails_causes_an_alert_at_once(self):
        self.fail()
        self.alerts()
        self.fail(self.server.copy({"name": "Shop"}))
        self.assertEqual(self.alerts().subject, "Odoo can't fetch messages from “Shop”")

    def test_inactive_servers_cause_no_alert(self):
        self.fail(self.server, self.server.copy())
        self.server.active = False
        self.env["fetchmail.server"].search([]).state = "draft"
        self.assertFalse(self.alerts())

    def test_alerts_about_servers_do_not_wait_for_those_about_held_mail(self):
        self.hold()
        self.alerts()
        self.fail()
        self.assertEqual(len(self.alerts()), 1)

    def test_an_activity_names_the_failing_servers_and_is_done_when_they_work(self):
        self.choose("activity")
        self.fail()
        self.alerts()
        activity = self.assigned(self.in_inbox)
        self.assertEqual(activity.summary, "Odoo can't fetch messages from “Test”")
        self.assertEqual(activity.activity_type_id, self.env.ref("mail_gateway.mail_activity_type_server"))
        self.server.error_date = False
        self.alerts()
        self.assertFalse(activity.active)

    def test_an_activity_opens_the_failing_server_or_the_list_of_them(self):
        self.choose("activity")
        self.fail()
        self.alerts()
        activity = self.assigned(self.in_inbox).with_user(self.in_inbox)
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("fetchmail.server", self.server.id))
        self.fail(self.server.copy())
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("fetchmail.server", 0))
        self.assertTrue(opened["context"]["search_default_failing"])

    def test_a_newly_chosen_kind_of_alert_is_used_at_once_for_failing_servers(self):
        self.fail(minutes=60)
        self.alerts()
        self.let_pass(minutes=10)
        self.choose("activity")
        self.chosen(minutes=5)
        self.alerts()
        self.assertTrue(self.assigned(self.by_email))

    def test_the_words_of_a_server_are_escaped(self):
        self.fail(why="<script>alert(1)</script> it says")
        self.assertIn("&lt;script&gt;", self.alerts().body)
