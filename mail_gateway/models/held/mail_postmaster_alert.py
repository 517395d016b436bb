"""Alerts to postmasters: when, to whom and how Odoo sends them."""

import logging
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.service.model import retrying
from odoo.tools import SQL

from .mail_thread import ALERT

_logger = logging.getLogger(__name__)

HOW_PARAMETER = "mail_gateway.alert"
HOURS_PARAMETER = "mail_gateway.alert_hours"
# models with mail.postmaster.alert.mixin, in the order in which Odoo looks at them -> the type of their activities
ALERT_ACTIVITY_TYPES = {
    "mail.inbound.message": "mail_gateway.mail_activity_type_held",
    "fetchmail.server": "mail_gateway.mail_activity_type_server",
    "mail.inbound.sender.notice": "mail_gateway.mail_activity_type_notices",
}


class Alert(NamedTuple):
    """The text of an alert, in one language.

    :ivar body: HTML
    :ivar model: of the record that the alert is about; empty when there are several
    """

    subject: str
    body: Markup
    model: str = ""
    res_id: int = 0


class MailPostmasterAlert(models.AbstractModel):
    """Notifies postmasters of messages that wait for them, of incoming servers that fail, and of too many notices.

    A scheduled action of its own looks every minute, so that no delivery waits for an alert or fails with it. Odoo sends
    the first alert about messages at once. It counts later messages, and sends one alert about all of them when the time
    between two alerts is over.
    """

    _name = "mail.postmaster.alert"
    _description = "Alerts to Postmasters"

    @api.model
    def _run(self):
        """Body of the scheduled action "alert postmasters"."""
        alerts = self.with_user(SUPERUSER_ID)  # an administrator may have changed the user of the scheduled action
        for model in ALERT_ACTIVITY_TYPES:
            alerts._do(partial(alerts._alert_about, model))
        alerts._do(alerts._finish_activities)

    def _do(self, step):
        """Take a step in a transaction of its own; Odoo repeats one that fails in the next minute."""
        try:
            retrying(step, self.env)
        except Exception:  # noqa: BLE001 whatever it is, the other steps are taken
            self.env.cr.rollback()
            _logger.warning("Odoo could not alert postmasters; it tries again in a minute", exc_info=True)

    # ------------------------------------------------------------------ steps

    def _alert_about(self, model):
        """Send the alert that is due about the records of a model, if any."""
        users = self._recipients()
        if users and self._lock():
            since = fields.Datetime.now() - self._interval()
            self._send(users, self.env[model]._take_unalerted(since, self._chosen_date()))

    def _finish_activities(self):
        """Mark the activities about models of which no record needs attention any more as done."""
        for model in ALERT_ACTIVITY_TYPES:
            activities = self._activities(model)
            if activities and not self.env[model]._waiting(limit=1):
                activities._action_done()

    # ------------------------------------------------------------------ who and when

    def _setting(self, key):
        return self.env["ir.config_parameter"]._get_mail_parameter(key)

    def _interval(self) -> timedelta:
        """The least time between two alerts."""
        return timedelta(hours=self._setting(HOURS_PARAMETER))

    def _chosen_date(self):
        """When an administrator last chose the kind of alert: Odoo repeats older alerts in that kind."""
        chosen = self.env["ir.config_parameter"].search([("key", "=", HOW_PARAMETER)]).write_date
        # whole seconds, like alerted_date
        return chosen.replace(microsecond=0) if chosen else fields.Datetime.from_string("1970-01-01 00:00:00")

    def _recipients(self):
        """The users to alert; nobody when alerts are switched off."""
        users = self.env["res.users"]
        return users if self._setting(HOW_PARAMETER) == "nothing" else users._alert_recipients()

    def _lock(self) -> bool:
        """Keep other hosts, and people who run the scheduled action, from sending the same alert until the commit."""
        self.env.cr.execute(SQL("SELECT pg_try_advisory_xact_lock(hashtext('mail.postmaster.alert'), 0)"))
        return self.env.cr.fetchone()[0]

    # ------------------------------------------------------------------ sending

    def _send(self, users, records):
        """Alert users about records, in their language and time zone.

        :param records: of a model with mail.postmaster.alert.mixin; without records nothing is sent
        """
        if not records:
            return
        waiting = records._waiting()  # one activity stands for all records that need attention
        notified = users.filtered(self._can_be_notified)
        for (lang, tz), group in users.grouped(lambda user: (user.lang, user.tz)).items():
            alerts = self.with_context(lang=lang, tz=tz)
            if reached := group & notified:
                alerts._notify(reached, records.with_env(alerts.env)._alert())
            if others := group - notified:
                alerts._assign(others, records._name, waiting.with_env(alerts.env)._alert())

    def _can_be_notified(self, user):
        """Whether a notification reaches a user: users who prefer e-mail see no inbox, and need an address."""
        reachable = user.notification_type == "inbox" or user.partner_id.email_normalized
        return reachable and self._setting(HOW_PARAMETER) == "notification"

    def _notify(self, users, alert):
        """Notify users in their inbox or by e-mail, as each prefers, without waiting for the mail server."""
        self.env["mail.thread"].with_context(**ALERT, mail_notify_force_send=False).message_notify(
            subject=alert.subject,
            body=alert.body,
            author_id=self.env.ref("base.partner_root").id,
            partner_ids=users.partner_id.ids,
            model=alert.model,
            res_id=alert.res_id,
            email_add_signature=False,
        )
        # by default Odoo processes the queue once an hour
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _assign(self, users, model, alert):
        """Give each user one activity: update an open one, or create one."""
        values = {"summary": alert.subject, "note": alert.body}
        pending = self._activities(model).filtered(lambda activity: activity.user_id in users)
        pending.write(values)
        kind = {"activity_type_id": self._activity_type(model).id, "automated": True}
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(
            [{**values, **kind, "user_id": user.id} for user in users - pending.user_id]
        )

    def _activities(self, model):
        """The open activities about the records of a model."""
        kind = self._activity_type(model)
        return self.env["mail.activity"].search(
            [("activity_type_id", "=", kind.id), ("automated", "=", True), ("res_model", "=", False)]
        )

    def _activity_type(self, model, *, or_todo=True):
        """The type of the activities about the records of a model.

        :param or_todo: whether to return the type To-Do when somebody deleted the type; else an empty recordset
        """
        own = self.env.ref(ALERT_ACTIVITY_TYPES[model], raise_if_not_found=False)
        return own or (self.env.ref("mail.mail_activity_data_todo") if or_todo else self.env["mail.activity.type"])
