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
    """How messages get into the spool."""

    _inherit = "mail.inbound.message"

    @api.model
    def _store(self, server, messages, left=None):
        """Add fetched messages. The caller commits, and only then tells the mail server.

        What can't be stored together is stored one by one, and what can't be stored as it is with nothing but its
        source: no message stands in the way of others.

        :param server: fetchmail.server that they come from
        :param list messages: of :class:`~..tools.mailbox.RemoteMessage`
        :param dict left: gets the errors of messages that can't be stored at all, by their keys; None for those that
            nobody wants any more
        :raises Exception: what keeps all of them from being stored; of one message when `left` is None
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
        """Add a message that a program hands to mail.thread.message_process, which delivers it on the spot.

        No lane may take it, even if somebody commits in the middle. A lane that delivers it later, when a person has
        released it, needs the further arguments of the call.

        :param dict call: arguments; those that are no plain values are forgotten
        """
        values = {**self._values_from_source(source), "transport": "call", "next_try": False, "call": False}
        with suppress(TypeError, ValueError, RecursionError):
            values["call"] = json.loads(plain_json(call))
        # no default that a caller put into the context
        context = {key: value for key, value in self.env.context.items() if not key.startswith("default_")}
        return self.with_env(self.env(context=context))._create_all_or_each([{**values, "state": "received"}])

    @api.model
    def _values_from_source(self, source: bytes, read: SourceValues | None = None) -> dict:
        """Field values of a new message; whatever the bytes are, there are some.

        :param read: what was read of the source already
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

    # ------------------------------------------------------------------ whatever the database says

    # fields that a message can do without; what is left comes from us, is nothing but bytes, or is a program's to mend
    _DISPENSABLE = ("subject", "email_from", "sender", "recipients", "message_id", "conversation")

    @api.model
    def _create_all_or_each(self, values_list, left=None):
        """Create messages, in a transaction that goes on whatever the database says to one of them.

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
        """One message as it is, else without what was read in it; empty when it is there already, or goes into `left`."""
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
        """Create messages, and note that their mail server is to be told, within a savepoint."""
        with no_values_in_log(), self.env.cr.savepoint():
            messages = self.create(values_list)
            fetched = [values for values in values_list if values.get("remote_key") and not values.get("is_head")]
            self.env["mail.inbound.acknowledgement"]._owe(
                [(values["server_id"], values["remote_key"]) for values in fetched]
            )
            return messages

    @staticmethod
    def _may_lie_in_one(error):
        """Whether others may be stored without the message that is at fault: its values, or its size."""
        too_much = isinstance(error, MemoryError) or (
            isinstance(error, psycopg2.Error) and error.pgcode == errorcodes.OUT_OF_MEMORY
        )
        return too_much or not is_passing(error)

    def _is_stored(self, values):
        key = values.get("remote_key")
        return bool(key and self.search_count([("server_id", "=", values["server_id"]), ("remote_key", "=", key)]))

    # ------------------------------------------------------------------ what is known

    @api.model
    def _known_keys(self, server, keys) -> set:
        """Those of `keys` that `server` delivered before."""
        return self._keys_among(server, keys, [])

    @api.model
    def _keys_among(self, server, keys, domain) -> set:
        by_stored = {bounded(key): key for key in keys}
        of_server = [("server_id", "=", server.id), ("remote_key", "in", list(by_stored))]
        rows = self.search_fetch([*of_server, *domain], ["remote_key"])
        return {by_stored[key] for key in rows.mapped("remote_key")}

    @api.model
    def _known_sources(self, server, sources) -> set:
        """Those of `sources` that `server` delivered before, whatever their key was."""
        by_digest = {digest_of(source): source for source in sources}
        rows = self.search_fetch([("server_id", "=", server.id), ("digest", "in", list(by_digest))], ["digest"])
        return {by_digest[digest] for digest in rows.mapped("digest")}

    @api.model
    def _forget_removed(self, server, prefix, keys):
        """Free the remote keys that begin with `prefix` and are not among `keys`, nor one of them with a digest added.

        Rows that a lane works on are left for the next time.
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
