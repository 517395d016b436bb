"""The messages that a user downloads together."""

import zipfile
from tempfile import TemporaryFile

from odoo import fields, models


class MailInboundExport(models.TransientModel):
    """The messages that a user is about to download, until the browser requests the file."""

    _name = "mail.inbound.export"
    _description = "Export Messages"

    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Messages")

    def _write_zip(self):
        """Write the sources to a .zip file, byte for byte; a file in it lists the messages without source.

        :return: a file open for reading, which the caller closes
        """
        file = TemporaryFile()  # noqa: SIM115 the controller sends it after this method returned
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
