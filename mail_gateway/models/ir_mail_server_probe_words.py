from odoo import models
from odoo.tools import format_date, human_size

from ..tools.smtp_probe_tls import SOON_DAYS, Encrypted, Trust
from ..tools.smtp_probe_values import (
    Answer,
    Connected,
    Greeted,
    LoggedIn,
    Outcome,
    Problem,
    Reply,
    Resolved,
    Step,
    readable,
)

_SMTP = 25
# what the detail says is the sentence itself
_TOLD_BY_DETAIL = {Problem.LOGIN_IMPOSSIBLE}
_PLACES_OF_A_PORT = (Step.CONNECTION, Step.GREETING, Step.TLS)
_ENCRYPTIONS = {Answer.TLS: "ssl", Answer.STARTTLS: "starttls", Answer.PLAIN: "none"}


class IrMail_Server(models.Model):
    """What a test of the connection found, in words that an administrator can act on."""

    _inherit = "ir.mail_server"

    def _probe_step_names(self):
        """step -> its name."""
        steps = self.env["mail.server.probe.step"]._fields["step"]
        return dict(steps._description_selection(self.env))

    def _probe_words_for_failure(self, plan, report):
        """All that a program gets to know: where it failed, why, and what to do."""
        failed = report.failed
        sentence = self.env._(
            "Test of “%(server)s”, step “%(step)s”: %(words)s",
            server=self.display_name,
            step=self._probe_step_names()[failed.step.value],
            words=self._probe_words(plan, failed),
        )
        return "\n\n".join(filter(None, (sentence, self._probe_words_for_ports(plan, report))))

    def _probe_words_for_success(self, plan):
        return self.env._(
            "“%(server)s” would take a message from %(sender)s to %(recipient)s. None was sent.",
            server=plan.host,
            sender=plan.sender,
            recipient=plan.recipient,
        )

    def _probe_words(self, plan, result):
        """What to say about one step."""
        match result.outcome:
            case Outcome.NOT_TRIED:
                return ""
            case Outcome.SKIPPED:
                return self._probe_words_for_skipped(result)
            case Outcome.FAILED:
                return self._probe_words_for_failed(plan, result)
        return self._probe_words_for_facts(plan, result.facts)

    def _probe_words_for_skipped(self, result):
        if result.step is Step.LOGIN:
            return self.env._("This server has no user name: nobody signs in.")
        words = self.env._("The connection is not encrypted, as configured.")
        if not result.facts.starttls_offered:
            return words
        return f"{words} {self.env._('The server offers STARTTLS: choose it, so that nobody can read along.')}"

    # ------------------------------------------------------------------ what went well

    def _probe_words_for_facts(self, plan, facts):
        match facts:
            case Resolved():
                return ", ".join(facts.addresses)
            case Connected():
                return self._probe_words_for_connection(plan, facts)
            case Greeted():
                return self._probe_words_for_greeting(facts)
            case Encrypted():
                return self._probe_words_for_tls(facts)
            case LoggedIn():
                return self._probe_words_for_login(plan, facts)
            case Reply():
                return f"{facts.code} {facts.text}"
        return ""

    def _probe_words_for_connection(self, plan, facts):
        where = self.env._("%(address)s port %(port)s", address=facts.address, port=plan.port)
        if not facts.failed:
            return where
        failed = self.env._(
            "No answer from %s, which is tried first: each e-mail waits for that. Have these addresses taken out of "
            "the DNS, or use a server name without them.",
            ", ".join(facts.failed),
        )
        return f"{where}\n{failed}"

    def _probe_words_for_greeting(self, facts):
        words = self.env._(
            "“%(banner)s”. This machine introduces itself as %(name)s.", banner=facts.banner, name=facts.own_name
        )
        if not facts.size:
            return words
        return f"{words}\n{self.env._('Largest message: %s.', human_size(facts.size))}"

    def _probe_words_for_tls(self, facts):
        certificate = self._probe_words_for_certificate(facts.certificate)
        return "\n".join(filter(None, (facts.version, certificate, self._probe_words_for_trust(facts))))

    def _probe_words_for_certificate(self, certificate):
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

    def _probe_words_for_trust(self, facts):
        if facts.required:
            return self.env._("Verified: it is for this server, and this machine trusts its issuer.")
        if facts.trust is Trust.UNKNOWN:
            return self.env._("It is not verified, as configured.")
        if facts.trust is not Trust.VERIFIED:
            reason = self._probe_words_for_distrust(facts.trust)
            return self.env._("It is not verified, as configured, and would not be accepted if it were: %s", reason)
        words = self.env._("It is not verified, as configured, but would be accepted if it were.")
        if not self._probe_may_validate():
            return words
        return f"{words} {self.env._('Choose “encryption and validation”, so that nobody can read along.')}"

    def _probe_may_validate(self):
        """Odoo's OAuth modules insist on encryption without validation, and odoo-bin knows nothing else."""
        return self.smtp_authentication in ("login", "certificate")

    def _probe_words_for_distrust(self, trust):
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

    def _probe_words_for_login(self, plan, facts):
        words = self.env._("Signed in.")
        if facts.mechanism:
            words = self.env._("Signed in by %s.", readable(facts.mechanism))
        if not facts.in_clear:
            return words
        warning = self.env._(
            "User name and password travel unencrypted to “%s”: whoever stands in between can read them. Choose an "
            "encryption.",
            plan.host,
        )
        return f"{words}\n{warning}"

    # ------------------------------------------------------------------ what failed

    def _probe_words_for_failed(self, plan, result):
        """A sentence about what is wrong and what to do, and what the server said."""
        words = self._probe_words_for_problem(plan, result)
        if result.reply:
            said = " ".join(filter(None, (str(result.reply.code) if result.reply.code > 0 else "", result.reply.text)))
            return f"{words}\n{self.env._('It says: %s', said)}"
        return f"{words} ({result.detail})" if result.detail and result.problem not in _TOLD_BY_DETAIL else words

    def _probe_words_for_problem(self, plan, result):
        # each knows the problems of its steps only
        for words_for in (
            self._probe_words_for_no_connection,
            self._probe_words_for_bad_greeting,
            self._probe_words_for_bad_tls,
            self._probe_words_for_bad_login,
            self._probe_words_for_bad_address,
        ):
            if words := words_for(plan, result):
                return words
        return self.env._("That failed.")

    def _probe_words_for_no_connection(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.NO_HOST if self.smtp_authentication == "cli":
                return self.env._("odoo-bin's option smtp_server names no server.")
            case Problem.NO_HOST:
                return self.env._("Enter the name of the server.")
            case Problem.BAD_HOST:
                return self.env._("“%s” can't be the name of a server. Check how it is written.", plan.host)
            case Problem.UNKNOWN_HOST:
                return self.env._("There is no server named “%s”. Check the server name.", plan.host)
            case Problem.RESOLVER_SILENT:
                return self.env._(
                    "Looking up “%s” took too long. Check the name servers (DNS) of this machine.", plan.host
                )
            case Problem.BAD_PORT:
                return self.env._("%s is no port: they go from 1 to 65535.", plan.port)
            case Problem.REFUSED:
                return self.env._("“%(server)s” refuses connections on port %(port)s.", **where)
            case Problem.NO_ANSWER:
                return self.env._(
                    "“%(server)s” does not answer on port %(port)s. A firewall may stand in between.", **where
                )
            case Problem.UNREACHABLE:
                return self.env._("There is no way from this machine to “%(server)s”. Check its network.", **where)
            case Problem.TOO_LONG:
                return self.env._(
                    "The test was broken off after %s seconds: the server answers too slowly.",
                    round(plan.limits.total),
                )
            case Problem.SILENT if result.step in _PLACES_OF_A_PORT:
                return self.env._(
                    "“%(server)s” takes connections on port %(port)s, but says nothing. The port may expect another "
                    "encryption than the one configured.",
                    **where,
                )
            case Problem.SILENT:
                return self.env._("“%s” did not answer in time. Try again later.", plan.host)

    def _probe_words_for_bad_greeting(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.CLOSED if plan.own_certificate and result.step in (Step.TLS, Step.GREETING):
                return self.env._(
                    "“%s” closed the connection. It may not accept the SSL certificate that this machine identifies "
                    "itself with.",
                    plan.host,
                )
            case Problem.CLOSED if result.step in _PLACES_OF_A_PORT:
                return self.env._(
                    "“%(server)s” closed the connection on port %(port)s. The port may expect another encryption, or "
                    "not let this machine in.",
                    **where,
                )
            case Problem.CLOSED:
                return self.env._("“%s” closed the connection.", plan.host)
            case Problem.NOT_SMTP:
                return self.env._("What answers on port %(port)s of “%(server)s” is no mail server.", **where)
            case Problem.ENDLESS:
                return self.env._(
                    "The reply of “%(server)s” on port %(port)s does not come to an end, so the connection was closed. "
                    "That is no mail server to rely on.",
                    **where,
                )
            case Problem.BUSY:
                return self.env._("“%s” takes no mail for the moment. Try again later.", plan.host)
            case Problem.TURNED_AWAY:
                return self.env._("“%(server)s” takes no mail from this machine on port %(port)s.", **where)
            case Problem.NAME_REFUSED:
                return self.env._(
                    "“%s” does not accept the name that this machine introduces itself with. Give the machine a full "
                    "host name that the DNS knows.",
                    plan.host,
                )

    def _probe_words_for_bad_tls(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.NO_STARTTLS:
                return self.env._("“%(server)s” offers no STARTTLS on port %(port)s.", **where)
            case Problem.STARTTLS_REFUSED:
                return self.env._("“%s” offers STARTTLS, but refuses it.", plan.host)
            case Problem.NO_TLS_HERE:
                return self.env._(
                    "Port %(port)s of “%(server)s” does not expect SSL/TLS: choose STARTTLS, or another port.", **where
                )
            case Problem.TLS:
                return self.env._("No encrypted connection to “%(server)s” on port %(port)s.", **where)
            case Problem.OWN_CERTIFICATE:
                return self.env._(
                    "The SSL certificate or the private key that this machine identifies itself with can't be used: "
                    "both have to be in PEM format, belong together and have no passphrase."
                )
            case Problem.CERTIFICATE:
                return self._probe_words_for_bad_certificate(plan, result.facts)

    def _probe_words_for_bad_certificate(self, plan, facts):
        words = self.env._(
            "The certificate of “%(server)s” is not accepted: %(reason)s %(advice)s",
            server=plan.host,
            reason=self._probe_words_for_distrust(facts.trust),
            advice=self._probe_advice_for_distrust(facts),
        )
        return "\n".join(filter(None, (words, self._probe_words_for_certificate(facts.certificate))))

    def _probe_advice_for_distrust(self, facts):
        match facts.trust:
            case Trust.EXPIRED | Trust.NOT_YET_VALID:
                return self.env._("Have it renewed.")
            case Trust.SELF_SIGNED | Trust.UNKNOWN_ISSUER:
                return self.env._("Make this machine trust its issuer, or choose encryption without validation.")
            case Trust.WRONG_NAME if facts.certificate and facts.certificate.names:
                names = ", ".join(readable(name) for name in facts.certificate.names[:10])
                return self.env._("Enter a name that it is for: %s.", names)
        return ""

    def _probe_words_for_bad_login(self, plan, result):
        match result.problem:
            case Problem.NO_AUTH if plan.encryption == "none":
                return self.env._(
                    "“%(server)s” offers no login on port %(port)s without encryption. Choose an encryption, or leave "
                    "the user name empty if none is needed.",
                    server=plan.host,
                    port=plan.port,
                )
            case Problem.NO_AUTH:
                return self.env._(
                    "“%(server)s” offers no login on port %(port)s. Leave the user name empty if none is needed.",
                    server=plan.host,
                    port=plan.port,
                )
            case Problem.NO_MECHANISM:
                return self.env._("“%s” offers no kind of login that Odoo knows.", plan.host)
            case Problem.LOGIN_REFUSED:
                return self.env._(
                    "“%s” does not accept the login. Check user name and password; some providers want a password made "
                    "for this application.",
                    plan.host,
                )
            case Problem.LOGIN_LATER:
                return self.env._("“%s” can't check the login for the moment. Try again later.", plan.host)
            case Problem.LOGIN_CHARACTERS:
                return self.env._(
                    "The user name or the password contains characters that can't be sent, accents for example."
                )
            case Problem.LOGIN_IMPOSSIBLE:
                return result.detail

    def _probe_words_for_bad_address(self, plan, result):
        is_sender = result.step is Step.SENDER
        address = plan.sender if is_sender else plan.recipient
        match result.problem:
            case Problem.BAD_ADDRESS:
                return self._probe_words_for_malformed(address, is_sender)
            case Problem.ENCRYPTION_WANTED:
                return self.env._("“%s” takes mail over an encrypted connection only. Choose STARTTLS.", plan.host)
            case Problem.LOGIN_WANTED:
                return self.env._("“%s” takes mail only after a login. Enter user name and password.", plan.host)
            case Problem.ADDRESS_LATER:
                return self.env._(
                    "“%(server)s” does not accept %(address)s for the moment. Try again in some minutes.",
                    server=plan.host,
                    address=address,
                )
            case Problem.ADDRESS_REFUSED if is_sender:
                return self.env._(
                    "“%(server)s” does not accept mail from %(address)s. Check FROM Filtering, and which senders the "
                    "server allows.",
                    server=plan.host,
                    address=address,
                )
            case Problem.ADDRESS_REFUSED:
                return self.env._(
                    "“%(server)s” does not accept mail to %(address)s. To other domains many servers carry mail only "
                    "after a login, or from machines that they know.",
                    server=plan.host,
                    address=address,
                )

    def _probe_words_for_malformed(self, address, is_sender):
        if is_sender and not address:
            return self._probe_sender()[1]
        return self.env._("“%s” is no e-mail address that can be sent to a mail server.", address)

    # ------------------------------------------------------------------ other ports

    def _probe_words_for_ports(self, plan, report):
        """Which ports answered just now, how, and what to set; empty when none was looked at."""
        lines = []
        if report.ports:
            answers = [self._probe_words_for_port(answer) for answer in report.ports]
            lines += [self.env._("The ports of “%s” just now:", plan.host), *answers, ""]
            lines.append(self._probe_advice_for_ports(plan, report))
        if self._probe_is_blocked(plan, report):
            lines.append(self.env._("Many providers block port 25, so that their customers send no spam."))
        return "\n".join(lines)

    def _probe_words_for_port(self, answer):
        match answer.answer:
            case Answer.TLS:
                how = self.env._("SSL/TLS from the first byte")
            case Answer.STARTTLS:
                how = self.env._("offers STARTTLS")
            case Answer.PLAIN:
                how = self.env._("answers, without encryption only")
            case Answer.OTHER:
                how = self.env._("takes no mail")
            case Answer.SILENT:
                how = self.env._("takes connections, but no mail server answers")
            case Answer.REFUSED:
                how = self.env._("refused")
            case _:
                how = self.env._("no answer")
        return f"• {answer.port}: {how}"

    def _probe_advice_for_ports(self, plan, report):
        best = report.best_port(plan.port)
        if not best and report.failed.step is not Step.CONNECTION:
            return self.env._("None of them is of more use. Ask whoever runs the server which port to use.")
        if not best:
            return self.env._(
                "None of them takes mail. Check the server name, and ask whoever runs the firewall whether this "
                "machine may connect to mail servers."
            )
        if self.smtp_authentication == "cli":
            return self.env._("odoo-bin's options smtp_port and smtp_ssl say which of them is used.")
        if best.answer is Answer.PLAIN and plan.encryption != "none":
            return self.env._(
                "There is no encrypted connection to this server. Whoever stands in between could read along, or is "
                "why there is none: ask whoever runs the server before you do without."
            )
        field = self._fields["smtp_encryption"]
        return self.env._(
            "Set “SMTP Port” to %(port)s and “Connection Encryption” to “%(encryption)s”.",
            port=best.port,
            encryption=dict(field._description_selection(self.env))[self._probe_encryption(best.answer)],
        )

    def _probe_encryption(self, answer):
        encryption = _ENCRYPTIONS[answer]
        strict = encryption != "none" and self._probe_may_validate()
        return f"{encryption}_strict" if strict else encryption

    @staticmethod
    def _probe_is_blocked(plan, report):
        unanswered = {Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE}
        return plan.port == _SMTP and report.failed is not None and report.failed.problem in unanswered
