from odoo import models

from ...tools.smtp.connection_test_values import ConnectionStep, PortStatus, Problem

_SMTP = 25
_ENCRYPTIONS = {PortStatus.TLS: "ssl", PortStatus.STARTTLS: "starttls", PortStatus.PLAIN: "none"}


class IrMail_Server(models.Model):
    """Which ports a server answers on when the configured one is of no use, and what to set."""

    _inherit = "ir.mail_server"

    def _report_ports(self, plan, report):
        """Which ports answered just now, how, and what to set; empty when none was looked at."""
        lines = []
        if report.ports:
            answers = [self._report_port(answer) for answer in report.ports]
            lines += [self.env._("The ports of “%s” just now:", plan.host), *answers, ""]
            lines.append(self._report_ports_advice(plan, report))
        if self._connection_test_is_blocked(plan, report):
            lines.append(self.env._("Many providers block port 25, so that their customers send no spam."))
        return "\n".join(lines)

    def _report_port(self, answer):
        match answer.answer:
            case PortStatus.TLS:
                how = self.env._("SSL/TLS from the first byte")
            case PortStatus.STARTTLS:
                how = self.env._("offers STARTTLS")
            case PortStatus.PLAIN:
                how = self.env._("answers, without encryption only")
            case PortStatus.OTHER:
                how = self.env._("takes no mail")
            case PortStatus.SILENT:
                how = self.env._("takes connections, but no mail server answers")
            case PortStatus.REFUSED:
                how = self.env._("refused")
            case _:
                how = self.env._("no answer")
        return f"• {answer.port}: {how}"

    def _report_ports_advice(self, plan, report):
        best = report.best_port(plan.port)
        if not best and report.failed.step is not ConnectionStep.CONNECTION:
            return self.env._("None of them is of more use. Ask whoever runs the server which port to use.")
        if not best:
            return self.env._(
                "None of them takes mail. Check the server name, and ask whoever runs the firewall whether this "
                "machine may connect to mail servers."
            )
        if self.smtp_authentication == "cli":
            return self.env._("odoo-bin's options smtp_port and smtp_ssl say which of them is used.")
        if best.answer is PortStatus.PLAIN and plan.encryption != "none":
            return self.env._(
                "There is no encrypted connection to this server. Whoever stands in between could read along, or is "
                "why there is none: ask whoever runs the server before you do without."
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
