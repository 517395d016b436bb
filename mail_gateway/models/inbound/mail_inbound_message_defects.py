"""The defects of messages, as sentences."""

from odoo import api, fields, models

from ...tools.tolerant_parsing.defects import Defect


class MailInboundMessage(models.Model):
    """Explains why Odoo processed a simpler message than the one that arrived."""

    _inherit = "mail.inbound.message"

    defects = fields.Text(
        readonly=True,
        help="Defects of the message. Odoo processed the parts that it could read. If it left out more than a date, "
        "it attached the whole message as original.eml.",
    )

    @api.model
    def _defects_message(self, defects) -> str:
        """Return one sentence for each defect.

        :param defects: :class:`~...tools.tolerant_parsing.defects.Defect`
        """
        words = self._defect_sentences()
        return "\n".join(words[defect] for defect in defects)

    def _defect_sentences(self):
        return {
            Defect.HEADERS: self.env._("A header is malformed."),
            Defect.HEAD_SIZE: self.env._("Its headers are too large."),
            Defect.RECIPIENTS: self.env._("It has too many recipients."),
            Defect.STRUCTURE: self.env._("Its parts are not separated correctly; it may be incomplete."),
            Defect.NESTING: self.env._("Its parts are nested too deeply."),
            Defect.PARTS: self.env._("It has more parts than Odoo accepts as attachments."),
            Defect.SIZE: self.env._("It has more lines than Odoo accepts."),
            Defect.CONTENT_TYPE: self.env._("A part has a content type that Odoo can't read."),
            Defect.ENCODING: self.env._("A part is encoded incorrectly, or incomplete."),
            Defect.CHARSET: self.env._(
                "A text names no charset, or the wrong one. Odoo read it in the charset that fits best."
            ),
            Defect.CHARACTERS: self.env._("A text contains invalid characters."),
            Defect.HTML: self.env._(
                "Odoo would need too long to make its HTML safe. The HTML is attached, and its plain text is shown."
            ),
            Defect.TEXT: self.env._("It has more text than Odoo shows. The rest is attached."),
            Defect.NAMES: self.env._("An attachment had an unsafe name."),
            Defect.DATE: self.env._("Its date is invalid. Odoo shows the time of receipt instead."),
            Defect.REPEATED: self.env._("Odoo could not process it as it came, and used its text only."),
        }
