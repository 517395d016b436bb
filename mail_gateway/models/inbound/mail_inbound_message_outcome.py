import logging
import traceback
from contextlib import suppress
from datetime import timedelta
from functools import partial

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models, modules
from odoo.exceptions import AccessError, ConcurrencyError, LockError, MissingError, UserError
from odoo.modules.registry import Registry

from ...tools.delivery import Unroutable
from ...tools.faults import is_passing
from ...tools.policy import Action, Cause, Verdict
from ...tools.retry import MAX_DEFERRALS, MAX_TRIES, delay_after_fault, delay_after_try

_logger = logging.getLogger(__name__)

# Calls of one user within an hour that ended in an error and are listed.
MAX_REFUSED_CALLS = 100
# characters
_MAX_REASON = 2000

# what Odoo itself raises when it meets another transaction
PASSING = (ConcurrencyError, LockError)


def _is_refusal(error) -> bool:
    """Whether Odoo says in words why it does not take something; a record that is missing may be there the next time."""
    return isinstance(error, UserError) and not isinstance(error, MissingError)


class MailInboundOutcome(models.Model):
    """What became of a message in a try, written down."""

    _inherit = "mail.inbound.message"

    # of a message whose program keeps it
    _WITHOUT_SOURCE = {"source": False, "call": False}

    def _settle(self, delivery):
        """Write down what became of the message."""
        if delivery.rule:
            self.env["mail.inbound.rule.hit"].sudo()._note(delivery.rule.rule_id, self.id)
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
            **self._marks(delivery.redirects),
        )

    def _final(self, verdict):
        """What a rule deferred often enough is a person's to decide."""
        if verdict.action is Action.DEFER and self.deferral_count >= MAX_DEFERRALS:
            return verdict._replace(action=Action.HOLD)
        return verdict

    def _judging_values(self, delivery):
        """Which rules were asked, and which one decided."""
        return {
            "rule_results": [result._asdict() for result in delivery.rule_results],
            "rule_id": delivery.rule.rule_id if delivery.rule else False,
            "judged_date": fields.Datetime.now(),
            "identity": delivery.identity or False,
            "defects": self._defects_message(delivery.defects + delivery.remarks) or False,
        }

    def _telling_values(self, delivery):
        return {"told_date": fields.Datetime.now()} if delivery.told else {}

    def _deferral_values(self, action):
        """When a message that a rule defers is looked at again; its try does not count."""
        if action is not Action.DEFER:
            return {}
        return {
            "try_count": max(self.try_count - 1, 0),
            "deferral_count": self.deferral_count + 1,
            "next_try": fields.Datetime.now() + delay_after_fault(self.deferral_count),
        }

    def _marks(self, redirects):
        """Which former addresses the message was sent to, and where they led; nothing to write for most messages."""
        if not redirects and not self.former_address:
            return {}
        entries = (
            self.env["mail.former.address"]
            .browse({entry for redirect in redirects for entry in redirect.entry_ids})
            .exists()
        )
        pairs = [f"{redirect.address} → {redirect.to or self.env._('(nothing)')}" for redirect in redirects]
        return {
            "former_address": ", ".join(pairs) or False,
            "former_address_ids": [fields.Command.set(entries.ids)],
        }

    def _messages_made(self, delivery):
        """The chatter messages of this Message-Id; of a copy that was delivered only those that no earlier one made."""
        messages = self.env["mail.message"].sudo()
        if not delivery.stored_id:
            return messages
        made = messages.search([("message_id", "=", delivery.stored_id)], order="id")
        is_duplicate = delivery.verdict and delivery.verdict.cause == "duplicate"
        return made if is_duplicate else made - messages.browse(delivery.incoming.known_ids)

    def _undecided(self, made):
        if made:
            return Verdict(Action.ACCEPT)
        return Verdict(Action.HOLD, self.env._("Odoo's routing neither delivered nor refused this message."))

    # ------------------------------------------------------------------ tries that failed

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
        if isinstance(error, AccessError):
            # nothing but a person can give a right
            return "held", self._missing_right_message(error), {"cause": Cause.NOT_ALLOWED.value}
        if is_passing(error, PASSING) and self.deferral_count < MAX_DEFERRALS:
            # not the message's fault: the try does not count
            return (
                "deferred",
                self._fault_message(error),
                {
                    "try_count": self.try_count - 1,
                    "deferral_count": self.deferral_count + 1,
                    "next_try": now + delay_after_fault(self.deferral_count),
                },
            )
        if _is_refusal(error):
            return self._judge_refusal(error)
        if self.try_count >= MAX_TRIES:
            return "failed", self._error_message(error), {"cause": Cause.ERROR.value}
        return "deferred", self._error_message(error), {"next_try": now + delay_after_try(self.try_count)}

    def _judge_refusal(self, error):
        """A refusal in words does not pass by itself: the last try follows at once, and then a person decides.

        What Odoo refuses for what it contains is delivered by that try, which takes its text only.
        """
        if self.try_count >= MAX_TRIES:
            return "held", self._error_message(error), {"cause": Cause.REFUSED.value}
        next_try = fields.Datetime.now() + delay_after_try(1)
        return "deferred", self._error_message(error), {"try_count": MAX_TRIES - 1, "next_try": next_try}

    def _judge_unroutable(self, error):
        """A mailbox that people share with Odoo gets mail that is none of Odoo's: its server may say so.

        What a person decided about waits for a person.
        """
        shared = self.server_id.unroutable == "discard" and not self.decided_by_id
        quietly = error.cause is Cause.NO_ROUTE and shared
        values = {
            "cause": error.cause.value,
            **self._judging_values(error.delivery),
            **self._marks(error.delivery.redirects),
        }
        if quietly:
            words = self.env._("%s Its incoming server discards what nobody can route.", error)
            return "discarded", words, values
        return "held", str(error), values

    def _fault_message(self, error):
        return self.env._(
            "The database or the disk was busy or out of reach (%s). It is tried again by itself.",
            type(error).__name__,
        )

    def _missing_right_message(self, error):
        return self.env._(
            "Odoo was not allowed to deliver it: %s\nGive the right, then process the message again.", error
        )

    def _error_message(self, error):
        if isinstance(error, UserError):
            return self.env._("Odoo refused it: %s", error)
        return self.env._(
            "Odoo could not process this message: an error (%s) occurred. The technical detail tells where.",
            type(error).__name__,
        )

    # ------------------------------------------------------------------ calls of programs

    def _settle_refused_call(self, error, source):
        """The program that handed the message over gets the error, as core promises, and keeps the message.

        It rolls back, and our row with it: the row is written once more after that. A program that goes on without
        rolling back has the row as it is now. Passing faults leave none: the program repeats the call.

        Nothing can be piled up that way: the row has no source, and there are only so many of them.

        After a database error nothing may be read any more: that would hide the error.
        """
        if is_passing(error, PASSING):
            return
        reason = self.env._("The program that handed it over was told: %s", error)[:_MAX_REASON]
        values = {**self._values_from_source(source), **self._WITHOUT_SOURCE, "transport": "call"}
        if not isinstance(error, psycopg2.Error):
            values["caller_id"] = self.caller_id.id
            self._move_to("rejected", reason, **self._WITHOUT_SOURCE)
        if not modules.module.current_test:  # tests roll back all the time
            self.env.cr.postrollback.add(partial(self._leave_refused_call, self.env.cr.dbname, values, reason))

    @staticmethod
    def _leave_refused_call(dbname, values, reason):
        with Registry(dbname).cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["mail.inbound.message"]._add_refused_call(values, reason)

    @api.model
    def _add_refused_call(self, values, reason):
        """Add the row of a call that ended in an error, unless the caller left many within the last hour."""
        since = fields.Datetime.now() - timedelta(hours=1)
        domain = [
            ("caller_id", "=", values.get("caller_id", False)),
            ("received_date", ">=", since),
            ("state", "=", "rejected"),
            ("transport", "=", "call"),
        ]
        if self.search_count(domain, limit=MAX_REFUSED_CALLS) >= MAX_REFUSED_CALLS:
            _logger.info("A message that a program handed over was refused; it is not listed: %s", reason)
            return self.browse()
        refused = self.create(values)
        refused._move_to("rejected", reason)
        return refused
