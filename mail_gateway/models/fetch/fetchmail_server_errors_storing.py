import psycopg2

from odoo import models

from ...tools.faults import ConnectionFault, connection_fault
from ...tools.fetch.mailbox_errors import NotStored, server_words


class FetchmailServerErrorsStoring(models.Model):
    """What went wrong here, while messages of a mail server were stored."""

    _inherit = "fetchmail.server"

    def _connection_message(self, error):
        """Extends the method: not everything that goes wrong is the mail server's fault."""
        match error:
            case NotStored():
                return self.env._(
                    "The database does not accept %(count)s of the messages on “%(server)s” (%(error)s). All others are "
                    "stored. These stay on the mail server, and Odoo tries again at each visit. The log says more.",
                    count=len(error.errors),
                    server=self.server,
                    error=str(error),
                )
            case MemoryError():
                return self.env._(
                    "Odoo ran out of memory while it read “%s”. The messages that came before that are stored. Give Odoo "
                    "more memory, or lower Largest Message.",
                    self.server,
                )
            case psycopg2.Error():
                return self.env._(
                    "The database could not store what was read from “%(server)s” (%(error)s). The messages stay on the "
                    "mail server, and Odoo tries again at each visit.",
                    server=self.server,
                    error=type(error).__name__,
                )
            case _ if not server_words(error) and connection_fault(error) is ConnectionFault.OTHER:
                return self.env._(
                    "Reading “%(server)s” failed with an error without words (%(error)s). The log says more.",
                    server=self.server,
                    error=type(error).__name__,
                )
        return super()._connection_message(error)
