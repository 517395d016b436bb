from odoo import fields, models

from ..tools.smtp.connection_test_values import Outcome

_MILLISECONDS = 1000
_OUTCOMES = [
    ("ok", "Fine"),
    ("warning", "Warning"),
    ("failed", "Failed"),
    ("skipped", "Not used"),
    ("not_tried", "Not tried"),
]


class MailServerConnectionTest(models.TransientModel):
    """Shows what a test of an outgoing server found."""

    _name = "mail.server.connection.test"
    _description = "Test of an Outgoing Mail Server"

    server_id = fields.Many2one("ir.mail_server", required=True, readonly=True, ondelete="cascade")
    outcome = fields.Selection(_OUTCOMES, readonly=True)
    summary = fields.Text(readonly=True)
    advice = fields.Text(readonly=True)
    step_ids = fields.One2many("mail.server.connection.test.step", "test_id", string="Steps", readonly=True)

    def _open(self, server):
        """Test a server and open the dialog on what was found.

        :return: an action
        """
        probe = self.create(self._values_for(server))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Test Connection: %s", server.display_name),
            "res_model": self._name,
            "res_id": probe.id,
            "view_mode": "form",
            "target": "new",
        }

    def _values_for(self, server):
        plan, report = server._run_connection_test()
        failed = report.failed
        return {
            "server_id": server.id,
            "outcome": report.outcome.value,
            "summary": server._report_step(plan, failed) if failed else server._report_success(plan),
            "advice": server._report_ports(plan, report),
            "step_ids": [fields.Command.create(self._step(server, plan, result)) for result in report.steps],
        }

    @staticmethod
    def _step(server, plan, result):
        tried = result.outcome not in (Outcome.NOT_TRIED, Outcome.SKIPPED)
        return {
            "step": result.step.value,
            "outcome": result.outcome.value,
            "duration": f"{round(result.seconds * _MILLISECONDS)} ms" if tried else "",
            "words": server._report_step(plan, result),
        }

    def action_again(self):
        """Test the same server once more, as it is configured now."""
        self.ensure_one()
        self.check_access("read")
        return self.server_id.action_connection_test()


class MailServerConnectionTestStep(models.TransientModel):
    """One step of such a test."""

    _name = "mail.server.connection.test.step"
    _description = "Step of a Test of an Outgoing Mail Server"

    test_id = fields.Many2one("mail.server.connection.test", required=True, index=True, ondelete="cascade")
    step = fields.Selection(
        [
            ("name", "Name resolution"),
            ("connection", "Connection"),
            ("greeting", "Greeting"),
            ("tls", "TLS"),
            ("login", "Login"),
            ("sender", "Sender"),
            ("recipient", "Recipient"),
        ],
        readonly=True,
    )
    outcome = fields.Selection(_OUTCOMES, readonly=True)
    duration = fields.Char(string="Time", readonly=True)
    words = fields.Text(string="Details", readonly=True)
