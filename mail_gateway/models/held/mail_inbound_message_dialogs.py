from odoo import fields, models
from odoo.exceptions import UserError


class MailInboundDialogs(models.Model):
    """The dialogs in which a postmaster decides about messages, and what else opens from them."""

    _inherit = "mail.inbound.message"

    def action_route(self):
        """Open the dialog that asks where the messages go: to an alias as a rule, where nobody was at home."""
        unroutable = all(message.cause in self._UNROUTABLE for message in self._decidable("received"))
        target = "alias" if unroutable else "record"
        return self._open_dialog("mail.inbound.route", self.env._("Route to a Record or Alias"), default_target=target)

    def action_reject(self):
        """Open the dialog that asks what the senders are told."""
        self._decidable("rejected")
        return self._open_dialog("mail.inbound.reject", self.env._("Reject"))

    def action_bulk_decision(self):
        """Open the dialog about everything that is held for the same, as it is now: what comes in later waits."""
        alike = self._decidable("received")._held_alike()
        wizard = self.env["mail.inbound.bulk.decision"].create({"decided_message_ids": [fields.Command.set(alike.ids)]})
        return {**self._open_dialog(wizard._name, self.env._("All Like This")), "res_id": wizard.id}

    def _open_dialog(self, wizard, title, **context):
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": wizard,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_inbound_message_ids": [fields.Command.set(self.ids)], **context},
        }

    def action_open_record(self):
        """Show the record that the message made or updated.

        :raises AccessError: for whoever is no postmaster
        """
        self.ensure_one()
        self.check_access("read")
        if self.res_model not in self.env or not self.env[self.res_model].browse(self.res_id).exists():
            raise UserError(self.env._("The record of this message no longer exists."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------------ all like these

    def _held_alike(self):
        """Everything that is held, or failed, for the same as these messages, themselves included.

        The same cause and, for limits, the same sender; where nobody was at home, the same recipients; else the same
        rule, or the same reason where there is no cause.
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
