from odoo import models
from odoo.tools import format_date

from ...tools.smtp.connection_test_values import readable
from ...tools.smtp.tls import SOON_DAYS, Trust


class IrMail_Server(models.Model):
    """What a test of the connection says about the certificate of the server."""

    _inherit = "ir.mail_server"

    def _report_tls(self, facts):
        certificate = self._report_certificate(facts.certificate)
        return "\n".join(filter(None, (facts.version, certificate, self._report_trust(facts))))

    def _report_certificate(self, certificate):
        if not certificate:
            return ""
        values = {
            "subject": readable(certificate.subject),
            "issuer": readable(certificate.issuer),
            "date": format_date(self.env, certificate.expires),
        }
        days = certificate.days_left()
        if days < 0:
            return self.env._("Certificate of %(subject)s, issued by %(issuer)s, expired on %(date)s.", **values)
        words = self.env._("Certificate of %(subject)s, issued by %(issuer)s, valid until %(date)s.", **values)
        if days < SOON_DAYS:
            soon = self.env._("It expires in %s days: have it renewed.", days)
            return f"{words} {soon}"
        return words

    def _report_trust(self, facts):
        if facts.required:
            return self.env._("Verified: it is for this server, and this machine trusts its issuer.")
        if facts.trust is Trust.UNKNOWN:
            return self.env._("It is not verified, as configured.")
        if facts.trust is not Trust.VERIFIED:
            reason = self._report_distrust(facts.trust)
            return self.env._("It is not verified, as configured, and would not be accepted if it were: %s", reason)
        words = self.env._("It is not verified, as configured, but would be accepted if it were.")
        if not self._connection_test_may_validate():
            return words
        return f"{words} {self.env._('Choose “encryption and validation”, so that nobody can read along.')}"

    def _connection_test_may_validate(self):
        """Odoo's OAuth modules insist on encryption without validation, and odoo-bin knows nothing else."""
        return self.smtp_authentication in ("login", "certificate")

    def _report_distrust(self, trust):
        match trust:
            case Trust.EXPIRED:
                return self.env._("it has expired.")
            case Trust.NOT_YET_VALID:
                return self.env._("it is not valid yet; is the clock of this machine right?")
            case Trust.SELF_SIGNED:
                return self.env._("it is self-signed.")
            case Trust.UNKNOWN_ISSUER:
                return self.env._("this machine does not trust its issuer.")
            case Trust.WRONG_NAME:
                return self.env._("it is for another server name.")
        return self.env._("it has a fault.")

    def _report_bad_certificate(self, plan, facts):
        words = self.env._(
            "The certificate of “%(server)s” is not accepted: %(reason)s %(advice)s",
            server=plan.host,
            reason=self._report_distrust(facts.trust),
            advice=self._report_distrust_advice(facts),
        )
        return "\n".join(filter(None, (words, self._report_certificate(facts.certificate))))

    def _report_distrust_advice(self, facts):
        match facts.trust:
            case Trust.EXPIRED | Trust.NOT_YET_VALID:
                return self.env._("Have it renewed.")
            case Trust.SELF_SIGNED | Trust.UNKNOWN_ISSUER:
                return self.env._("Make this machine trust its issuer, or choose encryption without validation.")
            case Trust.WRONG_NAME if facts.certificate and facts.certificate.names:
                names = ", ".join(readable(name) for name in facts.certificate.names[:10])
                return self.env._("Enter a name that it is for: %s.", names)
        return ""
