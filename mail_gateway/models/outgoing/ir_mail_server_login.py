"""Logging in on outgoing mail servers."""

from contextlib import suppress
from functools import cache, partial
from smtplib import SMTP

import psycopg2

from odoo import api, models
from odoo.tools import config

from ...tools.secrets import Secrets
from ...tools.session_log import SessionLog
from ...tools.smtp.login import hide_in_replies, log_in
from ..secret_fields import secret_fields


class IrMail_Server(models.Model):
    """Logs in with any characters, and keeps secrets out of errors, logs and failure reasons."""

    _inherit = "ir.mail_server"

    def _connect__(self, *args, **kwargs):  # noqa: PLW3201 core's name
        """Extends core's method: neither its errors nor those of the connection contain secrets.

        Core stores the errors as failure reasons of e-mails, which all users who may read the e-mails can read.
        """
        given = [kwargs.get("password"), *args[3:4]]
        try:
            connection = super()._connect__(*args, **kwargs)
        except Exception as error:
            self._outgoing_secrets(given).hide_in(error)
            raise
        if isinstance(connection, SMTP):
            secrets = partial(self._outgoing_secrets, given, connection)
            server = kwargs.get("mail_server_id") or self[:1].id or "odoo-bin"
            # looked up once, and only if something is logged: a log at DEBUG has a line for each command
            hide_in_replies(connection, secrets, SessionLog("smtp", str(server), cache(secrets)))
        return connection

    def _smtp_login__(self, connection, smtp_user, smtp_password):  # noqa: PLW3201 core's name
        """Extends core's method: user name and password may contain any characters; smtplib's `login` accepts ASCII only.

        The log of an SMTP session, which *Debugging* switches on, does not contain the login.
        """
        level = getattr(connection, "debuglevel", 0)
        try:
            if level:
                connection.set_debuglevel(0)
            if self._logs_in_beyond_ascii(connection, smtp_user, smtp_password):
                log_in(connection, smtp_user, smtp_password)
                return None
            return super()._smtp_login__(connection, smtp_user, smtp_password)
        except Exception as error:
            Secrets(smtp_password).hide_in(error)
            raise
        finally:
            if level:
                connection.set_debuglevel(level)

    def _logs_in_beyond_ascii(self, connection, user, password):
        """Return whether smtplib's own `login` would fail, since it can't encode user name or password."""
        by_password = not self or self.smtp_authentication in ("login", "cli")
        return by_password and isinstance(connection, SMTP) and not f"{user}{password}".isascii()

    @api.model
    def _outgoing_secrets(self, given, connection=None):
        """Return what a server may have received, now or earlier: passwords, and the tokens of OAuth modules.

        :param list given: further passwords
        :param connection: an smtplib connection that knows the password of its login
        :rtype: mail_gateway.tools.secrets.Secrets
        """
        secrets = Secrets(*given, config.get("smtp_password"), getattr(connection, "password", None))
        names = secret_fields(self, "smtp_pass")
        with suppress(psycopg2.Error):  # it may be the transaction that failed
            servers = self.sudo().with_context(active_test=False).search([("smtp_authentication", "!=", "cli")])
            for server in servers:
                for name in names:
                    secrets.add(server[name])
        return secrets
