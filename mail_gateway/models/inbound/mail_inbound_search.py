"""The text that the search box searches."""

from odoo import api, fields, models
from odoo.fields import Domain

from ...tools.text.search_text import search_text


def _trigrams_of_text(registry):
    """Return the definition of the index; without the extension pg_trgm there is none, and a search reads all rows."""
    return "USING gin (text gin_trgm_ops)" if registry.has_trigram else ""


class MailInboundSearch(models.Model):
    """The searched text of a message: its sender, recipients, subject and Message-Id.

    The text has a table of its own, because PostgreSQL rewrites the row of a message with each change of its state, and
    would add the hundreds of trigrams of its texts to the index again each time. The text is in lower case and without
    accents, because LIKE is several times as fast as ILIKE. PostgreSQL does not take that into account when it chooses
    between an index and reading all rows.
    """

    _name = "mail.inbound.search"
    _description = "Searched Text of an Inbound Message"
    _log_access = False

    inbound_message_id = fields.Many2one("mail.inbound.message", required=True, readonly=True, ondelete="cascade")
    text = fields.Text(readonly=True)

    _message_unique = models.UniqueIndex("(inbound_message_id)")
    _text_index = models.Index(_trigrams_of_text)

    @api.model
    def _messages_with(self, words):
        """Return a query for the ids of the messages whose text contains `words`, in which % and _ are wildcards."""
        # sudo: mail.inbound.search - ids only; the access rules of the messages decide which ones a user may read
        return self.sudo()._search([("text", "like", search_text(words))]).subselect("inbound_message_id")


class MailInboundMessage(models.Model):
    """Finds messages by the words in the search box."""

    _inherit = "mail.inbound.message"

    search_text = fields.Char(
        "Sender, Recipient, Subject or Message-Id",
        compute="_compute_search_text",
        search="_search_search_text",
        exportable=False,
    )

    # fields that never change once a message is stored, unless _correct() changes them
    _SEARCHED = ("email_from", "recipients", "subject", "message_id")

    @api.depends(*_SEARCHED)
    def _compute_search_text(self):
        for message in self:
            message.search_text = search_text(*(message[name] for name in self._SEARCHED))

    @api.model
    def _search_search_text(self, operator, value):
        if operator not in ("ilike", "like") or not isinstance(value, str):
            return NotImplemented
        return Domain("id", "in", self.env["mail.inbound.search"]._messages_with(value))

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: stores the searched text, too."""
        messages = super().create(vals_list)
        self.env["mail.inbound.search"].sudo().create(
            [{"inbound_message_id": message.id, "text": message.search_text} for message in messages]
        )
        return messages
