from odoo import fields, models

from odoo.addons.mail.tools.discuss import Store

POSTMASTER = "mail_gateway.group_postmaster"


class MailMessage(models.Model):
    """Leads a postmaster from a chatter message to how its e-mails were sent."""

    _inherit = "mail.message"

    outgoing_selection_ids = fields.One2many("mail.outgoing.selection", "mail_message_id", groups="base.group_system")
    outgoing_selection_count = fields.Integer(
        "Sending Details", compute="_compute_outgoing_selection_count", groups=POSTMASTER
    )

    def _compute_outgoing_selection_count(self):
        # sudo: mail.outgoing.selection - that there are some is for every postmaster, whose message it is besides
        groups = (
            self.env["mail.outgoing.selection"]
            .sudo()
            ._read_group([("mail_message_id", "in", self.ids)], ["mail_message_id"], ["__count"])
        )
        counts = {message.id: count for message, count in groups}
        for message in self:
            message.outgoing_selection_count = counts.get(message.id, 0)

    def _to_store_defaults(self, target):
        """Extends core's method: the chatter offers the sending details to a postmaster, and asks for nobody else."""
        names = super()._to_store_defaults(target)
        if target.is_current_user(self.env) and self.env.user.has_group(POSTMASTER):
            names = [*names, Store.Attr("hasSendingDetails", lambda message: message._may_have_sending_details())]
        return names

    def _may_have_sending_details(self):
        """Whether an e-mail of this message has left, or is about to."""
        # sudo: mail.message - core reads the same notifications for the chatter
        told_by = self.sudo().notification_ids.mapped("notification_type")
        return "email" in told_by or self.message_type == "email_outgoing" or bool(self.outgoing_selection_count)

    def action_open_sending_details(self):
        """Show how the e-mails of this message were sent.

        :return: an action: the only one in a dialog, several as a list; a notice when none has left
        :raises AccessError: for whoever is no postmaster
        """
        self.ensure_one()
        self.check_access("read")
        rows = self.env["mail.outgoing.selection"]
        rows.check_access("read")
        # sudo: mail.outgoing.selection - which message a row is about is told to whoever may read that
        sent = rows.sudo().search([("mail_message_id", "=", self.id)]).with_env(self.env)
        return sent._action_open() if sent else self._action_nothing_left()

    def _action_nothing_left(self):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "No e-mail of this message has left yet, or it left before this was written down."
                ),
            },
        }
