import re

from odoo import api, fields, models
from odoo.tools import SQL

from ..inbound.mail_inbound_message import HELD_UP
from .mail_postmaster_alert import Alert
from .mail_thread import ALERT_MARK

# A report about an alert that came back quotes its head, after some words of its own.
_SEARCHED_BYTES = 256 * 1024
# The headers that name it, of the message itself or in what a report quotes.
_NAMING_HEADERS = re.compile(
    rb"^[> \t]*+(?:(?:[\w-]{1,40}-)?Message-Id|In-Reply-To|References)[ \t]*:([^\r\n]*(?:\r?\n[> \t]*[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_ALERT_ID = re.compile(rb"<[!-;=?-~]{1,200}%s[!-;=?-~]{1,255}>" % re.escape(ALERT_MARK.encode()))
# One names one alert; whoever names hundreds guesses.
_MAX_LOOKED_UP = 50


class MailInboundAlertMessages(models.Model):
    """Messages that postmasters are told of: those that wait for a decision."""

    _inherit = "mail.inbound.message"

    alerted_date = fields.Datetime("Postmasters Told", readonly=True, help="When they were told that it waits.")
    answers_alert = fields.Boolean(
        "About an Alert",
        readonly=True,
        help="An alert that came back, an answer to one, or a report about one. Nobody is told of it.",
    )

    _alerted_index = models.Index("(alerted_date) WHERE alerted_date IS NOT NULL")

    @api.model
    def _values_from_source(self, source: bytes, read=None) -> dict:
        """Extends the method: what is about an alert makes no further one."""
        return {**super()._values_from_source(source, read), "answers_alert": self._is_about_alert(source)}

    @api.model
    def _is_about_alert(self, source: bytes) -> bool:
        """Whether a message names an alert that was sent from here: anybody can write the mark, nobody guesses the rest."""
        searched = source[:_SEARCHED_BYTES]
        if ALERT_MARK.encode() not in searched:
            return False
        named = {found.decode() for lines in _NAMING_HEADERS.findall(searched) for found in _ALERT_ID.findall(lines)}
        # mail that comes in keeps the Message-Id that it brings, but never becomes a notification
        domain = [
            ("message_id", "in", sorted(named)[:_MAX_LOOKED_UP]),
            ("message_type", "=", "user_notification"),
        ]
        return bool(named and self.env["mail.message"].sudo().search_count(domain, limit=1))

    @api.model
    def _told_since(self, date) -> bool:
        """Whether postmasters were told of messages after that time."""
        return bool(self.search_count([("alerted_date", ">", date)], limit=1))

    @api.model
    def _take_untold(self, chosen):
        """The messages that came to wait since postmasters were told, which are marked as told.

        Those that somebody works on have their turn next time. One that was processed again and waits anew is told anew.

        :param chosen: what was told before that time is told anew, in another way
        """
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
        """All messages that wait for a decision."""
        return self.search([("state", "in", HELD_UP), ("answers_alert", "=", False)], limit=limit)

    def _alert(self) -> Alert:
        """What postmasters are told of these messages."""
        if len(self) == 1:
            subject = self.env._("A message waits for a decision: %s", self.display_name)
            values = {"message": self, "reason": (self.reason or "")[:500]}
            return Alert(subject, self._alert_body(**values), self._name, self.id)
        subject = self.env._("%s messages wait for a decision", len(self))
        return Alert(subject, self._alert_body(counts=self._counts_by_cause(), total=len(self._waiting())))

    def _open_alerted(self):
        """An action that opens the only message that waits, or the list of all."""
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action_queue")
        if len(self) == 1:
            form = [view for view in action["views"] if view[1] == "form"]
            return {**action, "res_id": self.id, "views": form, "view_mode": "form"}
        return action

    def _alert_body(self, **values):
        path = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_inbound_message_action_queue")["path"]
        return self.env["ir.qweb"]._render("mail_gateway.alert_messages", {"messages": self, "path": path, **values})

    def _counts_by_cause(self):
        """(cause in words, number of these messages) pairs, the largest number first."""
        labels = dict(self._fields["cause"]._description_selection(self.env))
        groups = self._read_group([("id", "in", self.ids)], ["cause"], ["__count"], order="__count DESC")
        return [(labels.get(cause) or self.env._("Other causes"), count) for cause, count in groups]
