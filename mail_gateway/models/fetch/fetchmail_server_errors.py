from odoo import models
from odoo.exceptions import UserError
from odoo.tools import human_size

from ...tools.faults import ConnectionFault, connection_fault
from ...tools.fetch.mailbox_errors import MessagesRefused, UnknownFolder, server_words
from ...tools.fetch.time_budget import TookTooLong
from ...tools.secrets import Secrets
from ..secret_fields import secret_fields


class FetchmailServerErrors(models.Model):
    """What went wrong with a mail server, in words that an administrator can act on."""

    _inherit = "fetchmail.server"

    def _secrets(self):
        """What no error, log or alert may hold of these servers: passwords, and the tokens of OAuth modules."""
        names = secret_fields(self, "password")
        return Secrets(*(server[name] for server in self.sudo() for name in names))

    def _connection_message(self, error):
        """A sentence for the administrator: what is wrong, where, what to do. It holds no secret."""
        self._secrets().hide_in(error)
        match error:
            case UserError():
                return str(error)
            case UnknownFolder():
                return self._folder_message(error)
            case MessagesRefused():
                return self._refusal_message(error)
            case TookTooLong():
                return self._time_message(error)
        return self._connection_fault_message(error)

    def _connection_fault_message(self, error):
        where = {"server": self.server, "port": self.port, "user": self.user, "error": server_words(error)}
        match connection_fault(error):
            case ConnectionFault.NAME:
                return self.env._("There is no server named “%(server)s”. Check the server name. (%(error)s)", **where)
            case ConnectionFault.REFUSED:
                return self.env._(
                    "“%(server)s” refuses connections on port %(port)s. Check the port and the encryption: usual are "
                    "993 (IMAP with TLS), 143 (IMAP), 995 (POP3 with TLS) and 110 (POP3).",
                    **where,
                )
            case ConnectionFault.TIMEOUT if not self.is_ssl:
                return self.env._(
                    "“%(server)s” did not answer on port %(port)s in time. Does this port expect SSL/TLS? Else check "
                    "the port, and that no firewall stands in between. (%(error)s)",
                    **where,
                )
            case ConnectionFault.TIMEOUT:
                return self.env._(
                    "“%(server)s” did not answer on port %(port)s in time. Check the port, and that no firewall stands "
                    "in between. (%(error)s)",
                    **where,
                )
            case ConnectionFault.TOO_SLOW:
                return self.env._(
                    "“%(server)s” on port %(port)s took longer than a visit may take. The messages that came before that "
                    "are stored. Ask the operator of the server why it is slow.",
                    **where,
                )
            case ConnectionFault.ENDLESS:
                return self.env._(
                    "“%(server)s” on port %(port)s sent more than was asked of it, so the connection was closed. Check "
                    "that the server name is right, and ask the operator of the server. (%(error)s)",
                    **where,
                )
            case ConnectionFault.CERTIFICATE:
                return self.env._(
                    "“%(server)s” could not prove who it is: %(error)s. Check that the server name is the one in its "
                    "certificate and that this machine trusts its issuer; to accept any certificate, switch off "
                    "“Verify Certificate”.",
                    **where,
                )
            case ConnectionFault.TLS if self.is_starttls and not self.is_ssl:
                return self.env._(
                    "No encrypted connection to “%(server)s” on port %(port)s by STARTTLS. Does this port expect "
                    "SSL/TLS, or no encryption? (%(error)s)",
                    **where,
                )
            case ConnectionFault.TLS:
                return self.env._(
                    "No encrypted connection to “%(server)s” on port %(port)s. Does this port expect STARTTLS, or no "
                    "encryption? (%(error)s)",
                    **where,
                )
            case ConnectionFault.LOGIN:
                return self.env._(
                    "“%(server)s” does not let “%(user)s” in. Check user name and password. It says: %(error)s", **where
                )
            case ConnectionFault.LOST:
                return self.env._("The connection to “%(server)s” port %(port)s broke: %(error)s", **where)
            case ConnectionFault.REPLY:
                return self.env._("“%(server)s” refused a command. It says: %(error)s", **where)
        return self.env._("Reading “%(server)s” failed: %(error)s", **where)

    def _folder_message(self, error):
        return self.env._(
            "There is no folder “%(folder)s” on “%(server)s”. Folders there: %(existing)s.",
            folder=error.folder,
            server=self.server,
            existing=", ".join(error.existing[:50]),
        )

    def _refusal_message(self, error):
        return self.env._(
            "“%(server)s” does not hand out %(count)s of the messages. All others are read, and these are asked for "
            "again each time. It says: %(error)s",
            server=self.server,
            count=error.count,
            error=str(error),
        )

    def _time_message(self, error):
        return self.env._(
            "Reading “%(server)s” took longer than %(seconds)s seconds. The messages that came before that are stored. A "
            "message of %(size)s could not be read in that time; each visit tries it again.",
            server=self.server,
            seconds=round(error.seconds),
            size=human_size(error.size),
        )
