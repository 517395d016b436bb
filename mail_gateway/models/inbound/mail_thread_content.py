"""How Odoo reads the texts, files and dates of messages."""

from email.message import EmailMessage

from odoo import api, fields, models

from ...tools.delivery import Delivery
from ...tools.tolerant_parsing.dates import read_date
from ...tools.tolerant_parsing.image_references import with_references_found
from ...tools.tolerant_parsing.normalize import normalize_content, normalize_headers
from ...tools.tolerant_parsing.parameters import raw_header
from ...tools.tolerant_parsing.readable import find_remarks
from ...tools.trace import Remarked


class MailThread(models.AbstractModel):
    """Corrects the headers, texts and files of a message before core reads them, and then its date."""

    _inherit = "mail.thread"

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: reads headers in any charset, and returns a date that the database can store.

        Core writes years below 1000 in a form that it can't read again, and uses the time of processing for a missing
        date.
        """
        if isinstance(message, EmailMessage):
            normalize_headers(message)
        msg_dict = super().message_parse(message, save_original=save_original)
        date = read_date(raw_header(message, "date"))
        msg_dict["date"] = fields.Datetime.to_string(date.replace(tzinfo=None) if date else self._time_of_receipt())
        if delivery := Delivery.of(self.env.context):
            delivery.trace.add(Remarked(tuple(find_remarks(delivery.trace.source))))
        return msg_dict

    def _time_of_receipt(self):
        """Return when the message of this delivery was stored; the current time if it was not."""
        delivery = Delivery.of(self.env.context)
        inbound = self.env["mail.inbound.message"].sudo().browse(delivery.request.inbound_id if delivery else 0)
        return inbound.exists().received_date or fields.Datetime.now()

    def _message_parse_extract_payload(self, message, message_dict, save_original=False):
        """Extends core's method: decodes charsets as browsers do, names all files, and lets no text hide another."""
        is_report = message_dict.get("is_bounce") or message.get_content_type() == "multipart/report"
        normalize_content(message, is_report=bool(is_report))
        return super()._message_parse_extract_payload(message, message_dict, save_original=save_original)

    def _message_parse_extract_payload_postprocess(self, message, payload_dict):
        """Extends core's method: finds images by any form of their Content-Id that the HTML uses."""
        cids = [attachment.info.get("cid") for attachment in payload_dict["attachments"] if attachment.info]
        body = with_references_found(payload_dict["body"], [*filter(None, cids)])
        return super()._message_parse_extract_payload_postprocess(message, {**payload_dict, "body": body})
