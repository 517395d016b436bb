"""What became of an inbound message in a try, written down and logged."""

import logging
import time
import traceback
from contextlib import suppress
from datetime import timedelta
from functools import partial

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, LockError, MissingError, UserError
from odoo.modules.registry import Registry

from ...tools.delivery import Delivery, Unroutable
from ...tools.faults import is_passing
from ...tools.outcome import Failure, FailureKind, Sentence, outcome_of
from ...tools.text.database_text import as_text
from ...tools.trace import Made

_logger = logging.getLogger(__name__)

# Calls of one user within an hour that ended in an error and are listed.
MAX_REFUSED_CALLS = 100
# characters
_MAX_REASON = 2000

# what Odoo itself raises when it meets another transaction
PASSING = (ConcurrencyError, LockError)


def failure_of(error) -> Failure:
    """An exception, as the policy sees it."""
    detail = "".join(traceback.format_exception(error))
    values = {"words": str(error), "error": type(error).__name__, "is_temporary": is_passing(error, PASSING)}
    match error:
        case Unroutable():
            # a message without a route has nothing to add to its reason
            return Failure(FailureKind.UNROUTABLE, **values, cause=error.cause)
        case AccessError():
            kind = FailureKind.MISSING_RIGHT
        case UserError() if not isinstance(error, MissingError):  # a missing record may be there the next time
            kind = FailureKind.REFUSED
        case _:
            kind = FailureKind.ERROR
    return Failure(kind, **values, detail=detail)


class MailInboundMessage(models.Model):
    """What became of a message in a try, written down."""

    _inherit = "mail.inbound.message"

    # of a message whose program keeps it
    _WITHOUT_SOURCE = {"source": False, "call": False}

    def _settle(self, delivery):
        """Write down what became of a message in a try that no error ended."""
        delivery.trace.add(self._made(delivery))
        self._write_outcome(outcome_of(delivery.request, delivery.trace), delivery.started)

    def _settle_error(self, error, tries, delivery):
        """Write down a try that failed, in a transaction of its own: the transaction of the try may be unusable.

        Unless the try did end well: a connection can break after the commit got through, and what runs after a
        commit can fail.

        :param int tries: the number of the try
        :param delivery: None when the error came before it began
        """
        failure = failure_of(error)
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
        # at once: the row is not locked until here
        with self.pool.cursor() as cr:
            message = self.with_env(self.env(cr=cr))
            if message._lock_for_try(tries):
                delivery = delivery or Delivery(message._request())
                message._write_outcome(outcome_of(delivery.request, delivery.trace, failure), delivery.started)
        if failure.kind is FailureKind.ERROR and not failure.is_temporary:
            _logger.error("Inbound message %s could not be delivered", self.id, exc_info=error)

    def _write_outcome(self, outcome, started):
        """The one place that writes down what became of a message in a try.

        :param outcome: :class:`~...tools.outcome.Outcome`
        :param float started: value of time.monotonic() when the try began
        """
        if outcome.rule and not outcome.error:
            self.env["mail.inbound.rule.hit"].sudo()._note(outcome.rule.rule_id, self.id)
        now = fields.Datetime.now()
        self._move_to(
            outcome.state,
            self._reason_of(outcome),
            cause=outcome.cause,
            detail=outcome.detail or False,
            try_count=outcome.try_count,
            deferral_count=outcome.deferral_count,
            mail_message_ids=[fields.Command.set(outcome.made.message_ids)],
            res_model=outcome.made.record and outcome.made.record[0],
            res_id=outcome.made.record and outcome.made.record[1],
            # what an error ended was decided by no rule
            rule_id=outcome.rule.rule_id if outcome.rule and not outcome.error else False,
            **self._findings(outcome, now),
            **({"next_try": now + outcome.delay} if outcome.delay else {}),
            **({"told_date": now} if outcome.notified else {}),
            **self._marks(outcome.redirects),
        )
        milliseconds = round((time.monotonic() - started) * 1000)
        found = outcome.cause or (outcome.made.record and "{},{}".format(*outcome.made.record)) or "-"
        _logger.info(
            "Inbound message %s, Message-Id %s: %s (%s), %d ms",
            self.id, self.message_id or "-", outcome.state, found, milliseconds,
        )  # fmt: skip

    def _findings(self, outcome, now):
        """What was found about the message; what was known before stays where a try ended before it found anything."""
        if outcome.error and not outcome.rule_results:
            return {}
        results = [result._asdict() for result in outcome.rule_results]
        return {
            # checks of other addons may quote the message
            "rule_results": [{**result, "reason": as_text(result["reason"])} for result in results],
            "judged_date": now,
            "identity": outcome.identity or False,
            "defects": self._defects_message(outcome.defects) or False,
        }

    def _marks(self, redirects):
        """Which former addresses the message was sent to, and where they led; nothing to write for most messages."""
        if not redirects and not self.former_address:
            return {}
        former = self.env["mail.former.address"]
        entries = former.browse({entry for redirect in redirects for entry in redirect.entry_ids}).exists()
        pairs = [f"{redirect.address} → {redirect.to or self.env._('(nothing)')}" for redirect in redirects]
        return {
            "former_address": ", ".join(pairs) or False,
            "former_address_ids": [fields.Command.set(entries.ids)],
        }

    def _made(self, delivery) -> Made:
        """The chatter messages of this Message-Id; of a copy that was delivered only those that no earlier one created."""
        if not delivery.stored_id:
            return Made()
        messages, verdict = self.env["mail.message"].sudo(), delivery.trace.verdict
        made = messages.search([("message_id", "=", delivery.stored_id)], order="id")
        if not (verdict and verdict.cause == "duplicate"):
            made -= messages.browse(delivery.check_input.known_ids)
        record = made.filtered(lambda message: message.model and message.res_id)[:1]
        return Made(made._ids, (record.model, record.res_id) if record else None)

    # ------------------------------------------------------------------ in words

    def _reason_of(self, outcome) -> str:
        """The reason of an outcome in the language of the environment."""
        words, error = outcome.reason, outcome.error
        match outcome.sentence:
            case Sentence.UNDECIDED:
                return self.env._("Odoo's routing neither delivered nor refused this message.")
            case Sentence.DISCARDED_BY_SERVER:
                return self.env._("%s Its incoming mail server discards unroutable messages.", words)
            case Sentence.TEMPORARY:
                return self.env._("The database or the disk was busy or unavailable (%s). Odoo tries again.", error)
            case Sentence.MISSING_RIGHT:
                return self.env._(
                    "Odoo was not allowed to deliver it: %s\nGrant the access right, then process the message again.",
                    words,
                )
            case Sentence.REFUSED:
                return self.env._("Odoo refused it: %s", words)
            case Sentence.ERROR:
                return self.env._(
                    "Odoo could not process this message because of an error (%s). The technical details say "
                    "where it occurred.",
                    error,
                )
        return words

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
        reason = self.env._("The program that handed it over got the error: %s", error)[:_MAX_REASON]
        values = {**self._values_from_source(source), **self._WITHOUT_SOURCE, "transport": "call"}
        if not isinstance(error, psycopg2.Error):
            values["caller_id"] = self.caller_id.id
            self._move_to("rejected", reason, **self._WITHOUT_SOURCE)
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
