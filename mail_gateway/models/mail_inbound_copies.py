from odoo import api, models
from odoo.fields import Domain
from odoo.tools.mail import email_split

from ..tools.addresses import normalize_address


class MailInboundCopies(models.Model):
    """What came in before under the same Message-Id, by another mailbox say."""

    _inherit = "mail.inbound.message"

    @api.model
    def _earlier_copies(self, delivery):
        """Messages with the same Message-Id that are done with: their record exists, or their sender was told.

        Bounces leave no chatter message, refused ones neither. A program that hands one of these over once more means it,
        as with Odoo's own gateway; what ended in an error there was never processed.
        """
        copies = Domain("message_id", "=", delivery.message_id) & Domain("id", "!=", delivery.incoming.inbound_id)
        fetched = Domain("transport", "!=", "call")
        done = Domain("state", "=", "delivered") & (fetched | Domain("mail_message_ids", "!=", False))
        refused = Domain("state", "=", "rejected") & Domain("told_date", "!=", False) & fetched
        return self.search(copies & (done | refused), order="id", limit=20)

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
