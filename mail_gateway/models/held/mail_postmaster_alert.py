import logging
from datetime import timedelta
from typing import NamedTuple

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.service.model import retrying
from odoo.tools import SQL

from .mail_thread import ALERT

_logger = logging.getLogger(__name__)

HOW_PARAMETER = "mail_gateway.alert"
HOURS_PARAMETER = "mail_gateway.alert_hours"
# model -> the activities that tell of its records
TOLD_OF = {
    "mail.inbound.message": "mail_gateway.mail_activity_type_held",
    "fetchmail.server": "mail_gateway.mail_activity_type_server",
    "mail.inbound.sender.notice": "mail_gateway.mail_activity_type_notices",
}


class Alert(NamedTuple):
    """What is told, in one language.

    :ivar Markup body: HTML
    :ivar model: of the record that it is about; empty when there are several
    """

    subject: str
    body: Markup
    model: str = ""
    res_id: int = 0


class MailPostmasterAlert(models.AbstractModel):
    """Tells postmasters of mail that waits for them, and of incoming servers that fail.

    A scheduled action of its own looks every minute, so that no delivery waits for an alert or fails with it. The first
    message is told at once; what comes later is counted, and told together when the time between two alerts is over.
    """

    _name = "mail.postmaster.alert"
    _description = "Alerts to Postmasters"

    @api.model
    def _run(self):
        """Body of the scheduled action "alert postmasters"."""
        alerts = self.with_user(SUPERUSER_ID)  # whoever an administrator made the user of the scheduled action
        for step in (
            alerts._tell_of_messages,
            alerts._tell_of_servers,
            alerts._tell_of_notices,
            alerts._finish_activities,
        ):
            alerts._do(step)

    def _do(self, step):
        """Take a step in a transaction of its own; one that fails is taken again the next minute."""
        try:
            retrying(step, self.env)
        except Exception:  # noqa: BLE001 whatever it is, the other steps are taken
            self.env.cr.rollback()
            _logger.warning("Postmasters could not be told; it is tried again in a minute", exc_info=True)

    # ------------------------------------------------------------------ steps

    def _tell_of_messages(self):
        messages = self.env["mail.inbound.message"]
        users, chosen = self._people(), self._chosen_date()
        since = max(fields.Datetime.now() - self._interval(), chosen)
        if users and self._lock() and not messages._told_since(since):
            self._tell(users, messages._take_untold(chosen))

    def _tell_of_servers(self):
        users = self._people()
        if users and self._lock():
            since = fields.Datetime.now() - self._interval()
            self._tell(users, self.env["fetchmail.server"]._take_untold(since, self._chosen_date()))

    def _finish_activities(self):
        """The activities of what nobody waits for any more are done."""
        for model in TOLD_OF:
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
        """When it was last chosen how postmasters are told: what waits is told that way, however it was told before."""
        chosen = self.env["ir.config_parameter"].search([("key", "=", HOW_PARAMETER)]).write_date
        # whole seconds, as the times at which they were told
        return chosen.replace(microsecond=0) if chosen else fields.Datetime.from_string("1970-01-01 00:00:00")

    def _people(self):
        """Whom to tell. What nobody could be told of is new to whoever comes."""
        users = self.env["res.users"]
        return users if self._setting(HOW_PARAMETER) == "nothing" else users._postmasters_to_tell()

    def _lock(self) -> bool:
        """Keep other hosts, and whoever runs the scheduled action by hand, from telling the same until the commit."""
        self.env.cr.execute(SQL("SELECT pg_try_advisory_xact_lock(hashtext('mail.postmaster.alert'), 0)"))
        return self.env.cr.fetchone()[0]

    # ------------------------------------------------------------------ telling

    def _tell(self, users, records):
        """Tell people of messages or servers, in their language and time zone.

        :param records: with methods `_waiting` and `_alert`; nobody is told of none
        """
        if not records:
            return
        waiting = records._waiting()  # one activity for all that is to be done
        notified = users.filtered(self._can_be_notified)
        for (lang, tz), group in users.grouped(lambda user: (user.lang, user.tz)).items():
            alerts = self.with_context(lang=lang, tz=tz)
            if reached := group & notified:
                alerts._notify(reached, records.with_env(alerts.env)._alert())
            if others := group - notified:
                alerts._assign(others, records._name, waiting.with_env(alerts.env)._alert())

    def _can_be_notified(self, user):
        """Whether a notification reaches somebody. Who prefers e-mail sees no inbox, and needs an address."""
        reachable = user.notification_type == "inbox" or user.partner_id.email_normalized
        return reachable and self._setting(HOW_PARAMETER) == "notification"

    def _notify(self, users, alert):
        """In the inbox or by e-mail, as each of them prefers; a slow mail server keeps no alert waiting."""
        self.env["mail.thread"].with_context(**ALERT, mail_notify_force_send=False).message_notify(
            subject=alert.subject,
            body=alert.body,
            author_id=self.env.ref("base.partner_root").id,
            partner_ids=users.partner_id.ids,
            model=alert.model,
            res_id=alert.res_id,
            email_add_signature=False,
        )
        # by default the queue would be looked at once an hour
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _assign(self, users, model, alert):
        """One activity for each of them: the one that is still open, or else a new one."""
        values = {"summary": alert.subject, "note": alert.body}
        pending = self._activities(model).filtered(lambda activity: activity.user_id in users)
        pending.write(values)
        kind = {"activity_type_id": self._activity_type(model).id, "automated": True}
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(
            [{**values, **kind, "user_id": user.id} for user in users - pending.user_id]
        )

    def _activities(self, model):
        """The open activities that tell of messages or servers."""
        kind = self._activity_type(model)
        return self.env["mail.activity"].search(
            [("activity_type_id", "=", kind.id), ("automated", "=", True), ("res_model", "=", False)]
        )

    def _activity_type(self, model, *, or_todo=True):
        """The type of the activities that tell of messages or servers.

        :param or_todo: whether it is a to-do when somebody deleted the type, or else none
        """
        own = self.env.ref(TOLD_OF[model], raise_if_not_found=False)
        return own or (self.env.ref("mail.mail_activity_data_todo") if or_todo else self.env["mail.activity.type"])
