from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user

from odoo.addons.mail_gateway.models.held.mail_postmaster_alert import HOURS_PARAMETER, HOW_PARAMETER
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


class AlertsCase(InboundCommon):
    """Two postmasters are alerted, one by e-mail and one in the inbox; nobody else is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["mail.inbound.message"].search([]).write({"answers_alert": True})
        cls.env.ref("mail_gateway.group_postmaster").all_user_ids.told_of_held_mail = False
        cls.by_email, cls.in_inbox = (
            new_test_user(
                cls.env,
                f"alert.{kind}",
                groups="mail_gateway.group_postmaster",
                email=f"{kind}@postmasters.example",
                notification_type=kind,
            )
            for kind in ("email", "inbox")
        )
        cls.root = cls.env.ref("base.partner_root")
        cls.env["ir.config_parameter"].set_param(HOW_PARAMETER, "notification")
        cls.chosen(days=30)

    @classmethod
    def chosen(cls, **time):
        """Date back the choice of how postmasters are alerted."""
        parameter = cls.env["ir.config_parameter"].search([("key", "=", HOW_PARAMETER)])
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE ir_config_parameter SET write_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(**time), parameter.id),
        )
        parameter.invalidate_recordset()

    def alerts(self):
        """Run the scheduled action; return the alerts it sent."""
        before = self.env["mail.message"].search([("message_type", "=", "user_notification")])
        with self.mock_mail_gateway(), self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env["mail.postmaster.alert"].with_env(self.env(cr=cr))._run()
            self.env.invalidate_all()
            self.assertFalse(self._mails, "they are left to the queue")
            self._new_mails.send()
        return self.env["mail.message"].search([("message_type", "=", "user_notification")], order="id") - before

    def hold(self, *subjects, **values):
        """Deliver unroutable messages, which are held."""
        values = {"to": "nobody@elsewhere.example", **values}
        held = self.deliver(*(raw(subject=subject, **values) for subject in subjects or ("Is anybody there?",)))
        self.assertEqual(set(held.mapped("state")), {"held"})
        return held

    def let_pass(self, **time):
        """Date back all alerts, and the held messages and failures that they are about."""
        earlier = timedelta(**time)
        for message in self.env["mail.inbound.message"].search([("state", "in", ("held", "failed"))]):
            message.done_date -= earlier
            message.alerted_date = message.alerted_date and message.alerted_date - earlier
        for server in self.env["fetchmail.server"].search([("alerted_date", "!=", False)]):
            server.alerted_date -= earlier
            server.error_date = server.error_date and server.error_date - earlier
        self.env.flush_all()

    def choose(self, how, hours=4):
        self.env["ir.config_parameter"].set_param(HOW_PARAMETER, how)
        self.env["ir.config_parameter"].set_param(HOURS_PARAMETER, str(hours))

    def assigned(self, user):
        return self.env["mail.activity"].search([("user_id", "=", user.id)])
