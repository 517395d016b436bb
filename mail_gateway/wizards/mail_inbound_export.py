import zipfile
from tempfile import TemporaryFile

from odoo import fields, models
from odoo.exceptions import UserError

MAX_BYTES = 500 * 1024 * 1024
_MEGABYTE = 1024 * 1024


class MailInboundExport(models.TransientModel):
    """Remembers which messages somebody is about to download, until the browser asks for them."""

    _name = "mail.inbound.export"
    _description = "Export Messages"

    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Messages")

    def _write_zip(self):
        """The sources as a .zip file, byte for byte; messages without source are listed in it.

        :return: a file open for reading, which the caller closes
        """
        file = TemporaryFile()  # noqa: SIM115 it is sent after this method ended
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            missing = []
            for message in self.inbound_message_ids:
                source = message._source_bytes()
                if source:
                    archive.writestr(f"{message.id}_{message.source_filename}", source)
                else:
                    missing.append(f"{message.id} {message.display_name}")
                message.invalidate_recordset(["source"])  # one at a time in memory
            if missing:
                archive.writestr("deleted_sources.txt", "\n".join(missing))
        file.seek(0)
        return file


class MailInboundMessage(models.Model):
    """What is downloaded of one message, and of many."""

    _inherit = "mail.inbound.message"

    def action_export(self):
        """Download the sources: of one message as .eml, of many as a .zip of them.

        :raises UserError: when there is none, or there are too many for one file
        """
        self._as_postmaster()
        if not self.with_context(bin_size=True).filtered("source"):
            raise UserError(self.env._("The sources of these messages were deleted already."))
        if len(self) == 1:
            url = f"/web/content/{self._name}/{self.id}/source/{self.source_filename}?download=true"
        else:
            url = f"/mail_gateway/inbound/export/{self._export().id}"
        return {"type": "ir.actions.act_url", "url": url, "target": "self"}

    def _export(self):
        size = sum(self.mapped("size"))
        if size > MAX_BYTES:
            words = {"size": size // _MEGABYTE, "most": MAX_BYTES // _MEGABYTE}
            raise UserError(
                self.env._("That would be %(size)s MB; %(most)s MB go into one file. Choose fewer.", **words)
            )
        return self.env["mail.inbound.export"].create({"inbound_message_ids": [fields.Command.set(self.ids)]})
