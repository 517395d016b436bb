from contextlib import suppress
from functools import partial

import psycopg2

from odoo.service.model import retrying

from ...tools.fetch.mailbox import Batch
from ...tools.fetch.mailbox_errors import NotStored


class InboundMailboxStore:
    """The :class:`~..tools.mailbox.MailboxStore` of one incoming server, kept in the database.

    Used by the one thread that owns the cursor; network threads reach it through a relay.
    """

    def __init__(self, server, durable=True):
        """
        :param server: fetchmail.server
        :param bool durable: commit each step; False leaves that to the caller, who acknowledges nothing
        """
        self._server = server
        self._durable = durable
        self._messages = server.env["mail.inbound.message"].sudo()
        self._folders = server.env["mail.inbound.folder"].sudo()
        # what the database does not take is still owed at each later position of this visit
        self._left = set()
        # (account, folder) -> the position as it was written down last
        self._written = {}
        self._acknowledgements = server.env["mail.inbound.acknowledgement"].sudo()

    def known(self, keys):
        return self._step(lambda: self._messages._known_keys(self._server, keys))

    def known_sources(self, sources):
        return self._step(lambda: self._messages._known_sources(self._server, sources))

    def requested(self):
        return self._step(lambda: self._messages._requested_keys(self._server))

    def count_request(self, key):
        self._step(lambda: self._messages._count_request(self._server, key))

    def heads(self, keys):
        return self._step(lambda: self._messages._heads_among(self._server, keys))

    def unacknowledged(self):
        return self._step(lambda: self._owed().mapped("remote_key"))

    def position(self, account, folder):
        return self._step(lambda: self._last_position(account, folder))

    def last_success(self):
        return self._step(lambda: self._server.last_success)

    def first_visit(self, account, folder):
        return self._step(lambda: min(self._positions(account, folder).mapped("create_date")))

    def forget_removed(self, prefix, keys):
        self._step(lambda: self._messages._forget_vanished(self._server, prefix, keys))

    def add(self, batch: Batch):
        refusal, position = self._step(lambda: self._store(batch))
        if refusal:
            self._left |= refusal.keys
        if position:
            self._written[position.account, position.folder] = position
        return refusal

    def acknowledged(self, keys):
        self._step(lambda: self._note_acknowledged(list(keys)))

    def _store(self, batch):
        left = {}
        self._messages._store(self._server, batch.messages, left)
        position = batch.position and batch.position.owing({*self._left, *left})
        if position:
            known = self._written.get((position.account, position.folder))
            self._folders._remember(self._server, position, known)
        return NotStored(left) if left else None, position

    def _positions(self, account, folder):
        """The same user's folder, under whatever host names it was read, the last one first.

        When a server has another name, people have often read the mail that it could not be asked for meanwhile.
        """
        user = account.rpartition("@")[0]
        domain = [("server_id", "=", self._server.id), ("folder", "=", folder)]
        found = self._folders.search(domain, order="write_date desc, id desc")
        return found.filtered(lambda each: each.account.rpartition("@")[0] == user)

    def _last_position(self, account, folder):
        found = self._positions(account, folder)[:1]._as_position()
        if found:
            self._written[found.account, found.folder] = found
        return found

    def _note_acknowledged(self, keys):
        self._owed([("remote_key", "in", keys)]).unlink()

    def _owed(self, domain=()):
        return self._acknowledgements.search([("server_id", "=", self._server.id), *domain])

    def _step(self, work):
        """Do `work` in a transaction of its own."""
        if not self._durable:
            return work()
        env = self._messages.env
        try:
            return retrying(work, env)
        except BaseException:
            with suppress(psycopg2.Error):
                env.cr.rollback()
            raise


class WorkerMailboxStore:
    """The same ledger for a network thread: each call is done by the thread that serves the relay."""

    def __init__(self, workers, store):
        self._workers = workers
        self._store = store

    def __getattr__(self, name):
        return partial(self._workers.call, getattr(self._store, name))
