import logging
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ...tools.fetch.fetch_mailbox import fetch_mailbox
from ...tools.fetch.time_budget import TimeBudget, TookTooLong
from ...tools.fetch.visit import Visit, VisitOver
from ...tools.fetch.worker_threads import Abandoned, WorkerThreads
from .mailbox_store import InboundMailboxStore, WorkerMailboxStore

_logger = logging.getLogger(__name__)

# Odoo stops a scheduled action after 120 s by default: reading, and then waiting for a server that hangs, fit in.
READ_SECONDS = 40
MAX_SECONDS = 75
# A network thread ends by itself when its time is up. It is ended from outside when it did not within these seconds.
GRACE_SECONDS = 3
# Each has a thread and a connection while it is read.
MAX_SERVERS = 32
# Servers that had no turn have a run of their own, unless they were read that recently.
RECENT = timedelta(minutes=5)
# Kinds of advisory locks: that of whoever reads a server, and that of a thread that outlives its visit
CLAIM, THREAD = "fetchmail.server", "fetchmail.server thread"


class FetchmailFetch(models.Model):
    """Reading the mailboxes."""

    _inherit = "fetchmail.server"

    def fetch_mail(self):
        """Replaces core's button: says how many messages came, and failures in words.

        :raises UserError: when the server could not be read
        """
        self.ensure_one().check_access("write")
        if self.state != "done":
            raise UserError(self.env._("Test and confirm “%s” first.", self.name))
        if not self.active:
            raise UserError(self.env._("The server “%s” can't be used because it is archived.", self.name))
        if not self._claim():
            return self._notification("info", self.env._("It is being read at this moment."))
        try:
            error = self.sudo()._fetch_mail()
        finally:
            self._release()
        if error is not None:
            raise UserError(self._connection_message(error)) from error
        return self._notification("success", self.env._("New messages: %s", self.last_fetch_count))

    def _notification(self, kind, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "title": self.name,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _fetch_mail(self, batch_limit=50):
        """Replaces core's method: all servers at the same time; stored, committed, then acknowledged.

        Network threads never touch the ORM. A server that fails says why on its form, and is tried again each
        time: core switches it off after five days, which nobody sees.

        :param batch_limit: ignored; the time is what is limited
        :return: the first error, None when all went well
        """
        if not self:
            return None
        workers, start = WorkerThreads(), time.monotonic()
        waiting = self.with_context(fetchmail_cron_running=True).sorted(lambda s: s.date or datetime.min)
        visits, errors, unfinished, count = {}, [], False, 0
        try:
            waiting = waiting._start_visits(workers, start, visits, errors)
            for outcome in workers.serve(start + MAX_SECONDS + GRACE_SECONDS):
                server, budget = visits[outcome]
                unfinished |= server._note_outcome(outcome, budget, errors)
                del visits[outcome]
                server._release_after(outcome.thread)  # whoever wants to read it need not wait for the slow ones
                waiting = waiting._start_visits(workers, start, visits, errors)
                count += 1
        finally:
            workers.close()
            for outcome, (server, _budget) in visits.items():
                server._release_after(outcome.thread)
        if unfinished or waiting._long_unread():
            # a run of its own, so that this one does not outlive the time limit of scheduled actions
            self.env.ref("mail.ir_cron_mail_gateway_action")._trigger()
        self.env["ir.cron"]._commit_progress(count)
        return errors[0] if errors else None

    def _start_visits(self, workers, start, visits, errors):
        """Start a network thread for each server, as far as they may be read at the same time.

        :param start: value of time.monotonic() at which the run began
        :param dict visits: future -> (server, pace); gets those that are started
        :param list errors: gets the errors of servers that could not even be started
        :return: servers that have to wait
        """
        for position, server in enumerate(self):
            if len(visits) >= MAX_SERVERS or time.monotonic() > start + READ_SECONDS:
                return self[position:]
            if server._claim():
                budget = TimeBudget(start + READ_SECONDS, start + MAX_SECONDS, server.suspect_keys or ())
                server._start_visit(workers, budget, visits, errors)
        return self.browse()

    def _start_visit(self, workers, budget, visits, errors):
        """Start the network thread of one server, which is claimed."""
        try:
            visit = Visit(budget.seconds_left)
            settings = replace(self._mailbox_settings(), visit=visit)
            self.env.cr.commit()  # an OAuth token may have been renewed
            store = WorkerMailboxStore(workers, InboundMailboxStore(self))
            job = partial(fetch_mailbox, settings, store, budget)
            visits[workers.start(f"fetch mail {self.id}", job, visit.cut)] = self, budget
        except Exception as error:  # noqa: BLE001 an OAuth module may raise anything, or there is no thread to be had
            self.env.cr.rollback()
            errors.append(error)
            if self.exists():  # not deleted meanwhile
                self._note_failure(error, budget)
            self._release()

    def _long_unread(self):
        """Those that were not read for some time."""
        return self.exists().filtered(lambda s: not s.date or s.date < fields.Datetime.now() - RECENT)

    def _claim(self):
        """Keep everybody else from reading the servers; those that somebody reads already are left out.

        Who claimed one may claim it once more, and releases it as often.
        An advisory lock of the database session, gone with the process. A row lock would keep a transaction open
        and whoever edits the server waiting, for as long as the network is slow.
        """
        free = self.browse()
        for server in self:
            if server._try_lock(CLAIM):
                if server._try_lock(THREAD):
                    server._unlock(THREAD)
                    free += server
                    continue
                server._unlock(CLAIM)  # by a thread of an earlier visit, which is not over
            _logger.info("Incoming mail server %s is being read already", server.id)
        return free

    def _try_lock(self, kind):
        self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(hashtext(%s), %s)", kind, self.id))
        return self.env.cr.fetchone()[0]

    def _unlock(self, kind):
        self.env.cr.execute(SQL("SELECT pg_advisory_unlock(hashtext(%s), %s)", kind, self.id))

    def _release(self):
        """Let others read the servers again; a broken connection did so already."""
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
            for server in self:
                server._unlock(CLAIM)
            self.env.cr.commit()  # no open transaction while others are waited for

    def _release_after(self, thread):
        """Let others read this server as soon as the network thread of its visit is over, which it nearly always is.

        A thread that could not be ended has a lock on a connection of its own, which it gives back itself: whoever
        claims the server, in this process or another, finds it locked until then.
        """
        if thread.is_alive():
            _logger.warning("The network thread of incoming mail server %s does not end", self.id)
            with suppress(psycopg2.Error):
                cr = self.env.registry.cursor()
                try:
                    self.with_env(self.env(cr=cr))._try_lock(THREAD)
                    cr.commit()  # the lock outlives the transaction
                finally:
                    thread.when_over(partial(_give_back, cr, self.id))
        self._release()

    def _note_outcome(self, outcome, budget, errors):
        """Write down how a visit went.

        :param outcome: its future
        :param pace: how far it got
        :param list errors: gets the visit's error, if any
        :return: whether there is more to fetch
        """
        if not self.exists():  # deleted meanwhile
            return False
        error = outcome.exception()
        budget.complete = budget.complete and error is None
        error = error or outcome.result().refusal
        if error is None:
            self._note_success(budget)
        else:
            if isinstance(error, Abandoned | VisitOver) and budget.reads_one:
                error = TookTooLong(MAX_SECONDS, budget.reading)
            errors.append(error)
            self._note_failure(error, budget)
        # what is refused each time does not make a run of its own each time
        return not budget.complete and (error is None or (budget.stored > 0 and not outcome.exception()))

    def _note_success(self, budget):
        """Write down a visit that went well."""
        now = fields.Datetime.now()
        self._note(
            budget,
            date=now,
            last_success=now if budget.complete else self.last_success,
            error_date=False,
            error_message=False,
        )
        _logger.info("Incoming mail server %s: %s new messages", self.name, budget.stored)

    def _note_failure(self, error, budget):
        """Write down why a visit failed, and what it stored nevertheless."""
        self.env.cr.rollback()
        self._secrets().hide_in(error)
        now = fields.Datetime.now()
        self._note(
            budget,
            date=now,
            error_date=self.error_date or now,
            error_message=self._connection_message(error).replace("\0", ""),  # the server may say anything
        )
        _logger.info("Incoming mail server %s could not be read", self.name, exc_info=error)

    def _note(self, budget, **values):
        """Write down a visit and commit, again if somebody edits the server this very moment."""
        visit = {"last_fetch_count": budget.stored, "suspect_keys": budget.next_stalled or False}
        retrying(partial(self.write, {**visit, **values}), self.env)


def _give_back(cr, server_id):
    """Release the lock of a thread that is over at last."""
    with suppress(psycopg2.Error):
        cr.execute(SQL("SELECT pg_advisory_unlock(hashtext(%s), %s)", THREAD, server_id))
    with suppress(psycopg2.Error):
        cr.close()
