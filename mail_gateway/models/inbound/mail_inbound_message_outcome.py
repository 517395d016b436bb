"""The outcome of a try to deliver an inbound message: how Odoo records and logs it."""

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

# How many rows Odoo adds within an hour for calls of one user that ended in an error.
MAX_REFUSED_CALLS = 100
# characters
_MAX_REASON = 2000

# errors that Odoo itself raises when it conflicts with another transaction
PASSING = (ConcurrencyError, LockError)


def failure_of(error) -> Failure:
    """Convert an exception to a value that tools/outcome.py understands."""
    detail = "".join(traceback.format_exception(error))
    values = {"words": str(error), "error": type(error).__name__, "is_temporary": is_passing(error, PASSING)}
    match error:
        case Unroutable():
            # the reason of a message without a route needs no technical detail
            return Failure(FailureKind.UNROUTABLE, **values, cause=error.cause)
        case AccessError():
            kind = FailureKind.MISSING_RIGHT
        case UserError() if not isinstance(error, MissingError):  # a missing record may exist in the next try
            kind = FailureKind.REFUSED
        case _:
            kind = FailureKind.ERROR
    return Failure(kind, **values, detail=detail)


class MailInboundMessage(models.Model):
    """Records the outcome of each try."""

    _inherit = "mail.inbound.message"

    # values of a message that the calling program keeps
    _WITHOUT_SOURCE = {"source": False, "call": False}

    def _settle(self, delivery):
        """Record the outcome of a try that ended without an error."""
        delivery.trace.add(self._made(delivery))
        self._write_outcome(outcome_of(delivery.request, delivery.trace), delivery.started)

    def _settle_error(self, error, tries, delivery):
        """Record a failed try in a transaction of its own, because the transaction of the try may be unusable.

        It records nothing if the try succeeded after all: a connection can break after PostgreSQL has committed, and
        code that runs after a commit can fail.

        :param int tries: the number of the try
        :param delivery: None when the error occurred before the delivery began
        """
        failure = failure_of(error)
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
        # immediately, because the row is not locked in between
        with self.pool.cursor() as cr:
            message = self.with_env(self.env(cr=cr))
            if message._lock_for_try(tries):
                delivery = delivery or Delivery(message._request())
                message._write_outcome(outcome_of(delivery.request, delivery.trace, failure), delivery.started)
        if failure.kind is FailureKind.ERROR and not failure.is_temporary:
            _logger.error("Inbound message %s could not be delivered", self.id, exc_info=error)

    def _write_outcome(self, outcome, started):
        """Write the outcome of a try to the row of the message; only this method does so.

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
            # when an error ended the try, no rule decided
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
        """Return the findings to write; if an error ended the try before the first one, earlier findings stay."""
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
        """Return the former addresses that the message was sent to, and their targets; most messages have none."""
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
        """Return the chatter messages with this Message-Id, without those of earlier copies unless it is a duplicate."""
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
        """Return the reason of an outcome in the language of the environment."""
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
        """Record a call that ended in an error; the program gets the error, as core promises, and keeps the message.

        When the program rolls back, the row of the message is lost, so Odoo writes it again afterwards. If the program
        goes on without a rollback, the row stays as it is now. A passing fault leaves no row, because the program
        repeats the call.

        Such rows can't fill the database: they have no source, and their number is limited.

        After a database error this method reads nothing more, because the next error would hide the first one.
        """
        if is_passing(error, PASSING):
            return
        reason = self.env._("The program that handed it over got the error: %s", error)[:_MAX_REASON]
        values = {**self._WITHOUT_SOURCE, "transport": "call"}
        if not isinstance(error, psycopg2.Error):
            values["caller_id"] = self.caller_id.id
            self._move_to("rejected", reason, **self._WITHOUT_SOURCE)
        self.env.cr.postrollback.add(partial(self._leave_refused_call, self.env.cr.dbname, source, values, reason))

    @staticmethod
    def _leave_refused_call(dbname, source, values, reason):
        with Registry(dbname).cursor() as cr:
            messages = api.Environment(cr, SUPERUSER_ID, {})["mail.inbound.message"]
            messages._add_refused_call({**messages._values_from_source(source), **values}, reason)

    @api.model
    def _add_refused_call(self, values, reason):
        """Add the row of a call that ended in an error, unless the caller has many such rows of the last hour."""
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
