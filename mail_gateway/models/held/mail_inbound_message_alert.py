"""Alerts about held and failed messages, and how Odoo recognizes messages about alerts."""

import re

from odoo import api, fields, models
from odoo.tools import SQL

from ..inbound.mail_inbound_message import HELD_UP
from .mail_postmaster_alert import Alert
from .mail_thread import ALERT_MARK

# A report about an alert that came back quotes its headers after a text of its own.
_SEARCHED_BYTES = 256 * 1024
# The headers that name an alert, of the message itself or in what a report quotes.
_NAMING_HEADERS = re.compile(
    rb"^[> \t]*+(?:(?:[\w-]{1,40}-)?Message-Id|In-Reply-To|References)[ \t]*:([^\r\n]*(?:\r?\n[> \t]*[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_ALERT_ID = re.compile(rb"<[!-;=?-~]{1,200}%s[!-;=?-~]{1,255}>" % re.escape(ALERT_MARK.encode()))
# A genuine message names one alert. A message that names hundreds tries to guess one.
_MAX_LOOKED_UP = 50


class MailInboundMessage(models.Model):
    """Alerts postmasters about messages that wait for a decision."""

    _name = "mail.inbound.message"
    _inherit = ["mail.inbound.message", "mail.postmaster.alert.mixin"]

    _alert_action = "mail_gateway.mail_inbound_message_action_queue"

    answers_alert = fields.Boolean(
        "About an Alert",
        readonly=True,
        help="This message is an alert that came back, an answer to one, or a report about one. It alerts nobody.",
    )

    _alerted_index = models.Index("(alerted_date) WHERE alerted_date IS NOT NULL")

    @api.model
    def _values_from_source(self, source: bytes, read=None) -> dict:
        """Extends the method: marks messages about alerts, which cause no further alert."""
        return {**super()._values_from_source(source, read), "answers_alert": self._is_about_alert(source)}

    @api.model
    def _is_about_alert(self, source: bytes) -> bool:
        """Whether a message names an alert that Odoo sent: anybody can write the mark, but not guess the rest of the id.

        :param source: the message as it came
        """
        searched = source[:_SEARCHED_BYTES]
        if ALERT_MARK.encode() not in searched:
            return False
        named = {found.decode() for lines in _NAMING_HEADERS.findall(searched) for found in _ALERT_ID.findall(lines)}
        # an incoming message keeps its Message-Id, but is never stored as a notification
        domain = [
            ("message_id", "in", sorted(named)[:_MAX_LOOKED_UP]),
            ("message_type", "=", "user_notification"),
        ]
        return bool(named and self.env["mail.message"].sudo().search_count(domain, limit=1))

    @api.model
    def _take_unalerted(self, since, chosen):
        """Implements the method: held and failed messages, together once the time between two alerts is over.

        It skips rows that another transaction has locked; the next call takes them. It takes a message again that was
        processed again and is held again.
        """
        if self.search_count([("alerted_date", ">", max(since, chosen))], limit=1):
            return self.browse()
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE mail_inbound_message SET alerted_date = greatest(%s, done_date)
                 WHERE id IN (
                       SELECT id FROM mail_inbound_message
                        WHERE state IN ('held', 'failed')
                          AND (alerted_date IS NULL OR alerted_date < greatest(done_date, %s))
                          AND answers_alert IS NOT TRUE
                          FOR NO KEY UPDATE SKIP LOCKED
                       )
             RETURNING id
                """,
                fields.Datetime.now(),
                chosen,
            )
        )
        self.invalidate_model(["alerted_date"])
        return self.browse(sorted(row[0] for row in self.env.cr.fetchall()))

    @api.model
    def _waiting(self, limit=None):
        """Implements the method: all messages that wait for a decision."""
        return self.search([("state", "in", HELD_UP), ("answers_alert", "=", False)], limit=limit)

    def _alert(self) -> Alert:
        """Implements the method: describes one message by its reason, and several by their causes."""
        if len(self) == 1:
            subject = self.env._("A message waits for a decision: %s", self.display_name)
            values = {"message": self, "reason": (self.reason or "")[:500]}
            return Alert(subject, self._alert_body(**values), self._name, self.id)
        subject = self.env._("%s messages wait for a decision", len(self))
        return Alert(subject, self._alert_body(counts=self._counts_by_cause(), total=len(self._waiting())))

    def _alert_body(self, **values):
        path = self.env["ir.actions.act_window"]._for_xml_id(self._alert_action)["path"]
        return self.env["ir.qweb"]._render("mail_gateway.alert_messages", {"messages": self, "path": path, **values})

    def _counts_by_cause(self):
        """Return (label of a cause, number of these messages) pairs, the largest number first."""
        labels = dict(self._fields["cause"]._description_selection(self.env))
        groups = self._read_group([("id", "in", self.ids)], ["cause"], ["__count"], order="__count DESC")
        return [(labels.get(cause) or self.env._("Other Causes"), count) for cause, count in groups]
