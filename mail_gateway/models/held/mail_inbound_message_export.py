"""The download of sources of messages."""

from odoo import fields, models
from odoo.exceptions import UserError

_MEGABYTE = 1024 * 1024
# the sources in one .zip file, in bytes
MAX_EXPORT_BYTES = 500 * _MEGABYTE


class MailInboundMessage(models.Model):
    """The download of one source, or of many."""

    _inherit = "mail.inbound.message"

    def action_export(self):
        """Download the sources: of one message as .eml, of many as a .zip of .eml files.

        :return: an action that opens the URL of the file
        :raises AccessError: when the user is no postmaster
        :raises UserError: when all sources are deleted, or there are too many for one file
        """
        self._as_postmaster()
        if not self.with_context(bin_size=True).filtered("source"):
            raise UserError(self.env._("The sources of these messages are deleted already."))
        if len(self) == 1:
            url = f"/web/content/{self._name}/{self.id}/source/{self.source_filename}?download=true"
        else:
            url = f"/mail_gateway/inbound/export/{self._export().id}"
        return {"type": "ir.actions.act_url", "url": url, "target": "self"}

    def _export(self):
        size = sum(self.mapped("size"))
        if size > MAX_EXPORT_BYTES:
            words = {"size": size // _MEGABYTE, "limit": MAX_EXPORT_BYTES // _MEGABYTE}
            raise UserError(
                self.env._(
                    "These messages have %(size)s MB together, and one file can have %(limit)s MB. Choose fewer messages.",
                    **words,
                )
            )
        return self.env["mail.inbound.export"].create({"inbound_message_ids": [fields.Command.set(self.ids)]})
