"""The part of a connection test's report that describes TLS and the certificate of the server."""

from odoo import models
from odoo.tools import format_date

from ...tools.smtp.connection_test_values import readable
from ...tools.smtp.tls import SOON_DAYS, Trust


class IrMail_Server(models.Model):
    """Describes the TLS connection, the certificate, and whether it would be accepted."""

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
        valid = self.env._("Certificate of %(subject)s, issued by %(issuer)s, valid until %(date)s.", **values)
        if days < SOON_DAYS:
            soon = self.env._("Days until it expires: %s. Have it renewed.", days)
            return f"{valid} {soon}"
        return valid

    def _report_trust(self, facts):
        if facts.required:
            return self.env._("Verified: it is for this server, and this machine trusts its issuer.")
        if facts.trust is Trust.UNKNOWN:
            return self.env._("It is not verified, as configured.")
        if facts.trust is not Trust.VERIFIED:
            reason = self._report_distrust(facts.trust)
            return self.env._("It is not verified, as configured, and would not be accepted if it were: %s", reason)
        accepted = self.env._("It is not verified, as configured, but would be accepted if it were.")
        if not self._connection_test_may_validate():
            return accepted
        return f"{accepted} {self.env._('Choose “encryption and validation”, so that nobody can read messages.')}"

    def _connection_test_may_validate(self):
        """Return whether the user may choose validation: Odoo's OAuth modules and odoo-bin do not offer it."""
        return self.smtp_authentication in ("login", "certificate")

    def _report_distrust(self, trust):
        match trust:
            case Trust.EXPIRED:
                return self.env._("it has expired.")
            case Trust.NOT_YET_VALID:
                return self.env._("it is not valid yet. Check the clock of this machine.")
            case Trust.SELF_SIGNED:
                return self.env._("it is self-signed.")
            case Trust.UNKNOWN_ISSUER:
                return self.env._("this machine does not trust its issuer.")
            case Trust.WRONG_NAME:
                return self.env._("it is for another server name.")
        return self.env._("it is invalid.")

    def _report_bad_certificate(self, plan, facts):
        sentence = self.env._(
            "The certificate of “%(server)s” is not accepted: %(reason)s %(advice)s",
            server=plan.host,
            reason=self._report_distrust(facts.trust),
            advice=self._report_distrust_advice(facts),
        )
        return "\n".join(filter(None, (sentence, self._report_certificate(facts.certificate))))

    def _report_distrust_advice(self, facts):
        match facts.trust:
            case Trust.EXPIRED | Trust.NOT_YET_VALID:
                return self.env._("Have it renewed.")
            case Trust.SELF_SIGNED | Trust.UNKNOWN_ISSUER:
                return self.env._("Make this machine trust its issuer, or choose encryption without validation.")
            case Trust.WRONG_NAME if facts.certificate and facts.certificate.names:
                names = ", ".join(readable(name) for name in facts.certificate.names[:10])
                return self.env._("Enter one of its names as the server name: %s.", names)
        return ""
