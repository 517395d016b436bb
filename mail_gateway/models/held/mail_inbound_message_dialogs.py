"""The dialogs and forms that open from inbound messages."""

from odoo import fields, models
from odoo.exceptions import UserError


class MailInboundMessage(models.Model):
    """The dialogs in which a postmaster decides about messages, and the record that a message led to."""

    _inherit = "mail.inbound.message"

    def action_route(self):
        """Open the dialog that asks where to route messages; it proposes an alias for unroutable ones.

        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        unroutable = all(message.cause in self._UNROUTABLE for message in self._decidable("received"))
        target = "alias" if unroutable else "record"
        return self._open_dialog("mail.inbound.route", self.env._("Route to a Record or Alias"), default_target=target)

    def action_reject(self):
        """Open the dialog that asks what to write to the senders.

        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        self._decidable("rejected")
        return self._open_dialog("mail.inbound.reject", self.env._("Reject"))

    def action_bulk_decision(self):
        """Open the dialog about all similar messages that are held now; it leaves out those that come in later.

        :raises AccessError: when the user is no postmaster
        :raises UserError: when a message is neither held nor failed
        """
        similar = self._decidable("received")._held_alike()
        wizard = self.env["mail.inbound.bulk.decision"].create(
            {"decided_message_ids": [fields.Command.set(similar.ids)]}
        )
        return {**self._open_dialog(wizard._name, self.env._("All Similar Messages")), "res_id": wizard.id}

    def _open_dialog(self, wizard, title, **context):
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": wizard,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_inbound_message_ids": [fields.Command.set(self.ids)], **context},
        }

    def action_explain(self):
        """Show what would become of the message if Odoo processed it now.

        :raises AccessError: when the user is no postmaster
        """
        self.ensure_one()
        self.check_access("read")
        return (
            self.env["mail.inbound.explain"]
            .create({"given": "message", "inbound_message_id": self.id})
            .action_explain()
        )

    def action_open_record(self):
        """Show the record that the message created or updated.

        :raises AccessError: when the user is no postmaster
        :raises UserError: when the record no longer exists
        """
        self.ensure_one()
        self.check_access("read")
        record = self.env[self.res_model].browse(self.res_id).exists() if self.res_model in self.env else None
        if not record:
            raise UserError(self.env._("The record of this message no longer exists."))
        return record._get_records_action(context={})

    # ------------------------------------------------------------------ similar messages

    def _held_alike(self):
        """Return all similar messages that are held or failed, including these.

        Similar messages have the same state and cause; beyond that, messages over a limit have the same sender,
        unroutable ones the same recipients, others the same rule, or the same reason where there is no cause.
        """
        return self.union(*(self.search(message._held_alike_domain()) for message in self))

    def _held_alike_domain(self):
        if self.cause in self._LIMITS:
            key = "sender"
        elif self.cause in self._UNROUTABLE:
            key = "recipients"
        else:
            key = "rule_id" if self.cause else "reason"
        value = self[key].id if key == "rule_id" else self[key]
        return [("state", "=", self.state), ("cause", "=", self.cause), (key, "=", value)]
