"""The dialog that imports .eml files."""

from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.eml_import import MAX_BYTES, MAX_FILES, FileProblem, unpack

# Bad files that an error names; it only counts further ones.
_MAX_NAMED = 20
_MEGABYTE = 1024 * 1024


class MailInboundImport(models.TransientModel):
    """Imports .eml files that a user uploads, as if they had just come in."""

    _name = "mail.inbound.import"
    _description = "Import Messages"

    file_ids = fields.Many2many(
        "ir.attachment", string="Files", help="Any number of .eml files, or .zip files with .eml files."
    )
    server_id = fields.Many2one(
        "fetchmail.server",
        "Treat as Fetched From",
        help="Odoo applies the settings of this incoming mail server: which record it creates, and what it does with "
        "attachments and unroutable messages. Without a server, only aliases and replies lead to records.",
    )

    def action_import(self):
        """Store every message; lanes deliver them in a moment.

        :return: an action that lists them
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a file contains no message; nothing is imported then, so that no file is missed unnoticed
        """
        self.ensure_one()
        self.check_access("read")
        self.env["mail.inbound.message"]._as_postmaster()
        if not self.file_ids:
            raise UserError(self.env._("Choose the files to import."))
        found = unpack([(file.name, self._content_of(file)) for file in self.file_ids])
        if bad := [each for each in found if each.problem]:
            raise UserError(self._bad_files_message(bad))
        messages = self._store(found)
        # the messages contain the files now; attachments of other records stay
        self.file_ids.filtered(lambda file: file.res_model == self._name).unlink()
        return self._list(messages)

    def _content_of(self, file):
        """Return the path of an uploaded file, or its content if that is stored in the database."""
        file.check_access("read")
        # sudo: ir.attachment - the name of the file, whose content the user may read
        stored = file.sudo()
        path = stored.store_fname and Path(stored._full_path(stored.store_fname))
        return path if path and path.is_file() else stored.raw or b""

    def _store(self, found):
        """Store the messages, with only one at a time in memory."""
        inbound = self.env["mail.inbound.message"].sudo()
        messages = inbound
        for each in found:
            messages += inbound._create_all_or_each([self._values_of(each)])
            self.env.invalidate_all()
        inbound._wake_lanes()
        return messages

    def _values_of(self, found):
        values = self.env["mail.inbound.message"]._values_from_source(found.source)
        return {**values, "transport": "import", "server_id": self.server_id.id}

    def _list(self, messages):
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action")
        title = self.env._("Imported Messages")
        return {
            **action,
            "domain": [("id", "in", messages.ids)],
            "context": {},
            "name": title,
            "display_name": title,
        }

    # ------------------------------------------------------------------ bad files

    def _bad_files_message(self, bad):
        lines = [f"{each.name}: {self._file_problems()[each.problem]}" for each in bad[:_MAX_NAMED]]
        if more := len(bad) - len(lines):
            lines.append(self.env._("and %s more", more))
        return "\n".join(
            [self.env._("Nothing was imported. Remove or repair these files, then import again:"), "", *lines]
        )

    @api.model
    def _file_problems(self):
        limits = {"megabytes": MAX_BYTES // _MEGABYTE, "files": MAX_FILES}
        return {
            FileProblem.EMPTY: self.env._("it is empty."),
            FileProblem.NO_MESSAGE: self.env._("it is no e-mail: it does not start with the headers of an e-mail."),
            FileProblem.OUTLOOK: self.env._(
                "it is in Outlook's own format (.msg). Save it as .eml, or forward it as an attachment."
            ),
            FileProblem.BROKEN_ZIP: self.env._("the archive is damaged."),
            FileProblem.ENCRYPTED: self.env._("it is protected by a password."),
            FileProblem.COMPRESSION: self.env._(
                "it is compressed with a method that Odoo does not support. Create the archive again with Deflate."
            ),
            FileProblem.NESTED: self.env._("it is an archive within an archive."),
            FileProblem.TOO_MUCH: self.env._(
                "this file exceeds the limit of %(megabytes)s MB or %(files)s messages. Import the files in several steps.",
                **limits,
            ),
        }
