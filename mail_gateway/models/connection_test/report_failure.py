"""The part of a connection test's report that explains why a step failed, and what to do about it."""

from odoo import models

from ...tools.smtp.connection_test_values import ConnectionStep, Problem

# For these problems the detail is the whole sentence.
_SAID_BY_DETAIL = {Problem.LOGIN_IMPOSSIBLE}
_STEPS_OF_A_PORT = (ConnectionStep.CONNECTION, ConnectionStep.GREETING, ConnectionStep.TLS)


class IrMail_Server(models.Model):
    """Describes the problems of a connection test: what is wrong, where, and what to do."""

    _inherit = "ir.mail_server"

    def _report_failed(self, plan, result):
        """Return a sentence about what is wrong and what to do, and the reply of the server."""
        sentence = self._report_problem(plan, result)
        if result.reply:
            said = " ".join(filter(None, (str(result.reply.code) if result.reply.code > 0 else "", result.reply.text)))
            return f"{sentence}\n{self.env._('The server says: %s', said)}"
        shows_detail = result.detail and result.problem not in _SAID_BY_DETAIL
        return f"{sentence} ({result.detail})" if shows_detail else sentence

    def _report_problem(self, plan, result):
        # each method knows the problems of its step only, and returns None for others
        for message_for in (
            self._report_bad_settings,
            self._report_no_connection,
            self._report_silence,
            self._report_closed,
            self._report_bad_greeting,
            self._report_bad_tls,
            self._report_no_login,
            self._report_bad_login,
            self._report_bad_recipient_or_sender,
            self._report_refused_address,
        ):
            if message := message_for(plan, result):
                return message
        return self.env._("This step failed.")

    # ------------------------------------------------------------------ connecting

    def _report_bad_settings(self, plan, result):
        match result.problem:
            case Problem.NO_HOST if self.smtp_authentication == "cli":
                return self.env._("odoo-bin's option smtp_server is empty. Set it, or choose another authentication.")
            case Problem.NO_HOST:
                return self.env._("Enter the name of the server.")
            case Problem.BAD_HOST:
                return self.env._("“%s” is not a valid server name. Check its spelling.", plan.host)
            case Problem.UNKNOWN_HOST:
                return self.env._("There is no server named “%s”. Check the server name.", plan.host)
            case Problem.BAD_PORT:
                return self.env._("%s is not a valid port. Enter a number from 1 to 65535.", plan.port)
        return None

    def _report_no_connection(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.RESOLVER_SILENT:
                return self.env._(
                    "Looking up “%s” took too long. Check the name servers (DNS) of this machine.", plan.host
                )
            case Problem.REFUSED:
                return self.env._("“%(server)s” refuses connections on port %(port)s.", **where)
            case Problem.NO_ANSWER:
                return self.env._(
                    "“%(server)s” does not answer on port %(port)s. A firewall may block the connection.", **where
                )
            case Problem.UNREACHABLE:
                return self.env._("This machine can't reach “%(server)s”. Check its network.", **where)
        return None

    def _report_silence(self, plan, result):
        match result.problem:
            case Problem.TOO_LONG:
                return self.env._(
                    "Odoo stopped the test after %s seconds, since the server answers too slowly.",
                    round(plan.limits.total),
                )
            case Problem.SILENT if result.step in _STEPS_OF_A_PORT:
                return self.env._(
                    "“%(server)s” accepts connections on port %(port)s, but does not answer. The port may expect another "
                    "encryption than the configured one.",
                    server=plan.host,
                    port=plan.port,
                )
            case Problem.SILENT:
                return self.env._("“%s” did not answer in time. Try again later.", plan.host)
        return None

    def _report_closed(self, plan, result):
        if result.problem is not Problem.CLOSED:
            return None
        if plan.own_certificate and result.step in (ConnectionStep.TLS, ConnectionStep.GREETING):
            return self.env._(
                "“%s” closed the connection. It may not accept the SSL certificate of this machine.", plan.host
            )
        if result.step in _STEPS_OF_A_PORT:
            return self.env._(
                "“%(server)s” closed the connection on port %(port)s. The port may expect another encryption, or the "
                "server may not accept connections from this machine.",
                server=plan.host,
                port=plan.port,
            )
        return self.env._("“%s” closed the connection.", plan.host)

    def _report_bad_greeting(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.NOT_SMTP:
                return self.env._(
                    "Port %(port)s of “%(server)s” does not belong to an outgoing (SMTP) server.", **where
                )
            case Problem.ENDLESS:
                return self.env._(
                    "The reply of “%(server)s” on port %(port)s does not end, so Odoo closed the connection. Check the "
                    "server name and the port.",
                    **where,
                )
            case Problem.BUSY:
                return self.env._("“%s” accepts no messages at the moment. Try again later.", plan.host)
            case Problem.TURNED_AWAY:
                return self.env._("“%(server)s” accepts no messages from this machine on port %(port)s.", **where)
            case Problem.NAME_REFUSED:
                return self.env._(
                    "“%s” does not accept the name of this machine. Give the machine a full host name that the DNS knows.",
                    plan.host,
                )
        return None

    # ------------------------------------------------------------------ encryption and login

    def _report_bad_tls(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.NO_STARTTLS:
                return self.env._("“%(server)s” offers no STARTTLS on port %(port)s.", **where)
            case Problem.STARTTLS_REFUSED:
                return self.env._("“%s” offers STARTTLS, but refuses it.", plan.host)
            case Problem.NO_TLS_HERE:
                return self.env._(
                    "Port %(port)s of “%(server)s” does not expect SSL/TLS. Choose STARTTLS, or another port.", **where
                )
            case Problem.TLS:
                return self.env._("No encrypted connection to “%(server)s” on port %(port)s.", **where)
            case Problem.OWN_CERTIFICATE:
                return self.env._(
                    "The SSL certificate or the private key of this machine can't be used. Both have to be in PEM "
                    "format, belong together and have no passphrase."
                )
            case Problem.CERTIFICATE:
                return self._report_bad_certificate(plan, result.facts)
        return None

    def _report_no_login(self, plan, result):
        where = {"server": plan.host, "port": plan.port}
        match result.problem:
            case Problem.NO_AUTH if plan.encryption == "none":
                return self.env._(
                    "“%(server)s” offers no login on port %(port)s without encryption. Choose an encryption, or leave "
                    "the user name empty if no login is needed.",
                    **where,
                )
            case Problem.NO_AUTH:
                return self.env._(
                    "“%(server)s” offers no login on port %(port)s. Leave the user name empty if no login is needed.",
                    **where,
                )
            case Problem.NO_MECHANISM:
                return self.env._("“%s” offers no login method that Odoo supports.", plan.host)
        return None

    def _report_bad_login(self, plan, result):
        match result.problem:
            case Problem.LOGIN_REFUSED:
                return self.env._(
                    "“%s” refuses the login. Check the user name and the password. Some providers require a separate "
                    "password for applications.",
                    plan.host,
                )
            case Problem.LOGIN_LATER:
                return self.env._("“%s” can't check the login at the moment. Try again later.", plan.host)
            case Problem.LOGIN_CHARACTERS:
                return self.env._(
                    "The user name or the password contains characters that can't be sent, such as accents."
                )
            case Problem.LOGIN_IMPOSSIBLE:
                return result.detail
        return None

    # ------------------------------------------------------------------ sender and recipient

    def _report_bad_recipient_or_sender(self, plan, result):
        match result.problem:
            case Problem.BAD_ADDRESS if result.step is ConnectionStep.SENDER and not plan.sender:
                return self._connection_test_sender()[1]
            case Problem.BAD_ADDRESS:
                address = self._report_address(plan, result)
                return self.env._("“%s” is not a valid e-mail address for a mail server.", address)
            case Problem.ENCRYPTION_WANTED:
                return self.env._(
                    "“%s” accepts messages over an encrypted connection only. Choose STARTTLS.", plan.host
                )
            case Problem.LOGIN_WANTED:
                return self.env._("“%s” accepts messages after a login only. Enter user name and password.", plan.host)
        return None

    def _report_refused_address(self, plan, result):
        where = {"server": plan.host, "address": self._report_address(plan, result)}
        match result.problem:
            case Problem.ADDRESS_LATER:
                return self.env._(
                    "“%(server)s” does not accept %(address)s at the moment. Try again in some minutes.", **where
                )
            case Problem.ADDRESS_REFUSED if result.step is ConnectionStep.SENDER:
                return self.env._(
                    "“%(server)s” does not accept messages from %(address)s. Check FROM Filtering, and which senders the "
                    "server allows.",
                    **where,
                )
            case Problem.ADDRESS_REFUSED:
                return self.env._(
                    "“%(server)s” does not accept messages to %(address)s. Many servers relay messages to other domains "
                    "only after a login, or only from machines that they know.",
                    **where,
                )
        return None

    @staticmethod
    def _report_address(plan, result):
        return plan.sender if result.step is ConnectionStep.SENDER else plan.recipient
