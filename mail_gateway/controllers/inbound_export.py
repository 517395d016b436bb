"""The download of several messages."""

from werkzeug.exceptions import NotFound
from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.http import content_disposition, request


class InboundExport(http.Controller):
    """Serves sources of inbound messages to users who may read them."""

    @http.route(
        "/mail_gateway/inbound/export/<int:export_id>", type="http", auth="user", methods=["GET"], readonly=True
    )
    def export(self, export_id):
        """Send the messages that a postmaster chose, as a .zip of .eml files.

        :param int export_id: of the mail.inbound.export
        :raises NotFound: unless the user chose them and is still a postmaster
        """
        export = request.env["mail.inbound.export"].browse(export_id).exists()
        if not self._may_download(export):
            raise NotFound()
        headers = [
            ("Content-Type", "application/zip"),
            ("Content-Disposition", content_disposition("messages.zip")),
            ("X-Content-Type-Options", "nosniff"),
        ]
        file = wrap_file(request.httprequest.environ, export._write_zip())
        response = request.make_response(file, headers)
        response.direct_passthrough = True
        return response

    @staticmethod
    def _may_download(export):
        """Whether the user chose the messages, and may still read them."""
        is_own = bool(export) and export.has_access("read") and export.create_uid == export.env.user
        return is_own and export.inbound_message_ids.has_access("read")
