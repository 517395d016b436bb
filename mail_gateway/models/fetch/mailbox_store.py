"""The database side of tools/fetch: it stores fetched messages, and the positions in folders."""

from contextlib import suppress
from functools import partial

import psycopg2

from odoo.service.model import retrying

from ...tools.fetch.mailbox import Batch
from ...tools.fetch.mailbox_errors import NotStored


class InboundMailboxStore:
    """The :class:`~mail_gateway.tools.fetch.mailbox.MailboxStore` of one incoming mail server, in the database.

    Only the thread that owns the cursor uses it; network threads call it through :class:`WorkerMailboxStore`.

    :param server: fetchmail.server
    :param bool durable: commit each step; with False the caller commits, and acknowledges nothing
    """

    def __init__(self, server, durable=True):
        self._server = server
        self._durable = durable
        self._messages = server.env["mail.inbound.message"].sudo()
        self._folders = server.env["mail.inbound.folder"].sudo()
        # keys that the database did not accept; each later position of this visit lists them as pending
        self._left = set()
        # (account, folder) -> the position as it was stored last
        self._written = {}
        self._acknowledgements = server.env["mail.inbound.acknowledgement"].sudo()

    def known(self, keys):
        """Return which of these remote keys are stored."""
        return self._step(lambda: self._messages._known_keys(self._server, keys))

    def known_sources(self, sources):
        """Return which of these sources the server delivered before, under any key."""
        return self._step(lambda: self._messages._known_sources(self._server, sources))

    def requested(self):
        """Return the keys of the messages that a person wants to be fetched in full."""
        return self._step(lambda: self._messages._requested_keys(self._server))

    def count_request(self, key):
        """Count a try to fetch a message in full, before it begins."""
        self._step(lambda: self._messages._count_request(self._server, key))

    def heads(self, keys):
        """Return which of these keys are stored with their headers only."""
        return self._step(lambda: self._messages._heads_among(self._server, keys))

    def unacknowledged(self):
        """Return the keys of stored messages that are not acknowledged yet."""
        return self._step(lambda: self._owed().mapped("remote_key"))

    def position(self, account, folder):
        """Return how far a folder has been read; None before the first visit."""
        return self._step(lambda: self._last_position(account, folder))

    def last_success(self):
        """Return when the server was last read without errors."""
        return self._step(lambda: self._server.last_success)

    def first_visit(self, account, folder):
        """Return when a folder was read for the first time."""
        return self._step(lambda: min(self._positions(account, folder).mapped("create_date")))

    def forget_removed(self, prefix, keys):
        """Free the keys that begin with `prefix` and are not among `keys`: the server may assign them again."""
        self._step(lambda: self._messages._forget_removed(self._server, prefix, keys))

    def add(self, batch: Batch):
        """Store messages and a position in one transaction.

        :return: NotStored when the database does not accept some of them, otherwise None
        """
        refusal, position = self._step(lambda: self._store(batch))
        if refusal:
            self._left |= refusal.keys
        if position:
            self._written[position.account, position.folder] = position
        return refusal

    def acknowledged(self, keys):
        """Record that these messages are acknowledged."""
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
        """Return the positions in the same user's folder, whatever the host name was, the latest first.

        When a server gets another name, people have often read the messages that Odoo could not fetch meanwhile.
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
    """The same store for a network thread: the thread that owns the cursor carries out each call."""

    def __init__(self, workers, store):
        self._workers = workers
        self._store = store

    def __getattr__(self, name):
        return partial(self._workers.call, getattr(self._store, name))
