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
# Rows that count all notices, and those that say that there were too many: no address looks like that.
ALL = "*"
TOO_MANY = "!"
# A sender is told no more often than that within the period of the limits, whatever they send.
MAX_NOTICES = 3
# Beyond it text does not make a repetition another message.
_COMPARED_CHARS = 50_000
_HOUR = timedelta(hours=1)


class MailInboundSenderNotice(models.Model):
    """What a sender was told about a message: that it is refused, or waits. Nobody is told the same twice (D1, D2).

    A notice goes to the topmost Return-Path, else to the From. Both count: programs vary either. Numbered by whom it went
    to, so that two lanes never tell the same address at the same time; all of them are counted together as well, since a
    forged message may name anybody.
    """

    _name = "mail.inbound.sender.notice"
    _description = "Notice to the Sender of Incoming Mail"
    _order = "id desc"

    told = BoundedChar(required=True, readonly=True, help="The address that the notice went to.")
    sender = BoundedChar(readonly=True, index=True, help="The address in the From of the message.")
    number = fields.Integer(required=True, readonly=True)
    alerted_date = fields.Datetime(readonly=True, help="When postmasters were told that there were too many notices.")
    cause = BoundedChar(readonly=True, index=True)
    fingerprint = BoundedChar(readonly=True, index=True, help="The same for repetitions of the message.")

    _number_unique = models.UniqueIndex("(told, number)")
    _age_index = models.Index("(create_date)")

    @api.model
    def _note(self, incoming: CheckInput, cause):
        """Note that the sender of a message was told."""
        told, sender = self._addresses_of(incoming)
        values = {"sender": sender, "cause": cause, "fingerprint": self._fingerprint_of(incoming)}
        self.flush_model()
        add_numbered(self.env.cr, self._table, {"told": told}, values)
        add_numbered(self.env.cr, self._table, {"told": ALL}, {})

    @api.model
    def _was_refused_the_same(self, incoming) -> bool:
        """Whether the same sender was told that the same subject and text is refused."""
        same = Domain("fingerprint", "=", self._fingerprint_of(incoming)) & Domain("cause", "=", Cause.REFUSED.value)
        return bool(self._count(same, 1))

    @api.model
    def _was_told_often(self, incoming) -> bool:
        """Whether the same sender was told so often that no person can be at the other end."""
        return self._count(self._domain_of(incoming), MAX_NOTICES) == MAX_NOTICES

    @api.model
    def _was_told_that(self, incoming, cause) -> bool:
        """Whether the same sender was told for this cause."""
        return bool(self._count(self._domain_of(incoming) & Domain("cause", "=", cause), 1))

    def _count(self, domain, limit):
        since = self.env["mail.inbound.created.record"]._period_start()
        return self.search_count(Domain("create_date", ">=", since) & domain, limit=limit)

    def _domain_of(self, incoming):
        told, sender = self._addresses_of(incoming)
        return Domain("told", "=", told) | Domain("sender", "=", sender)

    def _addresses_of(self, incoming):
        """Who is told, and who wrote."""
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
        """How many notices are sent within an hour."""
        return self.env["ir.config_parameter"]._get_mail_parameter(LIMIT_PARAMETER)

    @api.model
    def _is_limit_reached(self) -> bool:
        """Whether as many notices were sent within the last hour as are allowed: one look into an index."""
        oldest_that_counts = self.search_fetch(
            [("told", "=", ALL)], ["create_date"], order="number desc", offset=self._limit() - 1, limit=1
        )
        return bool(oldest_that_counts) and oldest_that_counts.create_date >= fields.Datetime.now() - _HOUR

    @api.model
    def _note_limit(self):
        """Note that there were too many, for the alert; once for as long as postmasters want to hear nothing more."""
        since = fields.Datetime.now() - self._alert_interval()
        if not self.search_count([("told", "=", TOO_MANY), ("create_date", ">=", since)], limit=1):
            self.flush_model()
            add_numbered(self.env.cr, self._table, {"told": TOO_MANY}, {})

    def _alert_interval(self):
        return max(_HOUR, self.env["mail.postmaster.alert"]._interval())

    @api.autovacuum
    def _gc_notices(self):
        """Forget what nobody asks for any more."""
        since = min(
            self.env["mail.inbound.created.record"]._period_start(), fields.Datetime.now() - self._alert_interval()
        )
        old = self.search([("create_date", "<", since)], order="create_date", limit=GC_UNLINK_LIMIT)
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
