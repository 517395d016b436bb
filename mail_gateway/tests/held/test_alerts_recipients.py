from odoo import SUPERUSER_ID
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.held.alerts_common import AlertsCase


@tagged("post_install", "-at_install")
class TestAlertRecipients(AlertsCase):
    """The users whom Odoo alerts, the language of alerts, and alerts for users without an address."""

    def test_a_postmaster_who_declined_alerts_gets_none(self):
        self.by_email.with_user(self.by_email).told_of_held_mail = False
        self.hold()
        self.assertEqual(self.alerts().notified_partner_ids, self.in_inbox.partner_id)

    def test_administrators_are_postmasters_and_are_alerted(self):
        admin = new_test_user(self.env, "alert.admin", groups="base.group_system", email="admin@postmasters.example")
        self.hold()
        self.assertIn(admin.partner_id, self.alerts().notified_partner_ids)

    def test_odoobot_and_archived_users_are_not_alerted(self):
        self.by_email.active = False
        self.env["res.users"].browse(SUPERUSER_ID).write({"told_of_held_mail": True})
        self.hold()
        self.assertEqual(self.alerts().notified_partner_ids, self.in_inbox.partner_id)

    def test_an_alert_without_recipients_is_sent_once_there_is_one(self):
        (self.by_email + self.in_inbox).told_of_held_mail = False
        held = self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(held.alerted_date)
        self.in_inbox.told_of_held_mail = True
        self.assertEqual(len(self.alerts()), 1)

    def test_each_postmaster_is_alerted_in_their_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.in_inbox.lang = "fr_FR"
        template = self.env.ref("mail_gateway.alert_messages")
        arch = {"fr_FR": {"Open the message": "Ouvrir le message"}}
        template.update_field_translations("arch_db", arch)
        self.hold()
        french, other = self.alerts().sorted(lambda alert: "Ouvrir" not in alert.body)
        self.assertEqual(french.notified_partner_ids, self.in_inbox.partner_id)
        self.assertIn("Ouvrir", french.body)
        self.assertNotIn("Ouvrir", other.body)

    def test_a_postmaster_without_an_address_or_inbox_gets_an_activity(self):
        for address in (False, "nothing that is one"):
            with self.subTest(address):
                self.by_email.email = address
                self.hold(f"With {address}")
                alert = self.alerts()
                self.assertEqual(alert.notified_partner_ids, self.in_inbox.partner_id)
                self.assertEqual(alert.notification_ids.mapped("notification_status"), ["sent"])
                self.assertTrue(self.assigned(self.by_email))
                self.assertFalse(self.assigned(self.in_inbox))
                self.assigned(self.by_email).unlink()
                self.let_pass(hours=5)

    def test_an_activity_replaces_the_alert_when_nobody_has_an_address(self):
        self.in_inbox.told_of_held_mail = False
        self.by_email.email = False
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self._new_mails)
        self.assertTrue(self.assigned(self.by_email))

    def test_a_postmaster_with_an_inbox_needs_no_address(self):
        self.in_inbox.email = False
        self.hold()
        self.assertIn(self.in_inbox.partner_id, self.alerts().notified_partner_ids)
        self.assertFalse(self.assigned(self.in_inbox))
