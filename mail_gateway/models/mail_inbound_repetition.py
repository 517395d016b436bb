from odoo import api, fields, models
from odoo.tools import html2plaintext
from odoo.tools.mail import email_split

from ..tools.addresses import author_address, normalize_address
from ..tools.fingerprint import fingerprint

# A sender is told no more often than that within the period of the limits, whatever they send.
MOST_NOTICES = 3
# Beyond it text does not make a repetition another message.
_COMPARED_CHARS = 50_000


class MailInboundRepetition(models.Model):
    """What came in before: copies of a message, repetitions of its text, and what senders were told."""

    _inherit = "mail.inbound.message"

    told_date = fields.Datetime(
        "Sender Told", readonly=True, help="When the sender was told that it is refused or waits."
    )
    told_cause = fields.Char(readonly=True)
    fingerprint = fields.Char(
        readonly=True, index="btree_not_null", help="The same for repetitions. Kept when the sender was told something."
    )

    _told_index = models.Index("(sender, told_date) WHERE told_date IS NOT NULL")

    # ------------------------------------------------------------------ copies

    @api.model
    def _earlier_copies(self, incoming, message_id):
        """Messages with the same Message-Id that are done with. Bounces leave no chatter message, refused ones neither."""
        domain = [("message_id", "=", message_id), ("state", "in", ("delivered", "rejected"))]
        return self.search([*domain, ("id", "!=", incoming.inbound_id)], order="id", limit=20)

    def _aliases_named(self):
        """The aliases that these messages were sent to."""
        return self._aliases_among(*self.mapped("recipients"))

    @api.model
    def _aliases_among(self, *recipients):
        """The aliases that headers name, or named before they were renamed."""
        addresses = {normalize_address(address) for text in recipients for address in email_split(text or "")} - {None}
        leads = self.env["mail.former.address"]._leads(addresses)
        current = {leads[address].to if address in leads else address for address in addresses}
        return self.env["mail.alias"]._named_by(current - {"", None})

    # ------------------------------------------------------------------ what senders were told

    @api.model
    def _fingerprint_of(self, incoming):
        values = incoming.values
        text = html2plaintext((values.get("body") or "")[:_COMPARED_CHARS])
        return fingerprint(values["email_from"], values.get("subject") or "", text)

    @api.model
    def _was_told(self, incoming, *domain, limit=1):
        """How often senders of such messages were told something within the period of the limits."""
        since = self.env["mail.inbound.creation"]._period_start()
        return self.search_count([("told_date", ">=", since), ("id", "!=", incoming.inbound_id), *domain], limit=limit)

    @api.model
    def _was_told_the_same(self, incoming) -> bool:
        """Whether the same sender was told about the same subject and text."""
        return bool(self._was_told(incoming, ("fingerprint", "=", self._fingerprint_of(incoming))))

    @api.model
    def _was_told_often(self, incoming) -> bool:
        """Whether the same sender was told so often that no person can be at the other end."""
        sender = author_address(incoming.values["email_from"])
        return self._was_told(incoming, ("sender", "=", sender), limit=MOST_NOTICES) == MOST_NOTICES

    @api.model
    def _was_told_that(self, incoming, cause) -> bool:
        """Whether the same sender was told for this cause."""
        sender = author_address(incoming.values["email_from"])
        return bool(self._was_told(incoming, ("sender", "=", sender), ("told_cause", "=", cause)))

    @api.model
    def _telling_values(self, delivery):
        """What to write down about a notice; nothing when there was none."""
        if not delivery.told:
            return {}
        return {
            "told_date": fields.Datetime.now(),
            "told_cause": delivery.verdict.cause,
            "fingerprint": self._fingerprint_of(delivery.incoming),
        }
