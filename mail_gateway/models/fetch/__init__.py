"""Incoming mail servers: fetching, positions in IMAP folders, acknowledgements."""

from . import (
    mail_inbound_folder,
    mail_inbound_acknowledgement,
    fetchmail_server,
    fetchmail_server_errors,
    fetchmail_server_fetch,
)
