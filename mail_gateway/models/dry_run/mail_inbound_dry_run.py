"""A delivery that is rolled back, to explain."""

import base64
from dataclasses import replace
from datetime import timedelta

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import AccessError

from ...tools.delivery import Delivery
from ...tools.dry_run import DryRunResult, begin_dry_run
from ...tools.faults import is_passing
from ...tools.headers.addresses import counted_address
from ...tools.outcome import outcome_of
from ...tools.policy import Action
from ...tools.retry import MAX_TRIES
from ...tools.text.database_text import as_text
from ..inbound.mail_inbound_message import PENDING
from ..inbound.mail_inbound_message_outcome import PASSING, failure_of
from ..rules.mail_inbound_sender_notice import ALL

# Conflicts with other transactions are repeated, as Odoo does for requests.
_MAX_CONFLICTS = 3
# How long a dry run waits for a lane that is processing the same record: less than a request may take.
_LOCK_TIMEOUT = "10s"
# A dry run hides what messages in these states left.
_DONE = ("delivered", "rejected")
# the last lines of a traceback that the answer contains
_DETAIL_LINES = 8


class MailInboundDryRun(models.AbstractModel):
    """Finds out what would become of a message: Odoo delivers it as any other, and rolls all of that back.

    A rollback does not return the numbers that sequences of PostgreSQL handed out. Odoo's own garbage collector removes
    the files that it leaves in the filestore.
    """

    _name = "mail.inbound.dry.run"
    _description = "Dry Run of an Inbound Message"

    @api.model
    def _dry_run(self, inbound, released=False) -> DryRunResult:
        """Deliver a message as a lane would, and roll that back.

        If the message was delivered or rejected before, the dry run hides what it left, and answers as if the message came
        in for the first time.

        :param inbound: a mail.inbound.message that the user may read, or a new one, in memory only
        :param bool released: as if a person released it: no rule holds, defers or rejects it
        :raises AccessError: when the user is no postmaster
        """
        if not self.env.user.has_group("mail_gateway.group_postmaster"):
            raise AccessError(self.env._("Only postmasters can explain incoming messages."))
        asked = {
            "id": inbound._origin.id or 0,
            "source": inbound._source_bytes(),
            "size": inbound.size,
            "is_head": inbound.is_head,
            "may_be_large": inbound.may_be_large,
            "server_id": inbound.server_id.id or 0,
            "call": inbound.call,
            "caller_id": inbound.caller_id.id,
            "released": released,
        }
        answer = DryRunResult("")
        for _attempt in range(_MAX_CONFLICTS):
            if not answer.state:
                answer = self._dry_run_once(asked)
        return answer

    def _dry_run_once(self, asked):
        """Run in a transaction of its own, which does not see what the user's transaction has changed so far."""
        with self.pool.cursor() as cr:
            begin_dry_run(cr)
            try:
                return self._answer(cr, asked)
            except Exception as error:
                if not is_passing(error, PASSING):
                    raise
                return DryRunResult("", self._busy_message(error))
            finally:
                self._undo(cr)

    def _busy_message(self, error):
        return self.env._(
            "The database or the disk was busy or unavailable (%s). Try again in a moment.", type(error).__name__
        )

    def _undo(self, cr):
        """Roll back, and remove everything that was rolled back from the caches."""
        registry = self.pool
        known_before = {*registry.cache_invalidated}  # another transaction of this thread has yet to signal these
        cr.rollback()
        registry.reset_changes()
        registry.cache_invalidated.update(known_before)
        cr.reset()

    # ------------------------------------------------------------------ the tries

    def _answer(self, cr, asked):
        """Make as many tries as the message needs: the last one processes only its text."""
        answer, delivery = self._try(cr, asked)
        verdict = delivery.trace.verdict
        if answer.state == "deferred" and not (verdict and verdict.action is Action.DEFER):
            first = answer.reason
            answer, delivery = self._try(cr, asked, text_only=True)
            self._remark_on_last_try(answer, first)
        reader, env = self._reader(cr), self._lane(cr)
        answer.targets = [*self._changes(answer.targets, reader)]
        answer.routes = [*self._routes_in_words(delivery, reader)]
        answer.recipients = [*self._recipients(asked, env, reader)]
        if env["mail.inbound.message"].browse(asked["id"]).state in _DONE:
            words = self.env._(
                "Odoo processed this message already. This is what would happen if it came in now for the first time."
            )
            answer.remarks.append(words)
        return answer

    def _remark_on_last_try(self, answer, first):
        if answer.state == "failed":
            answer.remarks.append(
                self.env._("Odoo would try again several times, and then leave the message to a person.")
            )
        else:
            words = self.env._(
                "Odoo could not process it as it is: %s The last try processes the text only, with the source attached.",
                first,
            )
            answer.remarks.append(words)

    def _lane(self, cr):
        """Return the environment of a lane, so that the dry run creates the same records as a lane."""
        return api.Environment(cr, SUPERUSER_ID, {})

    def _reader(self, cr):
        """Return the environment of the user who asks, which hides everything that they may not read."""
        return api.Environment(cr, self.env.uid, dict(self.env.context), su=False)

    def _try(self, cr, asked, text_only=False):
        """Try once, as a lane does (mail.inbound.message._try_delivery), up to the verdict, and roll that back.

        :return: (the answer, the delivery)
        """
        env = self._lane(cr)
        cr.execute("SET LOCAL lock_timeout = %s", [_LOCK_TIMEOUT])
        stored = env["mail.inbound.message"].browse(asked["id"])
        if stored.state in _DONE:
            self._clear_the_way(stored)
        inbound = self._in_memory(env, asked, text_only)
        delivery = Delivery(self._request(inbound, stored, asked["released"]))
        known, failure, effects = self._known(env), None, {}
        try:
            inbound._hand_to_odoo(delivery)
            cr.flush()  # includes the checks and changes that Odoo makes before a commit
            env.invalidate_all()
            delivery.trace.add(inbound._made(delivery))
        except Exception as error:
            if is_passing(error, PASSING):
                raise
            failure = failure_of(error)
        else:
            effects = self._effects(env, delivery, known, self._reader(cr))
        self._undo(cr)
        outcome = outcome_of(delivery.request, delivery.trace, failure)
        return self._result(outcome, effects), delivery

    def _result(self, outcome, effects):
        """Return the answer, with texts for the user."""
        inbound = self.env["mail.inbound.message"]
        detail = as_text(outcome.detail).strip().splitlines()[-_DETAIL_LINES:]
        return DryRunResult(
            outcome.state,
            as_text(inbound._reason_of(outcome)),
            outcome.cause,
            rule_id=outcome.rule.rule_id if outcome.rule else 0,
            rule_results=[result._asdict() for result in outcome.rule_results],
            remarks=inbound._defects_message(outcome.defects).splitlines(),
            detail="\n".join(detail),
            **effects,
        )

    def _in_memory(self, env, asked, text_only):
        """Return the message as if it had just come in, in its first or last try; it has no state to change."""
        return env["mail.inbound.message"].new(
            {
                "source": base64.b64encode(asked["source"]),
                "size": self._size(asked),
                "is_head": asked["is_head"],
                "may_be_large": asked["may_be_large"],
                "server_id": asked["server_id"] or False,
                "call": asked["call"],
                "caller_id": asked["caller_id"],
                "try_count": MAX_TRIES if text_only else 1,
            }
        )

    @staticmethod
    def _size(asked):
        """Return the size of the message, even if only its headers are stored."""
        return asked["size"] if asked["is_head"] else len(asked["source"])

    def _request(self, inbound, stored, released):
        """Return the request of a lane. Only a message that waits for a lane goes where a person decided."""
        waits = stored.state in PENDING
        return replace(
            inbound._request(),
            inbound_id=stored.id or 0,
            is_dry_run=True,
            route=stored._decided_route() if waits else None,
            released=released or (waits and stored.released),
        )

    def _clear_the_way(self, stored):
        """Hide what the message itself left, so that it is no duplicate of itself, and counts for no limit."""
        stored.mail_message_ids.write({"message_id": False})
        creations = stored.env["mail.inbound.created.record"]
        creations.search([("inbound_message_id", "=", stored.id)]).unlink()
        if stored.told_date:
            self._forget_notice(stored)

    def _forget_notice(self, stored):
        """Delete the record of the notice about a message: the row of its sender, and one that counts all notices."""
        notices = stored.env["mail.inbound.sender.notice"]
        by_then = ("create_date", "<", stored.told_date + timedelta(seconds=1))  # told_date has whole seconds
        sender = counted_address(stored.sender) or "?"
        told = notices.search([("sender", "=", sender), by_then], order="id desc", limit=1)
        if told:
            told += notices.search([("told", "=", ALL), by_then], order="id desc", limit=1)
        told.unlink()
