"""Storing messages: the step before Odoo acknowledges them to the mail server."""

import json
import logging
from contextlib import suppress

import psycopg2
from psycopg2 import errorcodes

from odoo import api, models
from odoo.tools import SQL

from ...tools.faults import is_passing
from ...tools.fetch.mailbox import MAX_SIZE
from ...tools.source_values import SourceValues, digest_of, read_source
from ...tools.sql_log import no_values_in_log
from ...tools.text.database_text import plain_json
from ...tools.text.indexed_text import bounded

_logger = logging.getLogger(__name__)


class MailInboundMessage(models.Model):
    """Stores messages that Odoo fetches, or that programs hand over."""

    _inherit = "mail.inbound.message"

    @api.model
    def _store(self, server, messages, left=None):
        """Store fetched messages. The caller commits, and only then acknowledges them to the mail server.

        Messages that can't be stored together are stored one by one. A message that can't be stored with what Odoo read
        in its headers is stored with its source only. So no message prevents others from being stored.

        :param server: fetchmail.server that they come from
        :param list messages: of :class:`~...tools.fetch.mailbox.RemoteMessage`
        :param dict left: receives the errors of messages that can't be stored at all, by their keys; None for those whose
            request was withdrawn
        :raises Exception: an error that prevents all of them from being stored; if `left` is None, also that of one message
        """
        common = {"transport": server._get_connection_type(), "server_id": server.id}
        stored = self._create_all_or_each(
            [
                {
                    **self._values_from_source(message.source, message.values),
                    **(self._values_of_head(message) if message.is_head else {}),
                    **common,
                    "remote_key": message.key,
                }
                for message in messages
                if not message.was_requested
            ],
            left,
        )
        for message in messages:
            if message.was_requested and not self._complete(server, message) and left is not None:
                left[message.key] = None
        if stored:
            self._wake_lanes()
        return stored

    @api.model
    def _store_call(self, source, call=None):
        """Store a message that a program hands to mail.thread.message_process, which delivers it immediately.

        No lane may take it, even if somebody commits in between. A lane that delivers it later, after a person released
        it, needs the further arguments of the call.

        :param dict call: the arguments; they are not stored unless all are plain values
        """
        values = {**self._values_from_source(source), "transport": "call", "next_try": False, "call": False}
        with suppress(TypeError, ValueError, RecursionError):
            values["call"] = json.loads(plain_json(call))
        # without the default values in the caller's context
        context = {key: value for key, value in self.env.context.items() if not key.startswith("default_")}
        return self.with_env(self.env(context=context))._create_all_or_each([{**values, "state": "received"}])

    @api.model
    def _values_from_source(self, source: bytes, read: SourceValues | None = None) -> dict:
        """Return the field values of a new message, whatever bytes its source contains.

        :param read: the values that were read from the source already, if they were
        """
        read = read or read_source(source)
        return {
            "subject": read.headers.subject,
            "email_from": read.headers.sender,
            "sender": read.sender or False,
            "recipients": read.headers.recipients,
            "message_id": read.headers.message_id or False,
            "conversation": read.headers.conversation or False,
            self.SOURCE_BYTES: source,
            "digest": read.digest,
            "size": len(source),
        }

    @staticmethod
    def _values_of_head(message):
        return {"is_head": True, "size": min(message.size, MAX_SIZE)}

    # ------------------------------------------------------------------ errors of the database

    # fields that a message can be stored without; the others come from Odoo, are bytes, or a program has to correct them
    _DISPENSABLE = ("subject", "email_from", "sender", "recipients", "message_id", "conversation")

    @api.model
    def _create_all_or_each(self, values_list, left=None):
        """Create messages; the transaction stays usable if the database refuses some of them.

        :param list values_list: values of one message each
        :param dict left: see :meth:`_store`
        """
        try:
            return self._create_safely(values_list)
        except Exception as error:
            if not self._may_lie_in_one(error):
                raise
            _logger.info("Inbound messages are stored one by one: %s", type(error).__name__)
        messages = self.browse()
        for values in values_list:
            messages += self._create_one(values, left)
        return messages

    @api.model
    def _create_one(self, values, left):
        """Create one message, without what was read in it if necessary; none if it is stored already, or put into `left`."""
        error = None
        for attempt in (values, {**values, **dict.fromkeys(self._DISPENSABLE, False)}):
            try:
                return self._create_safely([attempt])
            except Exception as caught:  # noqa: BLE001 whatever it is, the others are to be stored
                if not self._may_lie_in_one(caught):
                    raise
                error = caught
            if self._is_stored(values):
                return self.browse()
            _logger.warning(
                "Inbound message %s could not be stored as it is: %s", values.get("remote_key"), type(error).__name__
            )
        if left is None:
            raise error
        left[values["remote_key"]] = error
        return self.browse()

    @api.model
    def _create_safely(self, values_list):
        """Create messages and record their pending acknowledgements, within a savepoint."""
        with no_values_in_log(), self.env.cr.savepoint():
            messages = self.create(values_list)
            fetched = [values for values in values_list if values.get("remote_key") and not values.get("is_head")]
            self.env["mail.inbound.acknowledgement"]._owe(
                [(values["server_id"], values["remote_key"]) for values in fetched]
            )
            return messages

    @staticmethod
    def _may_lie_in_one(error):
        """Whether the values or the size of one message may cause an error, so that others can be stored without it."""
        too_much = isinstance(error, MemoryError) or (
            isinstance(error, psycopg2.Error) and error.pgcode == errorcodes.OUT_OF_MEMORY
        )
        return too_much or not is_passing(error)

    def _is_stored(self, values):
        key = values.get("remote_key")
        return bool(key and self.search_count([("server_id", "=", values["server_id"]), ("remote_key", "=", key)]))

    # ------------------------------------------------------------------ known messages

    @api.model
    def _known_keys(self, server, keys) -> set:
        """Return the subset of `keys` that `server` delivered before."""
        return self._keys_among(server, keys, [])

    @api.model
    def _keys_among(self, server, keys, domain) -> set:
        by_stored = {bounded(key): key for key in keys}
        of_server = [("server_id", "=", server.id), ("remote_key", "in", list(by_stored))]
        rows = self.search_fetch([*of_server, *domain], ["remote_key"])
        return {by_stored[key] for key in rows.mapped("remote_key")}

    @api.model
    def _known_sources(self, server, sources) -> set:
        """Return the subset of `sources` that `server` delivered before, under any key."""
        by_digest = {digest_of(source): source for source in sources}
        rows = self.search_fetch([("server_id", "=", server.id), ("digest", "in", list(by_digest))], ["digest"])
        return {by_digest[digest] for digest in rows.mapped("digest")}

    @api.model
    def _forget_removed(self, server, prefix, keys):
        """Free the remote keys that begin with `prefix`, except those among `keys`, with or without a digest added.

        It skips rows that a lane is processing; the next call frees their keys.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE mail_inbound_message SET remote_key = 'gone:' || id || ':' || remote_key
                WHERE id IN (
                    SELECT id FROM mail_inbound_message message
                    WHERE server_id = %(server)s AND starts_with(remote_key, %(prefix)s)
                        AND NOT EXISTS (SELECT FROM unnest(%(keys)s) AS listed(key) WHERE key = message.remote_key)
                        AND NOT EXISTS (
                            SELECT FROM unnest(%(keys)s) AS listed(key)
                            WHERE key = regexp_replace(remote_key, ';SHA256=[0-9a-f]{64}(;COPY=[0-9]+)?$', '')
                        )
                    FOR UPDATE SKIP LOCKED
                )
                """,
                server=server.id,
                prefix=prefix,
                keys=[bounded(key) for key in keys],
            )
        )
        self.invalidate_model(["remote_key"])
