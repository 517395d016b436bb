"""The delivery of inbound messages: lanes, and one try."""

from functools import partial

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api, fields, models
from odoo.service.model import retrying

from ...tools.delivery import Delivery, DeliveryRequest, Route
from ...tools.headers.message_head import HEADER_BYTES
from ...tools.policy import Cause, Stage
from ...tools.retry import MAX_TRIES, delay_after_try
from ...tools.sql_log import no_values_in_log


class MailInboundMessage(models.Model):
    """Delivers stored messages to records."""

    _inherit = "mail.inbound.message"

    @api.model
    def _run_lane(self):
        """Body of the scheduled actions "lane": deliver due messages one by one."""
        lane = self.with_user(SUPERUSER_ID)  # an administrator may have changed the user of the scheduled action
        while message := lane._take_next():
            message._deliver()
            # another message may be due: the action goes on until it can take none, or its time is up
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    # ------------------------------------------------------------------ taking a message

    @api.model
    def _take_next(self):
        """Count a try of the next due message and commit that.

        A worker that dies afterwards has used up one try: a message that kills workers ends as failed, not in a loop.

        :return: the message; empty when no message is due, or other lanes are processing all due ones
        """
        while True:
            self.env.cr.commit()  # a new snapshot, which shows what other lanes did since
            try:
                message = self._lock_next_due()
                if not message:
                    return message
                tries_left = message._count_try()
                self.env.cr.commit()
            except SerializationFailure:
                # another lane committed this very row between our snapshot and our lock
                self.env.cr.rollback()
                continue
            if tries_left:
                return message

    def _count_try(self) -> bool:
        """Count a try, or mark the message as failed when its tries are used up.

        It also postpones the next try, so that no other lane takes the message between this commit and the lock of the
        try, and a crash does not repeat itself at once.
        """
        self.invalidate_recordset()
        if self.try_count >= MAX_TRIES:
            self._move_to(
                "failed",
                self.env._(
                    "Odoo tried %s times. Each time its process crashed or ran out of time. The message may be "
                    "too large or too complicated.",
                    self.try_count,
                ),
                cause=Cause.KILLED.value,
            )
            return False
        tries = self.try_count + 1
        self.write({"try_count": tries, "next_try": fields.Datetime.now() + delay_after_try(tries)})
        return True

    # ------------------------------------------------------------------ one try

    def _deliver(self):
        """Try once to deliver the message. Any exception rolls back everything except the count of the try."""
        self.ensure_one()
        tries, begun = self.try_count, []
        try:
            # repeated after conflicts with other transactions, as Odoo does for requests
            with no_values_in_log():
                retrying(partial(self._try_delivery, tries, begun), self.env)
        except Exception as error:  # noqa: BLE001 whatever it is, the message stays and says why
            self._settle_error(error, tries, begun[-1] if begun else None)

    def _try_delivery(self, tries, begun):
        """Deliver the message: Odoo writes the record and the state in the same transaction.

        :param list begun: receives the delivery
        """
        if not self._lock_for_try(tries):
            return
        delivery = Delivery(self._request())
        begun.append(delivery)
        self._hand_to_odoo(delivery)
        self._settle(delivery)

    def _request(self):
        """Return the request for a delivery of this message. The last try processes only the text, and attaches the source.

        Mail that a lane causes is left to the queue: it is never sent if the delivery fails, and delays no lane. Messages
        that programs hand over are delivered as core does.
        """
        server = self.server_id
        return DeliveryRequest(
            size=self.size,
            inbound_id=self.id or 0,
            server_id=server.id or 0,
            is_head=self.is_head,
            may_be_large=self.may_be_large,
            try_count=self.try_count,
            deferral_count=self.deferral_count,
            text_only=self.try_count >= MAX_TRIES,
            queues_mail=True,
            route=self._decided_route(),
            released=self.released,
            # messages that a person decided about wait for a person again
            discards_unroutable=server.unroutable == "discard" and not self.decided_by_id,
        )

    def _lock_for_try(self, tries) -> bool:
        """Take the row lock again; return False when another process handled the message meanwhile."""
        self.invalidate_recordset()
        locked = self.try_lock_for_update(allow_referencing=True)
        return bool(locked) and self.try_count == tries and self.state in ("received", "deferred")

    def _decided_route(self):
        if self.route_alias_id:
            return Route(self.route_alias_id.alias_model_id.model, alias_id=self.route_alias_id.id)
        return Route(self.route_model, self.route_res_id) if self.route_model else None

    def _hand_to_odoo(self, delivery):
        """Hand the message to Odoo's own gateway, with the settings of the incoming server.

        If a rule stops the message before parsing, only its headers are read into memory: they are enough to notify the
        sender.
        """
        self.env["mail.inbound.rule"]._judge(delivery, Stage.SOURCE)
        server, call = self.server_id, self._call_arguments(delivery.request)
        thread = self.env["mail.thread"].with_context(**{Delivery.KEY: delivery}, default_fetchmail_server_id=server.id)
        thread.message_process(
            call.get("model") or server.object_id.model,
            self._source_bytes(HEADER_BYTES if delivery.stopped else None),
            custom_values=call.get("custom_values"),
            save_original=server.original or call.get("save_original", False),
            strip_attachments=(bool(server) and not server.attach) or call.get("strip_attachments", False),
            thread_id=call.get("thread_id"),
        )
