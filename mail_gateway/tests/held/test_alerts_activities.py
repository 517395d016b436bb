from odoo.tests import tagged

from odoo.addons.mail_gateway.hooks import _end_alerts
from odoo.addons.mail_gateway.tests.held.alerts_common import AlertsCase


@tagged("post_install", "-at_install")
class TestAlertsByActivities(AlertsCase):
    """Alerts by activities, and none at all."""

    def test_nobody_is_alerted_when_alerts_are_switched_off(self):
        self.choose("nothing")
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self.assigned(self.by_email))

    def test_an_activity_tells_each_postmaster_and_sends_nothing(self):
        self.choose("activity")
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self._mails)
        for user in self.by_email + self.in_inbox:
            activity = self.assigned(user)
            self.assertEqual(activity.summary, "A message waits for a decision: Is anybody there?")
            self.assertEqual(activity.activity_type_id, self.env.ref("mail_gateway.mail_activity_type_held"))
            self.assertIn("Open the message", activity.note)
            activity.with_user(user).check_access("read")

    def test_an_open_activity_is_updated_with_all_waiting_messages(self):
        self.choose("activity")
        self.hold("First")
        self.alerts()
        self.let_pass(hours=5)
        self.hold("Second")
        self.alerts()
        self.assertEqual(self.assigned(self.in_inbox).summary, "2 messages wait for a decision")

    def test_an_activity_is_done_when_nothing_waits_any_more(self):
        self.choose("activity")
        held = self.hold()
        self.alerts()
        activity = self.assigned(self.in_inbox)
        held.with_user(self.by_email).action_discard()
        self.alerts()
        self.assertFalse(activity.active)
        self.assertFalse(self.assigned(self.in_inbox))

    def test_an_activity_without_our_type_is_a_todo(self):
        self.env.ref("mail_gateway.mail_activity_type_held").unlink()
        self.choose("activity")
        self.hold()
        self.alerts()
        todo = self.env.ref("mail.mail_activity_data_todo")
        self.assertEqual(self.assigned(self.in_inbox).activity_type_id, todo)

    def test_todos_of_people_stay_open(self):
        self.env.ref("mail_gateway.mail_activity_type_held").unlink()
        mine = self.env["mail.activity"].create({"summary": "Call Mary", "user_id": self.in_inbox.id})
        self.alerts()
        self.assertTrue(mine.active)

    def test_an_activity_opens_the_waiting_message_or_the_list_of_them(self):
        self.choose("activity")
        held = self.hold("First")
        self.alerts()
        activity = self.assigned(self.in_inbox).with_user(self.in_inbox)
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("mail.inbound.message", held.id))
        self.assertEqual([kind for _view, kind in opened["views"]], ["form"])
        self.hold("Second")
        opened = activity.action_open_document()
        self.assertEqual((opened["path"], opened["res_id"]), ("held-messages", 0))

    def test_an_activity_is_linked_to_the_held_messages(self):
        self.choose("activity")
        self.hold()
        self.alerts()
        self.assertEqual(self.assigned(self.in_inbox).res_name, "Held Messages")

    def test_activities_of_people_open_as_before(self):
        kind = self.env.ref("mail_gateway.mail_activity_type_held")
        values = {"summary": "Look at the queue", "user_id": self.in_inbox.id, "activity_type_id": kind.id}
        mine = self.env["mail.activity"].create(values)
        self.assertEqual(mine.action_open_document()["res_model"], "mail.activity")
        self.assertFalse(mine.res_name)

    # ------------------------------------------------------------------ after uninstalling

    def test_uninstalling_removes_our_activities_and_keeps_those_of_people(self):
        self.choose("activity")
        self.hold()
        self.alerts()
        mine = self.env["mail.activity"].create({"summary": "Call Mary", "user_id": self.in_inbox.id})
        _end_alerts(self.env)
        self.assertEqual(self.assigned(self.in_inbox), mine)
        self.assertFalse(self.assigned(self.by_email))
