"""Positions in IMAP folders: how far Odoo has read them."""

from odoo import api, fields, models

from ...tools.fetch.folder_position import FolderPosition
from ...tools.fetch.imap_uid_set import UidSet
from ..bounded_char import BoundedChar


class MailInboundFolder(models.Model):
    """The position in an IMAP folder, so that a message is fetched even if a person read it first."""

    _name = "mail.inbound.folder"
    _description = "Position in an IMAP Folder"
    _rec_name = "folder"

    server_id = fields.Many2one("fetchmail.server", required=True, readonly=True, ondelete="cascade")
    account = BoundedChar(required=True, readonly=True)
    folder = BoundedChar(required=True, readonly=True)
    # UIDs go up to 2**32 - 1 (RFC 3501), more than an integer column holds
    uid_validity = fields.Char(string="UIDVALIDITY", required=True, readonly=True)
    last_uid = fields.Char(string="Last UID", required=True, readonly=True)
    # megabytes on the first visit to a large mailbox; only the fetch needs it
    backlog = fields.Text(
        readonly=True, prefetch=False, help="UIDs up to the last one that had to be stored when this was written."
    )
    passed_uid = fields.Char(
        "Backlog Stored up to UID", readonly=True, help="Messages of the backlog up to this UID are stored."
    )
    owed = fields.Text("Pending UIDs", readonly=True, help="Further UIDs that still have to be stored.")
    generation = fields.Integer(
        readonly=True, help="How often the mail server has renumbered the folder (UIDVALIDITY)."
    )

    _folder_unique = models.UniqueIndex("(server_id, account, folder)")

    @api.model
    def _find(self, server, account, folder):
        return self.search([("server_id", "=", server.id), ("account", "=", account), ("folder", "=", folder)])

    def _as_position(self):
        """Return the plain value; None for an empty recordset."""
        if not self:
            return None
        return FolderPosition(
            self.account,
            self.folder,
            int(self.uid_validity),
            int(self.last_uid),
            UidSet.parse(self.backlog or ""),
            self.generation,
            int(self.passed_uid or 0),
            frozenset(UidSet.parse(self.owed or "")),
        )

    @api.model
    def _remember(self, server, position: FolderPosition, known: FolderPosition | None = None):
        """Store how far a folder has been read.

        :param server: fetchmail.server
        :param position: the new position
        :param known: the position that was stored last; the same backlog is not written again
        """
        if position == known:
            return
        found = self._find(server, position.account, position.folder)
        values = {
            "uid_validity": str(position.uid_validity),
            "last_uid": str(position.last_uid),
            "passed_uid": str(position.passed),
            "owed": str(UidSet(position.owed)),
            "generation": position.generation,
        }
        if not (found and known and known.backlog is position.backlog):
            values["backlog"] = str(position.backlog)
        if not found:
            self.create({"server_id": server.id, "account": position.account, "folder": position.folder, **values})
        else:
            found.write(values)
