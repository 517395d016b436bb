"""Settings of incoming mail servers, and the connection that they describe."""

import logging
import poplib
from imaplib import IMAP4

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...tools.fetch.fetch_mailbox import open_mailbox
from ...tools.fetch.mailbox_errors import MailboxProblem
from ...tools.fetch.mailbox_settings import MAX_BYTES, MailboxSettings
from ...tools.fetch.recorded_login import LoginRecorder
from ...tools.policy import Action, Stage
from ...tools.session_log import SessionLog
from .mailbox_store import InboundMailboxStore

_logger = logging.getLogger(__name__)

COUNTED_STATES = {"held": "held_count", "failed": "failed_count"}


class FetchmailServer(models.Model):
    """Says what to read on an incoming mail server, what to do with it afterwards, and how safely to connect."""

    _inherit = "fetchmail.server"

    # core shows the password to every user who may read the server
    password = fields.Char(groups="base.group_system")
    verify_certificate = fields.Boolean(
        default=True,
        help="Connect only if the server proves its name with a certificate that this machine trusts. Switch it off only "
        "for a server whose certificate can't be replaced.",
    )
    is_starttls = fields.Boolean(
        "STARTTLS",
        help="Encrypt the connection on the unencrypted port, before the login. Use it without SSL/TLS only.",
    )
    folder = fields.Char(
        string="Folders",
        default="INBOX",
        help="IMAP folders to read, separated by commas. Write a subfolder as the server does, for example INBOX/Orders "
        "or INBOX.Orders.",
    )
    imap_afterwards = fields.Selection(
        [("seen", "Mark as Read"), ("move", "Move to a Folder"), ("delete", "Delete from the Server")],
        string="After Fetching",
        default="seen",
        help="What Odoo does with a message on the mail server once it is stored here.",
    )
    imap_move_to = fields.Char("Move To", help="The IMAP folder that Odoo moves stored messages to.")
    pop_afterwards = fields.Selection(
        [("delete", "Delete from the Server"), ("leave", "Leave on the Server")],
        string="After Fetching (POP3)",
        default="delete",
        help="What Odoo does with a message on the mail server once it is stored here.",
    )
    unroutable = fields.Selection(
        [("hold", "Hold"), ("discard", "Discard Silently")],
        "Unroutable Messages",
        default="hold",
        help="What Odoo does with messages that are no reply, match no alias, and create no record.\n"
        "Hold: a postmaster is notified, and decides.\n"
        "Discard Silently: for a mailbox that people share with Odoo. The message stays listed, with its source.",
    )
    last_success = fields.Datetime(readonly=True, copy=False)
    last_fetch_count = fields.Integer("New in Last Fetch", readonly=True, copy=False)
    # keys of the messages with which the last fetches ended, see tools/fetch/time_budget.py
    suspect_keys = fields.Json("Last Requested Keys", readonly=True, copy=False, groups="base.group_system")
    inbound_count = fields.Integer("Stored", compute="_compute_inbound_count")
    held_count = fields.Integer("Held", compute="_compute_held_up_counts")
    failed_count = fields.Integer("Failed", compute="_compute_held_up_counts")

    def _compute_inbound_count(self):
        counts = self.env["mail.inbound.message"]._read_group(
            [("server_id", "in", self.ids)], ["server_id"], ["__count"]
        )
        counted = dict(counts)
        for server in self:
            server.inbound_count = counted.get(server._origin, 0)

    def _compute_held_up_counts(self):
        """Count held and failed messages, which an index finds fast; the list view does not need the number of all."""
        counts = self.env["mail.inbound.message"]._read_group(
            [("server_id", "in", self.ids), ("state", "in", list(COUNTED_STATES))], ["server_id", "state"], ["__count"]
        )
        counted = {(server, state): count for server, state, count in counts}
        for server in self:
            for state, name in COUNTED_STATES.items():
                server[name] = counted.get((server._origin, state), 0)

    @api.constrains("folder", "imap_afterwards", "imap_move_to", "server_type")
    def _check_folders(self):
        for server in self.filtered(lambda s: s.server_type != "local" and s._get_connection_type() == "imap"):
            folders = server._folders()
            if not folders:
                raise ValidationError(
                    self.env._("Enter at least one folder to read on “%s”, for example INBOX.", server.name)
                )
            if server.imap_afterwards != "move":
                continue
            if not (server.imap_move_to or "").strip():
                raise ValidationError(self.env._("Enter the folder that messages of “%s” are moved to.", server.name))
            if server._move_to() in folders:
                raise ValidationError(
                    self.env._(
                        "Odoo reads the folder “%s”, so it can't move messages there. Enter another one.",
                        server.imap_move_to,
                    )
                )

    def _folders(self):
        names = dict.fromkeys(self._folder_name(name) for name in (self.folder or "").split(","))
        return tuple(name for name in names if name)

    def _move_to(self):
        return self._folder_name(self.imap_move_to or "")

    @staticmethod
    def _folder_name(name):
        """Return the name of a folder; only INBOX is the same in upper and lower case (RFC 3501, section 5.1)."""
        name = name.strip()
        return "INBOX" if name.upper() == "INBOX" else name

    # ------------------------------------------------------------------ connecting

    def _mailbox_settings(self):
        """Return plain values for a network thread.

        OAuth tokens are fetched here. The login that core's hook performs is recorded, and the thread repeats it.

        :rtype: mail_gateway.tools.fetch.mailbox_settings.MailboxSettings
        :raises UserError: when an OAuth module can't get a token
        """
        self.ensure_one()
        protocol, secrets = self._get_connection_type(), self._secrets()
        return MailboxSettings(
            protocol=protocol,
            host=(self.server or "").strip(),
            port=self.port,
            user=self.user or "",
            log_in=self._record_login(protocol).replay,
            tls=self.is_ssl,
            starttls=self.is_starttls,
            verify_certificate=self.verify_certificate,
            folders=self._folders(),
            afterwards=(self.imap_afterwards or "seen") if protocol == "imap" else (self.pop_afterwards or "delete"),
            move_to=self._move_to(),
            secrets=secrets,
            log=SessionLog("fetch", str(self.id or ""), lambda: secrets),
            largest=self._max_bytes(),
        )

    def _max_bytes(self):
        """Return from how many bytes on only the headers are fetched: a rule would stop the message for its size."""
        limit = self.env["mail.check.size"]._most_bytes()
        rules = self.env["mail.inbound.rule"].sudo()._active_rules().get(Stage.SOURCE, ())
        applies = any(rule.check == "size" and Action(rule.action).stops for rule in rules)
        return min(limit, MAX_BYTES) if applies else MAX_BYTES

    def _record_login(self, protocol):
        recorder = LoginRecorder()
        if protocol == "imap":
            self._imap_login__(recorder)
        else:
            recorder.login(self.user or "", self.password or "")
        return recorder

    def _connect__(self, allow_archived=False):  # noqa: PLW3201 core's name
        """Replaces core's method: the connection reads by UID and UIDL, and verifies certificates.

        :return: a mailbox of tools/; it has core's `disconnect()`
        :raises UserError: when the server is archived, unless `allow_archived`
        :raises OSError, imaplib.IMAP4.error, poplib.error_proto, MailboxProblem: when there is no connection
        """
        self.ensure_one()
        if not allow_archived and not self.active:
            raise UserError(self.env._("The server “%s” can't be used because it is archived.", self.display_name))
        return open_mailbox(self._mailbox_settings())

    def button_confirm_login(self):
        """Replaces core's method: it also looks for the folders, records which messages are old, and explains failures.

        :raises UserError: when the server can't be used as configured
        """
        self.check_access("write")
        for server in self:
            try:
                with server._secrets().hiding():
                    mailbox = server._connect__(allow_archived=True)
                    try:
                        mailbox.check()
                        mailbox.remember(InboundMailboxStore(server, durable=False))
                    finally:
                        mailbox.disconnect()
            except (OSError, EOFError, UnicodeError, IMAP4.error, poplib.error_proto, MailboxProblem) as error:
                _logger.info("Incoming mail server %s: %s", server.name, error)
                raise UserError(server._connection_message(error)) from error
            server.state = "done"
        return True

    # ------------------------------------------------------------------ messages

    def action_open_inbound(self):
        """List the messages of this server; `inbound_state` in the context is a state to filter by.

        :return: an action
        :raises AccessError: for users who may not read the server
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action")
        state = self.env.context.get("inbound_state")
        action["domain"] = [("server_id", "=", self.id)]
        action["context"] = {f"search_default_{state}": 1} if state else {}
        return action
