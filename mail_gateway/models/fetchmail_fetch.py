import logging
import time
from contextlib import suppress
from functools import partial

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..tools.fetch import fetch_mailbox
from ..tools.relay import Relay
from .inbound_ledger import InboundLedger, RelayedLedger

_logger = logging.getLogger(__name__)

# Odoo stops a scheduled action after 120 s by default: reading, and then waiting for a server that hangs, fit in.
READ_SECONDS = 40
MOST_SECONDS = 75


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
            raise UserError(self._words_for_connection(error)) from error
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
        servers = self.with_context(fetchmail_cron_running=True)
        relay, start = Relay(), time.monotonic()
        claimed = servers._claim()
        try:
            visits, errors = claimed._start_visits(relay, start + READ_SECONDS)
            unfinished = False
            for outcome in relay.serve(start + MOST_SECONDS):
                server = visits[outcome]
                unfinished |= server._note_outcome(outcome, errors)
                server._release()  # whoever wants to read it need not wait for the slow ones
                claimed -= server
        finally:
            claimed._release()
        if unfinished:
            # a run of its own, so that this one does not outlive the time limit of scheduled actions
            self.env.ref("mail.ir_cron_mail_gateway_action")._trigger()
        self.env["ir.cron"]._commit_progress(len(visits))
        return errors[0] if errors else None

    def _start_visits(self, relay, deadline):
        """Start a network thread for each server.

        :return: (future -> server, errors of servers that could not even be started)
        """
        visits, errors = {}, []
        for server in self:
            try:
                settings = server._mailbox_settings()
            except Exception as error:  # noqa: BLE001 an OAuth module may raise anything; the other servers go on
                errors.append(server._note_failure(error))
                continue
            self.env.cr.commit()  # an OAuth token may have been renewed
            ledger = RelayedLedger(relay, InboundLedger(server))
            job = partial(fetch_mailbox, settings, ledger, deadline)
            visits[relay.start(f"fetch mail {server.id}", job)] = server
        return visits, errors

    def _claim(self):
        """Keep everybody else from reading the servers; those that somebody reads already are left out.

        Who claimed one may claim it once more, and releases it as often.
        An advisory lock of the database session, gone with the process. A row lock would keep a transaction open
        and whoever edits the server waiting, for as long as the network is slow.
        """
        free = self.browse()
        for server in self:
            self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(hashtext('fetchmail.server'), %s)", server.id))
            if self.env.cr.fetchone()[0]:
                free += server
            else:
                _logger.info("Incoming mail server %s is being read already", server.name)
        return free

    def _release(self):
        """Let others read the servers again; a broken connection did so already."""
        with suppress(psycopg2.Error):
            self.env.cr.rollback()
            for server in self:
                self.env.cr.execute(SQL("SELECT pg_advisory_unlock(hashtext('fetchmail.server'), %s)", server.id))
            self.env.cr.commit()  # no open transaction while others are waited for

    def _note_outcome(self, outcome, errors):
        """Write down how a visit went.

        :param outcome: its future
        :param list errors: gets the visit's error, if any
        :return: whether there is more to fetch
        """
        if not self.exists():  # deleted meanwhile
            return False
        if outcome.exception():
            errors.append(self._note_failure(outcome.exception()))
            return False
        return self._note_success(outcome.result())

    def _note_success(self, result):
        """Write down a visit that went well.

        :return: whether there is more to fetch
        """
        now = fields.Datetime.now()
        self._note(
            date=now,
            last_success=now if result.complete else self.last_success,
            last_fetch_count=result.stored,
            error_date=False,
            error_message=False,
        )
        _logger.info("Incoming mail server %s: %s new messages", self.name, result.stored)
        return not result.complete

    def _note_failure(self, error):
        """Write down why a visit failed.

        :return: the error
        """
        self.env.cr.rollback()
        now = fields.Datetime.now()
        self._note(
            date=now,
            last_fetch_count=0,
            error_date=self.error_date or now,
            error_message=self._words_for_connection(error).replace("\0", ""),  # the server may say anything
        )
        _logger.info("Incoming mail server %s could not be read", self.name, exc_info=error)
        return error

    def _note(self, **values):
        """Write and commit, again if somebody edits the server this very moment."""
        retrying(partial(self.write, values), self.env)
