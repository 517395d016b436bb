"""The notices that Odoo sent to senders, and their limits."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext
from odoo.tools.constants import GC_UNLINK_LIMIT

from ...tools.classify.fingerprint import fingerprint
from ...tools.classify.notice_recipient import notice_address
from ...tools.headers.addresses import counted_address
from ...tools.policy import Cause, CheckInput
from ..bounded_char import BoundedChar
from ..numbered_rows import add_numbered

LIMIT_PARAMETER = "mail_gateway.notice_limit"
# In place of an address, since no address looks like these: in rows that count all notices, and in rows that record that
# their limit was reached.
ALL = "*"
TOO_MANY = "!"
# Notices to one sender within the period of the limits, whatever they send.
MAX_NOTICES = 3
# Messages that differ only after so many characters count as the same.
_COMPARED_CHARS = 50_000
_HOUR = timedelta(hours=1)


class MailInboundSenderNotice(models.Model):
    """A notice to a sender that Odoo refused or holds a message. Nobody gets the same notice twice (D1, D2).

    A notice goes to the topmost Return-Path, else to the From. Both addresses count, because programs vary either. Rows
    are numbered by recipient, so that two lanes never notify the same address at the same time; all notices are counted
    together as well, since a forged message may name anybody.
    """

    _name = "mail.inbound.sender.notice"
    _description = "Notice to the Sender of Incoming Mail"
    _order = "id desc"

    told = BoundedChar("Notified Address", required=True, readonly=True, help="The address that the notice went to.")
    sender = BoundedChar(readonly=True, index=True, help="The address in the From of the message.")
    number = fields.Integer(required=True, readonly=True)
    cause = BoundedChar(readonly=True, index=True)
    fingerprint = BoundedChar(readonly=True, index=True, help="The same for repetitions of one message.")

    _number_unique = models.UniqueIndex("(told, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _note(self, incoming: CheckInput, cause):
        """Record that Odoo notified the sender of a message.

        :param str cause: why
        """
        told, sender = self._addresses_of(incoming)
        values = {"sender": sender, "cause": cause, "fingerprint": self._fingerprint_of(incoming)}
        self.flush_model()
        add_numbered(self.env.cr, self._table, {"told": told}, values)
        add_numbered(self.env.cr, self._table, {"told": ALL}, {})

    @api.model
    def _was_refused_the_same(self, incoming) -> bool:
        """Whether Odoo notified the same sender that it refused the same subject and text."""
        same = Domain("fingerprint", "=", self._fingerprint_of(incoming)) & Domain("cause", "=", Cause.REFUSED.value)
        return bool(self._count(same, 1))

    @api.model
    def _was_told_often(self, incoming) -> bool:
        """Whether the same sender got so many notices that no person can be at the other end."""
        return self._count(self._domain_of(incoming), MAX_NOTICES) == MAX_NOTICES

    @api.model
    def _was_told_that(self, incoming, cause) -> bool:
        """Whether Odoo notified the same sender for this cause."""
        return bool(self._count(self._domain_of(incoming) & Domain("cause", "=", cause), 1))

    def _count(self, domain, limit):
        since = self.env["mail.inbound.created.record"]._period_start()
        return self.search_count(Domain("create_date", ">=", since) & domain, limit=limit)

    def _domain_of(self, incoming):
        told, sender = self._addresses_of(incoming)
        return Domain("told", "=", told) | Domain("sender", "=", sender)

    def _addresses_of(self, incoming):
        """Return (address that a notice goes to, address in the From), both in the form that limits count."""
        author = incoming.values["email_from"]
        sender = counted_address(author) or "?"
        return counted_address(notice_address(incoming.message, author)) or sender, sender

    def _fingerprint_of(self, incoming):
        values = incoming.values
        text = html2plaintext((values.get("body") or "")[:_COMPARED_CHARS])
        return fingerprint(values["email_from"], values.get("subject") or "", text)

    # ------------------------------------------------------------------ all senders together

    @api.model
    def _limit(self) -> int:
        """Return the number of notices that Odoo may send within an hour."""
        return self.env["ir.config_parameter"]._get_mail_parameter(LIMIT_PARAMETER)

    @api.model
    def _is_limit_reached(self) -> bool:
        """Whether Odoo sent as many notices within the last hour as it may, by one look-up in an index."""
        oldest_that_counts = self.search_fetch(
            [("told", "=", ALL)], ["create_date"], order="number desc", offset=self._limit() - 1, limit=1
        )
        return bool(oldest_that_counts) and oldest_that_counts.create_date >= fields.Datetime.now() - _HOUR

    @api.model
    def _note_limit(self):
        """Record for the alert that the limit was reached, once within the time between two alerts."""
        since = fields.Datetime.now() - self._alert_interval()
        if not self.search_count([("told", "=", TOO_MANY), ("create_date", ">=", since)], limit=1):
            self.flush_model()
            add_numbered(self.env.cr, self._table, {"told": TOO_MANY}, {})

    def _alert_interval(self):
        return max(_HOUR, self.env["mail.postmaster.alert"]._interval())

    @api.autovacuum
    def _gc_notices(self):
        """Delete rows that no limit counts any more."""
        since = min(
            self.env["mail.inbound.created.record"]._period_start(), fields.Datetime.now() - self._alert_interval()
        )
        old = self.search([("create_date", "<", since)], order="create_date", limit=GC_UNLINK_LIMIT)
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
