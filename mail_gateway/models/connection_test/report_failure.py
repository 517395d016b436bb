from odoo import models

from ...tools.smtp.connection_test_values import ConnectionStep, Problem

# what the detail says is the sentence itself
_TOLD_BY_DETAIL = {Problem.LOGIN_IMPOSSIBLE}
_PLACES_OF_A_PORT = (ConnectionStep.CONNECTION, ConnectionStep.GREETING, ConnectionStep.TLS)


class IrMail_Server(models.Model):
    """Why a step of a test of the connection failed, and what to do about it."""

    _inherit = "ir.mail_server"

    def _report_failed(self, plan, result):
        """A sentence about what is wrong and what to do, and what the server said."""
        words = self._report_problem(plan, result)
        if result.reply:
            said = " ".join(filter(None, (str(result.reply.code) if result.reply.code > 0 else "", result.reply.text)))
            return f"{words}\n{self.env._('It says: %s', said)}"
        return f"{words} ({result.detail})" if result.detail and result.problem not in _TOLD_BY_DETAIL else words

    def _report_problem(self, plan, result):
        # each knows the problems of its steps only
        for words_for in (
            self._report_no_connection,
            self._report_bad_greeting,
            self._report_bad_tls,
            self._report_bad_login,
            self._report_bad_address,
        ):
            if words := words_for(plan, result):
                return words
        return self.env._("That failed.")

    def _report_no_connection(self, plan, result):
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

    def _report_bad_greeting(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.CLOSED if plan.own_certificate and result.step in (
                ConnectionStep.TLS,
                ConnectionStep.GREETING,
            ):
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

    def _report_bad_tls(self, plan, result):
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
                return self._report_bad_certificate(plan, result.facts)

    def _report_bad_login(self, plan, result):
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

    def _report_bad_address(self, plan, result):
        is_sender = result.step is ConnectionStep.SENDER
        address = plan.sender if is_sender else plan.recipient
        match result.problem:
            case Problem.BAD_ADDRESS:
                return self._report_malformed(address, is_sender)
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

    def _report_malformed(self, address, is_sender):
        if is_sender and not address:
            return self._connection_test_sender()[1]
        return self.env._("“%s” is no e-mail address that can be sent to a mail server.", address)
