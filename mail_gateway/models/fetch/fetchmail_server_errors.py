"""Errors of fetching from an incoming mail server, as sentences for the administrator."""

import poplib
import re
from imaplib import IMAP4

import psycopg2

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import human_size

from ...tools.faults import ConnectionFault, connection_fault
from ...tools.fetch.mailbox_errors import MessagesRefused, NotStored, UnknownFolder, server_words
from ...tools.fetch.time_budget import TookTooLong
from ...tools.secrets import Secrets
from ..secret_fields import secret_fields

# The greeting of an SMTP server (RFC 5321, section 4.2): the error of poplib is the line, that of imaplib quotes it.
_SMTP_GREETING = {poplib.error_proto: re.compile(r"^220[ -]"), IMAP4.abort: re.compile(r"""\bb["']220[ -]""")}
# Many mailboxes have hundreds of folders; the first ones show how the server writes them.
_MAX_FOLDERS = 50


class FetchmailServer(models.Model):
    """Tells an administrator what is wrong, where, and what to do."""

    _inherit = "fetchmail.server"

    def _secrets(self):
        """Return the secrets that no error, log line or alert may contain: passwords, and the tokens of OAuth modules."""
        names = secret_fields(self, "password")
        return Secrets(*(server[name] for server in self.sudo() for name in names))

    def _connection_message(self, error):
        """Describe an error: what is wrong, where, and what to do.

        :param Exception error: what fetching raised; secrets in it are hidden
        :return: sentences without secrets
        """
        self._secrets().hide_in(error)
        return self._storing_message(error) or self._mailbox_message(error) or self._connection_fault_message(error)

    def _storing_message(self, error):
        """Describe an error that is not the mail server's fault; None for others."""
        match error:
            case NotStored():
                return self.env._(
                    "The database does not accept %(count)s of the messages on “%(server)s” (%(error)s). All others are "
                    "stored. These stay on the mail server, and Odoo tries again at each fetch. See the log for details.",
                    count=len(error.errors),
                    server=self.server,
                    error=str(error),
                )
            case MemoryError():
                return self.env._(
                    "Odoo ran out of memory while it read “%s”. All messages received before that are stored. Give Odoo "
                    "more memory, or lower “Largest Message” in the settings.",
                    self.server,
                )
            case psycopg2.Error():
                return self.env._(
                    "The database could not store the messages from “%(server)s” (%(error)s). They stay on the mail "
                    "server, and Odoo tries again at each fetch. See the log for details.",
                    server=self.server,
                    error=type(error).__name__,
                )
            case _ if not server_words(error) and connection_fault(error) is ConnectionFault.OTHER:
                return self.env._(
                    "Reading “%(server)s” failed (%(error)s). See the log for details.",
                    server=self.server,
                    error=type(error).__name__,
                )
        return None

    def _mailbox_message(self, error):
        """Describe an error of a connection that works; None for others."""
        match error:
            case UserError():
                return str(error)
            case UnknownFolder():
                return self._folder_message(error)
            case MessagesRefused():
                return self._refusal_message(error)
            case TookTooLong():
                return self._time_message(error)
            case _ if type(error) in _SMTP_GREETING and _SMTP_GREETING[type(error)].search(server_words(error)):
                return self.env._(
                    "“%(server)s” on port %(port)s is an outgoing (SMTP) server. Enter the incoming server and its port: "
                    "usually 993 (IMAP with TLS), 143 (IMAP), 995 (POP3 with TLS) or 110 (POP3).",
                    server=self.server,
                    port=self.port,
                )
        return None

    def _folder_message(self, error):
        return self.env._(
            "There is no folder “%(folder)s” on “%(server)s”. Choose one of these: %(existing)s.",
            folder=error.folder,
            server=self.server,
            existing=", ".join(error.existing[:_MAX_FOLDERS]),
        )

    def _refusal_message(self, error):
        return self.env._(
            "“%(server)s” refuses to deliver %(count)s of the messages. Odoo read all others, and asks for these again at "
            "each fetch. The server says: %(error)s",
            server=self.server,
            count=error.count,
            error=str(error),
        )

    def _time_message(self, error):
        return self.env._(
            "Reading “%(server)s” took longer than %(seconds)s seconds. All messages received before that are stored. One "
            "message of %(size)s could not be read in that time; Odoo tries it again at each fetch.",
            server=self.server,
            seconds=round(error.seconds),
            size=human_size(error.size),
        )

    # ------------------------------------------------------------------ the connection

    def _connection_fault_message(self, error):
        fault = connection_fault(error)
        details = {"server": self.server, "port": self.port, "user": self.user, "error": server_words(error)}
        return (
            self._unreachable_message(fault, details)
            or self._encryption_message(fault, details)
            or self._session_message(fault, details)
            or self.env._("Reading “%(server)s” failed: %(error)s", **details)
        )

    def _unreachable_message(self, fault, details):
        match fault:
            case ConnectionFault.NAME:
                return self.env._(
                    "There is no server named “%(server)s”. Check the server name. (%(error)s)", **details
                )
            case ConnectionFault.REFUSED:
                return self.env._(
                    "“%(server)s” refuses connections on port %(port)s. Check the port and the encryption. The usual "
                    "ports are 993 (IMAP with TLS), 143 (IMAP), 995 (POP3 with TLS) and 110 (POP3).",
                    **details,
                )
            case ConnectionFault.TIMEOUT if not self.is_ssl:
                return self.env._(
                    "“%(server)s” did not answer on port %(port)s in time. If this port expects SSL/TLS, switch it on. "
                    "Otherwise check the port, and that no firewall blocks it. (%(error)s)",
                    **details,
                )
            case ConnectionFault.TIMEOUT:
                return self.env._(
                    "“%(server)s” did not answer on port %(port)s in time. Check the port, and that no firewall blocks "
                    "it. (%(error)s)",
                    **details,
                )
        return None

    def _encryption_message(self, fault, details):
        match fault:
            case ConnectionFault.CERTIFICATE:
                return self.env._(
                    "“%(server)s” could not prove its identity: %(error)s. Check that the server name is the one in the "
                    "certificate, and that this machine trusts its issuer. To accept any certificate, switch off "
                    "“Verify Certificate”.",
                    **details,
                )
            case ConnectionFault.TLS if self.is_starttls and not self.is_ssl:
                return self.env._(
                    "No encrypted connection to “%(server)s” on port %(port)s by STARTTLS. Check whether this port "
                    "expects SSL/TLS or no encryption. (%(error)s)",
                    **details,
                )
            case ConnectionFault.TLS:
                return self.env._(
                    "No encrypted connection to “%(server)s” on port %(port)s. Check whether this port expects STARTTLS "
                    "or no encryption. (%(error)s)",
                    **details,
                )
        return None

    def _session_message(self, fault, details):
        match fault:
            case ConnectionFault.TOO_SLOW:
                return self.env._(
                    "Reading “%(server)s” on port %(port)s took too long. All messages received before that are stored. "
                    "Ask the operator of the server why it is slow.",
                    **details,
                )
            case ConnectionFault.ENDLESS:
                return self.env._(
                    "“%(server)s” on port %(port)s sent more than Odoo asked for, so Odoo closed the connection. Check "
                    "the server name, and ask the operator of the server. (%(error)s)",
                    **details,
                )
            case ConnectionFault.LOGIN:
                return self.env._(
                    "“%(server)s” refuses the login of “%(user)s”. Check the user name and the password. The server "
                    "says: %(error)s",
                    **details,
                )
            case ConnectionFault.LOST:
                return self.env._("The connection to “%(server)s” port %(port)s broke: %(error)s", **details)
            case ConnectionFault.REPLY:
                return self.env._("“%(server)s” refused a command. The server says: %(error)s", **details)
        return None
