"""Reading all mailboxes at the same time: claims, network threads, outcomes."""

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
from ..client_actions import RELOAD, notification
from .mailbox_store import InboundMailboxStore, WorkerMailboxStore

_logger = logging.getLogger(__name__)

# By default Odoo stops a scheduled action after 120 s: reading, and then waiting for a server that hangs, take less.
READ_SECONDS = 40
MAX_SECONDS = 75
# A network thread ends by itself when its time is up. If it does not, it is ended from outside after these seconds.
GRACE_SECONDS = 3
# Each server takes a thread and a connection while it is read.
MAX_SERVERS = 32
# Servers that had to wait get a run of their own, unless they were read more recently than this.
RECENT = timedelta(minutes=5)
# Kinds of advisory locks: one of the process that reads a server, one of a thread that outlives its visit.
CLAIM, THREAD = "fetchmail.server", "fetchmail.server thread"


class FetchmailServer(models.Model):
    """Reads mailboxes: each message is stored, committed, then acknowledged."""

    _inherit = "fetchmail.server"

    def fetch_mail(self):
        """Replaces core's button: it reports how many messages came, and explains failures.

        :return: an action that shows a notification
        :raises UserError: when the server could not be read
        """
        self.ensure_one().check_access("write")
        if self.state != "done":
            raise UserError(self.env._("Test and confirm “%s” first.", self.name))
        if not self.active:
            raise UserError(self.env._("The server “%s” can't be used because it is archived.", self.name))
        if not self._claim():
            busy = self.env._("Odoo is reading this server already. Try again later.")
            return notification("info", busy, self.name, RELOAD)
        try:
            error = self.sudo()._fetch_mail()
        finally:
            self._release()
        if error is not None:
            raise UserError(self._connection_message(error)) from error
        return notification("success", self.env._("New messages: %s", self.last_fetch_count), self.name, RELOAD)

    def _fetch_mail(self, batch_limit=50):  # noqa: ARG002 core's signature
        """Replaces core's method: it reads all servers at the same time, and stores messages before it acknowledges them.

        Network threads never touch the ORM. The form of a server that fails shows the reason, and Odoo tries again each
        time; core would switch the server off after five days without telling anyone.

        :param batch_limit: ignored, since time is limited instead
        :return: the first error; None if there was none
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
                server._release_after(outcome.thread)  # others may read it while the slow ones go on
                waiting = waiting._start_visits(workers, start, visits, errors)
                count += 1
        finally:
            workers.close()
            for outcome, (server, _budget) in visits.items():
                server._release_after(outcome.thread)
        if unfinished or waiting._long_unread():
            # another run, so that this one does not exceed the time limit of scheduled actions
            self.env.ref("mail.ir_cron_mail_gateway_action")._trigger()
        self.env["ir.cron"]._commit_progress(count)
        return errors[0] if errors else None

    def _start_visits(self, workers, start, visits, errors):
        """Start a network thread for each server, up to :data:`MAX_SERVERS` at the same time.

        :param float start: value of time.monotonic() at which the run began
        :param dict visits: future -> (server, time budget); receives the visits that are started
        :param list errors: receives the errors of servers whose visit could not be started
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
        except Exception as error:  # noqa: BLE001 an OAuth module may raise anything, and the system may refuse a thread
            self.env.cr.rollback()
            errors.append(error)
            if self.exists():  # not deleted meanwhile
                self._note_failure(error, budget)
            self._release()

    def _long_unread(self):
        """Return the servers that were not read recently."""
        return self.exists().filtered(lambda s: not s.date or s.date < fields.Datetime.now() - RECENT)

    def _claim(self):
        """Prevent other processes from reading the servers.

        The claim is an advisory lock of the database session, which ends with the process. A row lock would keep a
        transaction open, and users who edit the server waiting, while the network is slow. A session that claims a
        server twice has to release it twice.

        :return: the servers that nobody else is reading
        """
        free = self.browse()
        for server in self:
            if server._try_lock(CLAIM):
                if server._try_lock(THREAD):
                    server._unlock(THREAD)
                    free += server
                    continue
                server._unlock(CLAIM)  # a thread of an earlier visit is still reading
            _logger.info("Incoming mail server %s is being read already", server.id)
        return free

    def _try_lock(self, kind):
        self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(hashtext(%s), %s)", kind, self.id))
        return self.env.cr.fetchone()[0]

    def _unlock(self, kind):
        self.env.cr.execute(SQL("SELECT pg_advisory_unlock(hashtext(%s), %s)", kind, self.id))

    def _release(self):
        """Let others read the servers again; a broken database connection has released them already."""
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
            for server in self:
                server._unlock(CLAIM)
            self.env.cr.commit()  # no transaction stays open while other servers are read

    def _release_after(self, thread):
        """Let others read this server as soon as the network thread of its visit has ended, as it nearly always has.

        A thread that could not be ended gets a lock on a database connection of its own, and releases it itself. Until
        then, no process can claim the server.
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
        """Record the outcome of a visit.

        :param outcome: the future of the visit
        :param budget: its time budget, which knows how far the visit got
        :param list errors: receives the error of the visit, if any
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
        # messages that are refused at each visit are no reason for another run
        return not budget.complete and (error is None or (budget.stored > 0 and not outcome.exception()))

    def _note_success(self, budget):
        """Record a visit without errors."""
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
        """Record why a visit failed, and what it stored nevertheless."""
        self.env.cr.rollback()
        self._secrets().hide_in(error)
        now = fields.Datetime.now()
        self._note(
            budget,
            date=now,
            error_date=self.error_date or now,
            error_message=self._connection_message(error).replace("\0", ""),  # PostgreSQL stores no NUL
        )
        _logger.info("Incoming mail server %s could not be read", self.name, exc_info=error)

    def _note(self, budget, **values):
        """Record a visit and commit; try again if somebody edits the server at the same moment."""
        visit = {"last_fetch_count": budget.stored, "suspect_keys": budget.next_stalled or False}
        retrying(partial(self.write, {**visit, **values}), self.env)


def _give_back(cr, server_id):
    """Release the lock of a thread that has ended at last."""
    with suppress(psycopg2.Error):
        cr.execute(SQL("SELECT pg_advisory_unlock(hashtext(%s), %s)", THREAD, server_id))
    with suppress(psycopg2.Error):
        cr.close()
