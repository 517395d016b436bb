from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext
from odoo.tools.constants import GC_UNLINK_LIMIT
from odoo.tools.mail import decode_message_header

from ..tools.addresses import counted_address
from ..tools.delivery import Cause, Incoming
from ..tools.fingerprint import fingerprint
from .bounded_char import BoundedChar
from .numbered_rows import add_numbered

# A sender is told no more often than that within the period of the limits, whatever they send.
MOST_NOTICES = 3
# Beyond it text does not make a repetition another message.
_COMPARED_CHARS = 50_000


class MailInboundNotice(models.Model):
    """What a sender was told about a message: that it is refused, or waits. Nobody is told the same twice (D1, D2).

    A notice goes to the Return-Path, else to the From. Both count: programs vary either. Numbered by whom it went to, so
    that two lanes never tell the same address at the same time.
    """

    _name = "mail.inbound.notice"
    _description = "Notice to the Sender of Incoming Mail"
    _order = "id desc"

    told = BoundedChar(required=True, readonly=True, help="The address that the notice went to.")
    sender = BoundedChar(readonly=True, index=True, help="The address in the From of the message.")
    number = fields.Integer(required=True, readonly=True)
    cause = BoundedChar(readonly=True, index=True)
    fingerprint = BoundedChar(readonly=True, index=True, help="The same for repetitions of the message.")

    _number_unique = models.UniqueIndex("(told, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _note(self, incoming: Incoming, cause):
        """Note that the sender of a message was told."""
        self.flush_model()
        add_numbered(
            self.env.cr,
            self._table,
            {"told": self._addresses_of(incoming)[0]},
            {"sender": self._addresses_of(incoming)[1], "cause": cause, "fingerprint": self._fingerprint_of(incoming)},
        )

    @api.model
    def _was_refused_the_same(self, incoming) -> bool:
        """Whether the same sender was told that the same subject and text is refused."""
        same = Domain("fingerprint", "=", self._fingerprint_of(incoming)) & Domain("cause", "=", Cause.REFUSED.value)
        return bool(self._count(same, 1))

    @api.model
    def _was_told_often(self, incoming) -> bool:
        """Whether the same sender was told so often that no person can be at the other end."""
        return self._count(self._domain_of(incoming), MOST_NOTICES) == MOST_NOTICES

    @api.model
    def _was_told_that(self, incoming, cause) -> bool:
        """Whether the same sender was told for this cause."""
        return bool(self._count(self._domain_of(incoming) & Domain("cause", "=", cause), 1))

    def _count(self, domain, limit):
        since = self.env["mail.inbound.creation"]._period_start()
        return self.search_count(Domain("create_date", ">=", since) & domain, limit=limit)

    def _domain_of(self, incoming):
        told, sender = self._addresses_of(incoming)
        return Domain("told", "=", told) | Domain("sender", "=", sender)

    def _addresses_of(self, incoming):
        """Whom core tells (mail.thread._routing_create_bounce_email), and who wrote."""
        sender = counted_address(incoming.values["email_from"]) or "?"
        return counted_address(decode_message_header(incoming.message, "Return-Path")) or sender, sender

    def _fingerprint_of(self, incoming):
        values = incoming.values
        text = html2plaintext((values.get("body") or "")[:_COMPARED_CHARS])
        return fingerprint(values["email_from"], values.get("subject") or "", text)

    @api.autovacuum
    def _gc_notices(self):
        """Forget what nobody asks for any more."""
        since = self.env["mail.inbound.creation"]._period_start()
        old = self.search([("create_date", "<", since)], order="create_date", limit=GC_UNLINK_LIMIT)
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
