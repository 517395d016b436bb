"""Messages of which only the headers were fetched."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import human_size

from ...tools.fetch.mailbox_settings import MAX_BYTES
from ...tools.policy import Action, Stage
from .mail_inbound_message import HELD_UP

# visits to the mail server in which Odoo tries to fetch a full message that a person requested
MAX_FETCH_TRIES = 3


class MailInboundMessage(models.Model):
    """Messages over the size limit: Odoo fetched only their headers, and the rest stays on the mail server.

    Odoo does not acknowledge such a message, so it is neither marked as read, moved nor deleted there. When a person
    requests the full message, the next visit fetches it.
    """

    _inherit = "mail.inbound.message"

    is_head = fields.Boolean(
        "Headers Only",
        readonly=True,
        help="Odoo fetched only the headers of this message, because it is larger than Largest Message in the settings. "
        "The full message is on the mail server.",
    )
    fetch_requested = fields.Boolean(
        readonly=True,
        help="A postmaster requested the full message: Odoo fetches it the next time it connects to the mail server, "
        "whatever its size.",
    )
    fetch_try_count = fields.Integer("Fetch Tries", readonly=True, aggregator=None)
    may_be_large = fields.Boolean(
        "Fetched on Request",
        readonly=True,
        help="A postmaster requested the full message: no rule checks its size again.",
    )
    is_fetchable = fields.Boolean(
        compute="_compute_is_fetchable", help="Whether a postmaster can request the full message."
    )

    _requested_index = models.Index("(server_id) WHERE fetch_requested")

    @api.depends("is_head", "fetch_requested", "state", "server_id.active", "server_id.state")
    def _compute_is_fetchable(self):
        for message in self:
            waits = message.is_head and message.state in HELD_UP and not message.fetch_requested
            message.is_fetchable = waits and message._is_server_read()

    def _is_server_read(self):
        """Whether Odoo will visit the mail server that has the rest of the message again."""
        server = self.server_id.sudo()
        return bool(server) and server.active and server.state == "done"

    def action_fetch_whole(self):
        """Have the next visit to the mail server fetch messages of which only the headers are stored.

        :return: an action that shows a notification
        :raises UserError: when there is nothing to fetch, or Odoo can't store a message of that size
        """
        messages = self._decidable("received").filtered("is_fetchable")
        if not messages:
            raise UserError(
                self.env._(
                    "Nothing to fetch. Choose held messages of which only the headers are stored and the rest is not "
                    "requested yet, from an incoming mail server that is confirmed and not archived."
                )
            )
        if beyond := messages.filtered(lambda message: message.size > MAX_BYTES)[:1]:
            raise UserError(
                self.env._(
                    "“%(subject)s” has %(size)s. Odoo can store messages of up to %(limit)s.",
                    subject=beyond.display_name,
                    size=human_size(beyond.size),
                    limit=human_size(MAX_BYTES),
                )
            )
        messages._decided("fetch")._request_fetch()
        reason = self.env._(
            "Odoo fetches it with the next connection to the mail server. Requested by %s.", self.env.user.name
        )
        messages.write({"reason": reason})
        return self._notify(
            self.env._("Fetch requested: %s. Odoo connects to the mail server in a moment.", messages._counted())
        )

    def _request_fetch(self):
        self.write({"fetch_requested": True, "fetch_try_count": 0})
        self.env.ref("mail.ir_cron_mail_gateway_action").sudo()._trigger()

    # ------------------------------------------------------------------ during a visit

    @api.model
    def _heads_among(self, server, keys) -> set:
        """Return the keys of messages of which only the headers are stored."""
        return self._keys_among(server, keys, [("is_head", "=", True)])

    @api.model
    def _requested_keys(self, server) -> list:
        """Return the keys of messages that a visit is to fetch in full, those with the fewest tries first."""
        waiting = self._requested_of(server)
        given_up = waiting.filtered(lambda message: message.fetch_try_count >= MAX_FETCH_TRIES)
        given_up.write(
            {
                "fetch_requested": False,
                "reason": self.env._(
                    "Only its headers are stored. Odoo tried %s times to fetch the full message: it is no longer "
                    "on the mail server, or reading it takes too long.",
                    MAX_FETCH_TRIES,
                ),
            }
        )
        return (waiting - given_up).mapped("remote_key")

    @api.model
    def _count_request(self, server, key):
        """Count a try to fetch a message in full; a visit may end before it has tried all of them."""
        for message in self._requested_of(server, [("remote_key", "=", key)]):
            message.fetch_try_count += 1

    def _requested_of(self, server, domain=()):
        return self.search(
            [
                ("server_id", "=", server.id),
                ("fetch_requested", "=", True),
                ("is_head", "=", True),
                ("state", "in", HELD_UP),
                *domain,
            ],
            order="fetch_try_count, id",
        )

    @api.model
    def _complete(self, server, message) -> bool:
        """Store the full message that a person requested, and hand it to delivery.

        :param message: :class:`~...tools.fetch.mailbox.RemoteMessage`
        :return: False when the request was withdrawn; then the message stays on the mail server
        """
        found = self._requested_of(server, [("remote_key", "=", message.key)]).try_lock_for_update()
        if not found:
            return False
        found.write(
            {
                "is_head": False,
                "fetch_requested": False,
                "may_be_large": True,
                "digest": message.values.digest,
                "size": len(message.source),
            }
        )
        found._write_source(message.source)
        self.env["mail.inbound.acknowledgement"]._owe([(server.id, message.key)])
        found._requeue(self.env._("Odoo fetched it on request."))
        return True

    # ------------------------------------------------------------------ delivery

    def _hand_to_odoo(self, delivery):
        """Extends the method: unless a rule stops the message, Odoo holds it, and requests the full message if possible."""
        if not self.is_head:
            return super()._hand_to_odoo(delivery)
        self.env["mail.inbound.rule"]._judge(delivery, Stage.SOURCE)
        if delivery.stopped:
            return super()._hand_to_odoo(delivery)
        if self.size > MAX_BYTES:
            words = self.env._(
                "Only its headers are stored: Odoo can store messages of up to %s.", human_size(MAX_BYTES)
            )
        elif not delivery.request.is_dry_run and not self._is_server_read():
            words = self.env._(
                "Only its headers are stored. Confirm its incoming mail server, or restore it from the archive, "
                "to fetch the full message."
            )
        else:
            words = self.env._(
                "Only its headers are stored. Odoo fetches the full message with the next connection to the mail server."
            )
            if not delivery.request.is_dry_run:
                self._request_fetch()
        delivery.decide(Action.HOLD, words, "size")
        return None

    @api.depends("is_head")
    def _compute_preview(self):
        """Extends the method: adds a note to messages of which only the headers are stored."""
        result = super()._compute_preview()
        for message in self.filtered("is_head"):
            note = self.env._("[Only the headers were fetched. The full message is on the mail server.]")
            message.preview = "\n\n".join(filter(None, (message.preview, note)))
        return result
