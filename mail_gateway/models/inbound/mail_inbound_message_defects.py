from odoo import api, fields, models

from ...tools.tolerant_parsing.defects import Flaw


class MailInboundFlaws(models.Model):
    """Why Odoo was given a simpler message than the one that came."""

    _inherit = "mail.inbound.message"

    flaws = fields.Text(
        "Not as It Came",
        readonly=True,
        help="Defects of the message. Odoo processed the parts that it could read. If more than a date was left out, the "
        "whole message is attached as original.eml.",
    )

    @api.model
    def _words_for_flaws(self, flaws) -> str:
        """A sentence for each.

        :param flaws: :class:`~...tools.tolerant_parsing.defects.Flaw`
        """
        words = self._flaw_sentences()
        return "\n".join(words[flaw] for flaw in flaws)

    def _flaw_sentences(self):
        return {
            Flaw.HEADERS: self.env._("A header is malformed."),
            Flaw.HEAD_SIZE: self.env._("Its headers are larger than any mail program writes them."),
            Flaw.RECIPIENTS: self.env._("It names more recipients than can be looked up."),
            Flaw.STRUCTURE: self.env._("Its parts are not divided as they should be; it may be cut off."),
            Flaw.NESTING: self.env._("Its parts lie within each other too deeply."),
            Flaw.PARTS: self.env._("It has more parts than are taken in as attachments."),
            Flaw.SIZE: self.env._("It has more lines than are taken in."),
            Flaw.CONTENT_TYPE: self.env._("A part is of a kind that Odoo does not read."),
            Flaw.ENCODING: self.env._("A part is not encoded as it says, or is cut off."),
            Flaw.CHARSET: self.env._(
                "A text is not in the charset that it names, or names none: it was read in the one that fits best."
            ),
            Flaw.CHARACTERS: self.env._("A text has characters that no text has."),
            Flaw.HTML: self.env._(
                "Its HTML would take too long to make safe: it is attached, and its plain text is shown."
            ),
            Flaw.TEXT: self.env._("It has more text than is shown: the rest is attached."),
            Flaw.NAMES: self.env._("An attachment had an unsafe name."),
            Flaw.DATE: self.env._("Its date is none that a message can have: the time of receipt stands in."),
            Flaw.REPEATED: self.env._("Odoo could not process it as it came: only its text was taken."),
        }
