import logging
import traceback
from contextlib import suppress
from functools import partial

import psycopg2
from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api, fields, models, modules
from odoo.exceptions import ConcurrencyError, LockError, UserError
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tools import SQL

from ..tools.delivery import Action, Cause, Delivery, Incoming, Route, Unroutable, Verdict
from ..tools.faults import is_passing
from ..tools.retry import MOST_DEFERRALS, MOST_TRIES, delay_after_fault, delay_after_try

_logger = logging.getLogger(__name__)

# what Odoo itself raises when it meets another transaction
PASSING = (ConcurrencyError, LockError)


class MailInboundDelivery(models.Model):
    """From the spool to the record."""

    _inherit = "mail.inbound.message"

    @api.model
    def _run_lane(self):
        """Body of the scheduled actions "lane": deliver what is due, message by message."""
        lane = self.with_user(SUPERUSER_ID)  # whoever an administrator made the user of the scheduled action
        while message := lane._take_next():
            message._deliver()
            # one more may be due: the job goes on until nothing can be taken or its time is up
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    # ------------------------------------------------------------------ taking

    @api.model
    def _take_next(self):
        """Count a try of the next due message and commit that.

        A worker that dies afterwards has used up one try: a message that kills it ends as failed, not in a loop.

        :return: the message, empty when no message is due that no other lane works on
        """
        while True:
            self.env.cr.commit()  # a new snapshot: what other lanes did since counts
            try:
                message = self._lock_next_due()
                if not message:
                    return message
                tries_left = message._count_try()
                self.env.cr.commit()
            except SerializationFailure:
                # another lane committed this very row between our snapshot and our lock
                self.env.cr.rollback()
                continue
            if tries_left:
                return message

    @api.model
    def _lock_next_due(self):
        """Lock the due message that waited longest, but none that follows an undelivered one of its conversation."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT message.id
                  FROM mail_inbound_message message
                 WHERE message.state IN ('received', 'deferred')
                   AND message.next_try <= %s
                   AND NOT EXISTS (
                       SELECT FROM mail_inbound_message earlier
                        WHERE earlier.conversation = message.conversation
                          AND earlier.state IN ('received', 'deferred')
                          AND earlier.next_try IS NOT NULL
                          AND earlier.id < message.id
                   )
              ORDER BY message.next_try, message.id
                 LIMIT 1
                   FOR NO KEY UPDATE SKIP LOCKED
                """,
                fields.Datetime.now(),
            ),
            log_exceptions=False,
        )
        row = self.env.cr.fetchone()
        return self.browse(row and row[0])

    def _count_try(self) -> bool:
        """Raise the number of tries, or set the message aside when they are used up.

        The next try is put off at the same time, so that no other lane takes the message between this commit and
        the lock of the try, and a crash does not repeat itself at once.
        """
        self.invalidate_recordset()
        if self.try_count >= MOST_TRIES:
            self._move_to(
                "failed",
                self.env._(
                    "Tried %s times. Each time the Odoo process that worked on it was stopped or ran out of time. "
                    "The message may be too large or too complicated for it.",
                    self.try_count,
                ),
                cause=Cause.KILLED.value,
            )
            return False
        tries = self.try_count + 1
        self.write({"try_count": tries, "next_try": fields.Datetime.now() + delay_after_try(tries)})
        return True

    # ------------------------------------------------------------------ one try

    def _deliver(self):
        """One try. Any exception rolls back everything but the counted try."""
        self.ensure_one()
        tries = self.try_count
        try:
            # conflicts with other transactions are repeated as Odoo does for requests
            retrying(partial(self._try_delivery, tries), self.env)
        except Exception as error:  # noqa: BLE001 whatever it is, the message stays and says why
            self._settle_error(error, tries)

    def _try_delivery(self, tries):
        """The record and the state are written in the same transaction."""
        if not self._lock_for_try(tries):
            return
        delivery = self._begin()
        self._hand_to_odoo(delivery)
        self._settle(delivery)

    def _begin(self):
        """The delivery of this try; the last one is content with text and the source as an attachment."""
        return Delivery(
            Incoming(self.size, self.id, self.server_id.id or 0),
            queues_mail=True,
            route=self._decided_route(),
            released=self.released,
            plainest=self.try_count >= MOST_TRIES,
        )

    def _lock_for_try(self, tries) -> bool:
        """Take the row lock again; False when somebody else dealt with the message meanwhile."""
        self.invalidate_recordset()
        locked = self.try_lock_for_update(allow_referencing=True)
        return bool(locked) and self.try_count == tries and self.state in ("received", "deferred")

    def _decided_route(self):
        if self.route_alias_id:
            return Route(self.route_alias_id.alias_model_id.model, alias_id=self.route_alias_id.id)
        return Route(self.route_model, self.route_res_id) if self.route_model else None

    def _hand_to_odoo(self, delivery):
        """Odoo's own gateway does the work, with the settings of the incoming server."""
        server, call = self.server_id, self.call or {}
        thread = self.env["mail.thread"].with_context(**{Delivery.KEY: delivery}, default_fetchmail_server_id=server.id)
        thread.message_process(
            call.get("model") or server.object_id.model,
            self._source_bytes(),
            custom_values=call.get("custom_values"),
            save_original=server.original or call.get("save_original", False),
            strip_attachments=(bool(server) and not server.attach) or call.get("strip_attachments", False),
            thread_id=call.get("thread_id"),
        )

    # ------------------------------------------------------------------ the outcome

    def _settle(self, delivery):
        """Write down what became of the message."""
        if delivery.rule:
            self.env["mail.inbound.hit"].sudo()._note(delivery.rule.rule_id, self.id)
        made = self._messages_made(delivery)
        verdict = self._final(delivery.verdict or self._undecided(made))
        record = made.filtered(lambda message: message.model and message.res_id)[:1]
        self._move_to(
            verdict.action.state,
            verdict.reason,
            cause=verdict.cause,
            mail_message_ids=[fields.Command.set(made.ids)],
            res_model=record.model,
            res_id=record.res_id,
            **self._judging_values(delivery),
            **self._telling_values(delivery),
            **self._deferral_values(verdict.action),
            **self._marks(delivery.leads),
        )

    def _final(self, verdict):
        """What a rule deferred often enough is a person's to decide."""
        if verdict.action is Action.DEFER and self.deferral_count >= MOST_DEFERRALS:
            return verdict._replace(action=Action.HOLD)
        return verdict

    def _judging_values(self, delivery):
        """Which rules were asked, and which one decided."""
        return {
            "answers": [answer._asdict() for answer in delivery.answers],
            "rule_id": delivery.rule.rule_id if delivery.rule else False,
            "judged_date": fields.Datetime.now(),
            "flaws": self._words_for_flaws(delivery.flaws) or False,
        }

    def _telling_values(self, delivery):
        """Nobody is told the same twice: what was told is remembered."""
        if not delivery.told:
            return {}
        self.env["mail.inbound.notice"].sudo()._note(delivery.incoming, delivery.verdict.cause)
        return {"told_date": fields.Datetime.now()}

    def _deferral_values(self, action):
        """When a message that a rule defers is looked at again; its try does not count."""
        if action is not Action.DEFER:
            return {}
        return {
            "try_count": max(self.try_count - 1, 0),
            "deferral_count": self.deferral_count + 1,
            "next_try": fields.Datetime.now() + delay_after_fault(self.deferral_count),
        }

    def _marks(self, leads):
        """Which former addresses the message was sent to, and where they led; nothing to write for most messages."""
        if not leads and not self.former_address:
            return {}
        entries = self.env["mail.former.address"].browse({entry for lead in leads for entry in lead.entry_ids}).exists()
        pairs = [f"{lead.address} → {lead.to or self.env._('(nothing)')}" for lead in leads]
        return {
            "former_address": ", ".join(pairs) or False,
            "former_address_ids": [fields.Command.set(entries.ids)],
        }

    def _messages_made(self, delivery):
        """The chatter messages of this Message-Id; of a copy that was delivered only those that no earlier one made."""
        messages = self.env["mail.message"].sudo()
        if not delivery.message_id:
            return messages
        made = messages.search([("message_id", "=", delivery.message_id)], order="id")
        is_duplicate = delivery.verdict and delivery.verdict.cause == "duplicate"
        return made if is_duplicate else made - messages.browse(delivery.incoming.known_ids)

    def _undecided(self, made):
        if made:
            return Verdict(Action.ACCEPT)
        return Verdict(Action.HOLD, self.env._("Odoo's routing neither delivered nor refused this message."))

    def _settle_refused_call(self, error, source):
        """The program that handed the message over gets the error, as core promises, and keeps the message.

        It rolls back, and our row with it: the row is written once more after that. A program that goes on without
        rolling back has the row as it is now. Passing faults leave none: the program repeats the call.

        After a database error nothing may be read any more: that would hide the error.
        """
        if is_passing(error, PASSING):
            return
        reason = self.env._("The program that handed it over was told: %s", error)
        values = {**self._values_from_source(source), "transport": "call"}
        if not isinstance(error, psycopg2.Error):
            self._move_to("rejected", reason)
        if not modules.module.current_test:  # tests roll back all the time
            self.env.cr.postrollback.add(partial(self._leave_refused_call, self.env.cr.dbname, values, reason))

    @staticmethod
    def _leave_refused_call(dbname, values, reason):
        with Registry(dbname).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["mail.inbound.message"].create(values)._move_to("rejected", reason)

    def _settle_error(self, error, tries):
        """Write down a try that failed, in a transaction of its own: that of the try may be beyond use.

        Unless the try did end well: a connection can break after the commit got through, and what runs after a
        commit can fail.
        """
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
        if not isinstance(error, Unroutable):
            _logger.info("Inbound message %s could not be delivered", self.id, exc_info=error)
        with self.pool.cursor() as cr:
            message = self.with_env(self.env(cr=cr))
            if not message._lock_for_try(tries):
                return
            state, reason, values = message._judge_error(error)
            message._move_to(state, reason, detail=self._detail(error), **values)

    @staticmethod
    def _detail(error):
        """Where it happened; a message without a route has nothing to add to its reason."""
        return False if isinstance(error, Unroutable) else "".join(traceback.format_exception(error))

    def _judge_error(self, error):
        """What a failed try means: (state, reason, further values)."""
        now = fields.Datetime.now()
        if isinstance(error, Unroutable):
            return self._judge_unroutable(error)
        if is_passing(error, PASSING) and self.deferral_count < MOST_DEFERRALS:
            # not the message's fault: the try does not count
            return (
                "deferred",
                self._words_for_fault(error),
                {
                    "try_count": self.try_count - 1,
                    "deferral_count": self.deferral_count + 1,
                    "next_try": now + delay_after_fault(self.deferral_count),
                },
            )
        if self.try_count >= MOST_TRIES:
            return "failed", self._words_for_error(error), {"cause": Cause.ERROR.value}
        return "deferred", self._words_for_error(error), {"next_try": now + delay_after_try(self.try_count)}

    def _judge_unroutable(self, error):
        """A mailbox that people share with Odoo gets mail that is none of Odoo's: its server may say so.

        What a person decided about waits for a person.
        """
        shared = self.server_id.unroutable == "discard" and not self.decided_by_id
        quietly = error.cause is Cause.NO_ROUTE and shared
        values = {
            "cause": error.cause.value,
            **self._judging_values(error.delivery),
            **self._marks(error.delivery.leads),
        }
        if quietly:
            words = self.env._("%s Its incoming server discards what nobody can route.", error)
            return "discarded", words, values
        return "held", str(error), values

    def _words_for_fault(self, error):
        return self.env._(
            "The database or the disk was busy or out of reach (%s). It is tried again by itself.",
            type(error).__name__,
        )

    def _words_for_error(self, error):
        if isinstance(error, UserError):
            return self.env._("Odoo refused it: %s", error)
        return self.env._(
            "Odoo could not process this message: an error (%s) occurred. The technical detail tells where.",
            type(error).__name__,
        )
