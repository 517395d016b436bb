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
    """From the spool to the record."""

    _inherit = "mail.inbound.message"

    @api.model
    def _run_lane(self):
        """Body of the scheduled actions "lane": deliver what is due, message by message."""
        lane = self.with_user(SUPERUSER_ID)  # an administrator may have changed the user of the scheduled action
        while message := lane._take_next():
            message._deliver()
            # one more may be due: the job goes on until nothing can be taken or its time is up
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    # ------------------------------------------------------------------ taking

    @api.model
    def _take_next(self):
        """Count a try of the next due message and commit that.

        A worker that dies afterwards has used up one try: a message that kills it ends as failed, not in a loop.

        :return: the message, empty when no message is due that no other lane works on
        """
        while True:
            self.env.cr.commit()  # a new snapshot: what other lanes did since counts
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
        """Raise the number of tries, or set the message aside when they are used up.

        The next try is put off at the same time, so that no other lane takes the message between this commit and
        the lock of the try, and a crash does not repeat itself at once.
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
        """One try. Any exception rolls back everything but the counted try."""
        self.ensure_one()
        tries, begun = self.try_count, []
        try:
            # conflicts with other transactions are repeated as Odoo does for requests
            with no_values_in_log():
                retrying(partial(self._try_delivery, tries, begun), self.env)
        except Exception as error:  # noqa: BLE001 whatever it is, the message stays and says why
            self._settle_error(error, tries, begun[-1] if begun else None)

    def _try_delivery(self, tries, begun):
        """The record and the state are written in the same transaction.

        :param list begun: gets the delivery
        """
        if not self._lock_for_try(tries):
            return
        delivery = Delivery(self._request())
        begun.append(delivery)
        self._hand_to_odoo(delivery)
        self._settle(delivery)

    def _request(self):
        """What the delivery of this message is asked to do; the last try is content with text and the source attached.

        Mail that a lane causes waits for the queue: it never leaves if the delivery fails, and delays no lane. What a
        program hands over is delivered as core does.
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
            # what a person decided about waits for a person
            discards_unroutable=server.unroutable == "discard" and not self.decided_by_id,
        )

    def _lock_for_try(self, tries) -> bool:
        """Take the row lock again; False when another process handled the message meanwhile."""
        self.invalidate_recordset()
        locked = self.try_lock_for_update(allow_referencing=True)
        return bool(locked) and self.try_count == tries and self.state in ("received", "deferred")

    def _decided_route(self):
        if self.route_alias_id:
            return Route(self.route_alias_id.alias_model_id.model, alias_id=self.route_alias_id.id)
        return Route(self.route_model, self.route_res_id) if self.route_model else None

    def _hand_to_odoo(self, delivery):
        """Odoo's own gateway does the work, with the settings of the incoming server.

        What a rule stops before it is parsed is not read into memory; its head is enough to tell the sender.
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
