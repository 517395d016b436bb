"""The part of a connection test's report that lists the ports that answer after a failure, and advises what to set."""

from odoo import models

from ...tools.smtp.connection_test_values import ConnectionStep, PortStatus, Problem

_SMTP = 25
_ENCRYPTIONS = {PortStatus.TLS: "ssl", PortStatus.STARTTLS: "starttls", PortStatus.PLAIN: "none"}


class IrMail_Server(models.Model):
    """Describes the other ports of a server whose configured port can't be used."""

    _inherit = "ir.mail_server"

    def _report_ports(self, plan, report):
        """Describe how other ports answered, and what to set; empty when the test tried none."""
        lines = []
        if report.ports:
            answers = [self._report_port(answer) for answer in report.ports]
            lines += [self.env._("Odoo tried these ports of “%s”:", plan.host), *answers, ""]
            lines.append(self._report_ports_advice(plan, report))
        if self._connection_test_is_blocked(plan, report):
            lines.append(self.env._("Many providers block port 25 to prevent spam."))
        return "\n".join(lines)

    def _report_port(self, answer):
        match answer.answer:
            case PortStatus.TLS:
                how = self.env._("accepts SSL/TLS")
            case PortStatus.STARTTLS:
                how = self.env._("offers STARTTLS")
            case PortStatus.PLAIN:
                how = self.env._("offers no encryption")
            case PortStatus.OTHER:
                how = self.env._("accepts no messages")
            case PortStatus.SILENT:
                how = self.env._("accepts connections, but no mail server answers")
            case PortStatus.REFUSED:
                how = self.env._("refuses connections")
            case _:
                how = self.env._("does not answer")
        return f"• {answer.port}: {how}"

    def _report_ports_advice(self, plan, report):
        best = report.best_port(plan.port)
        if not best and report.failed.step is not ConnectionStep.CONNECTION:
            return self.env._("None of them works better. Ask the operator of the server which port to use.")
        if not best:
            return self.env._(
                "None of them accepts messages. Check the server name, and ask the operator of your firewall whether "
                "this machine may connect to mail servers."
            )
        if self.smtp_authentication == "cli":
            return self.env._("Choose the port by odoo-bin's options smtp_port and smtp_ssl.")
        if best.answer is PortStatus.PLAIN and plan.encryption != "none":
            return self.env._(
                "The server offers no encrypted connection, or somebody prevents it to read your messages. Ask the "
                "operator of the server before you send without encryption."
            )
        field = self._fields["smtp_encryption"]
        return self.env._(
            "Set “SMTP Port” to %(port)s and “Connection Encryption” to “%(encryption)s”.",
            port=best.port,
            encryption=dict(field._description_selection(self.env))[self._connection_test_encryption(best.answer)],
        )

    def _connection_test_encryption(self, answer):
        encryption = _ENCRYPTIONS[answer]
        strict = encryption != "none" and self._connection_test_may_validate()
        return f"{encryption}_strict" if strict else encryption

    @staticmethod
    def _connection_test_is_blocked(plan, report):
        unanswered = {Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE}
        return plan.port == _SMTP and report.failed is not None and report.failed.problem in unanswered
