"""The dialog that shows the steps of a connection test."""

from odoo import fields, models

from ..tools.smtp.connection_test_values import Outcome

_MILLISECONDS = 1000
_OUTCOMES = [
    ("ok", "OK"),
    ("warning", "Warning"),
    ("failed", "Failed"),
    ("skipped", "Not Used"),
    ("not_tried", "Not Tried"),
]


class MailServerConnectionTest(models.TransientModel):
    """Shows the result of a connection test of an outgoing mail server."""

    _name = "mail.server.connection.test"
    _description = "Connection Test"

    server_id = fields.Many2one("ir.mail_server", required=True, readonly=True, ondelete="cascade")
    outcome = fields.Selection(_OUTCOMES, readonly=True)
    summary = fields.Text(readonly=True)
    advice = fields.Text(readonly=True)
    step_ids = fields.One2many("mail.server.connection.test.step", "test_id", string="Steps", readonly=True)

    def _open(self, server):
        """Test a server and open the dialog with the result.

        :param server: ir.mail_server
        :return: an action
        :raises UserError: when core refuses to use the server at all
        """
        test = self.create(self._values_for(server))
        return test._get_records_action(name=self.env._("Test Connection: %s", server.display_name), target="new")

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
        """Test the same server once more, with its present settings.

        :return: an action
        """
        self.ensure_one()
        self.check_access("read")
        return self.server_id.action_connection_test()


class MailServerConnectionTestStep(models.TransientModel):
    """A step of a connection test."""

    _name = "mail.server.connection.test.step"
    _description = "Connection Test Step"

    test_id = fields.Many2one("mail.server.connection.test", required=True, index=True, ondelete="cascade")
    step = fields.Selection(
        [
            ("name", "Name Resolution"),
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
    duration = fields.Char(readonly=True)
    words = fields.Text(string="Details", readonly=True)
