from odoo import api, fields, models

from ...tools.tolerant_parsing.defects import Defect


class MailInboundMessageDefects(models.Model):
    """Why Odoo was given a simpler message than the one that came."""

    _inherit = "mail.inbound.message"

    defects = fields.Text(
        readonly=True,
        help="What is broken in the message. Odoo processed the parts that it could read. If it left out more than a date, "
        "it attached the whole message as original.eml.",
    )

    @api.model
    def _defects_message(self, defects) -> str:
        """A sentence for each.

        :param defects: :class:`~...tools.tolerant_parsing.defects.Defect`
        """
        words = self._defect_sentences()
        return "\n".join(words[defect] for defect in defects)

    def _defect_sentences(self):
        return {
            Defect.HEADERS: self.env._("A header is malformed."),
            Defect.HEAD_SIZE: self.env._("Its headers are larger than any mail program writes them."),
            Defect.RECIPIENTS: self.env._("It names more recipients than can be looked up."),
            Defect.STRUCTURE: self.env._("Its parts are not divided as they should be; it may be cut off."),
            Defect.NESTING: self.env._("Its parts lie within each other too deeply."),
            Defect.PARTS: self.env._("It has more parts than are taken in as attachments."),
            Defect.SIZE: self.env._("It has more lines than are taken in."),
            Defect.CONTENT_TYPE: self.env._("A part is of a kind that Odoo does not read."),
            Defect.ENCODING: self.env._("A part is not encoded as it says, or is cut off."),
            Defect.CHARSET: self.env._(
                "A text is not in the charset that it names, or names none: it was read in the one that fits best."
            ),
            Defect.CHARACTERS: self.env._("A text has characters that no text has."),
            Defect.HTML: self.env._(
                "Its HTML would take too long to make safe: it is attached, and its plain text is shown."
            ),
            Defect.TEXT: self.env._("It has more text than is shown: the rest is attached."),
            Defect.NAMES: self.env._("An attachment had an unsafe name."),
            Defect.DATE: self.env._("Its date is none that a message can have: the time of receipt stands in."),
            Defect.REPEATED: self.env._("Odoo could not process it as it came: only its text was taken."),
        }
