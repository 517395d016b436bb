import base64
import hashlib
import json
from contextlib import suppress

from odoo import api, models

from ..tools.headers import read_headers


class MailInboundSpool(models.Model):
    """How messages get into the spool."""

    _inherit = "mail.inbound.message"

    @api.model
    def _store(self, server, messages):
        """Add fetched messages. The caller commits, and only then tells the mail server.

        :param server: fetchmail.server that they come from
        :param list messages: RemoteMessage tuples
        """
        transport = server._get_connection_type()
        stored = self.create(
            [
                {
                    **self._values_from_source(message.source),
                    "transport": transport,
                    "server_id": server.id,
                    "remote_key": message.key,
                }
                for message in messages
            ]
        )
        self.env["mail.inbound.receipt"]._owe(server, [message.key for message in messages])
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
        values = {**self._values_from_source(source), "transport": "call", "next_try": False}
        with suppress(TypeError, ValueError):
            values["call"] = json.loads(json.dumps(call))
        return self.create({**values, "state": "received"})

    @api.model
    def _values_from_source(self, source: bytes) -> dict:
        """Field values of a new message; whatever the bytes are, there are some."""
        headers = read_headers(source)
        return {
            "subject": headers.subject,
            "email_from": headers.sender,
            "recipients": headers.recipients,
            "message_id": headers.message_id or False,
            "conversation": headers.conversation or False,
            "source": base64.b64encode(source),
            "digest": self._digest(source),
            "size": len(source),
        }

    @staticmethod
    def _digest(source: bytes) -> str:
        return hashlib.sha256(source).hexdigest()

    @api.model
    def _known_keys(self, server, keys) -> set:
        """Those of `keys` that `server` delivered before."""
        rows = self.search_fetch([("server_id", "=", server.id), ("remote_key", "in", list(keys))], ["remote_key"])
        return set(rows.mapped("remote_key"))

    @api.model
    def _known_sources(self, server, sources) -> set:
        """Those of `sources` that `server` delivered before, whatever their key was."""
        by_digest = {self._digest(source): source for source in sources}
        rows = self.search_fetch([("server_id", "=", server.id), ("digest", "in", list(by_digest))], ["digest"])
        return {by_digest[digest] for digest in rows.mapped("digest")}
