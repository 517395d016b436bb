from odoo import api, fields, models

from ..tools.mailbox import FolderPosition
from ..tools.uid_set import format_uids, parse_uids
from .bounded_char import BoundedChar


class MailInboundFolder(models.Model):
    """How far an IMAP folder has been read, so that nothing depends on who read a message first."""

    _name = "mail.inbound.folder"
    _description = "Position in an IMAP Folder"
    _rec_name = "folder"

    server_id = fields.Many2one("fetchmail.server", required=True, readonly=True, ondelete="cascade")
    account = BoundedChar(required=True, readonly=True)
    folder = BoundedChar(required=True, readonly=True)
    # UIDs go up to 2**32 - 1 (RFC 3501), more than an integer column holds
    uid_validity = fields.Char(string="UIDVALIDITY", required=True, readonly=True)
    last_uid = fields.Char(string="Last UID", required=True, readonly=True)
    backlog = fields.Text(readonly=True, help="UIDs up to the last one that are still to be stored.")
    generation = fields.Integer(readonly=True, help="How often the UIDs of the folder were given out anew before.")

    _folder_unique = models.UniqueIndex("(server_id, account, folder)")

    @api.model
    def _find(self, server, account, folder):
        return self.search([("server_id", "=", server.id), ("account", "=", account), ("folder", "=", folder)])

    def _as_position(self):
        """The plain value, None for an empty recordset."""
        if not self:
            return None
        return FolderPosition(
            self.account,
            self.folder,
            int(self.uid_validity),
            int(self.last_uid),
            parse_uids(self.backlog or ""),
            self.generation,
        )

    @api.model
    def _remember(self, server, position: FolderPosition):
        """Write down how far a folder is read."""
        found = self._find(server, position.account, position.folder)
        values = {
            "uid_validity": str(position.uid_validity),
            "last_uid": str(position.last_uid),
            "backlog": format_uids(position.backlog),
            "generation": position.generation,
        }
        if not found:
            self.create({"server_id": server.id, "account": position.account, "folder": position.folder, **values})
        elif found._as_position() != position:
            found.write(values)
