"""Chatter messages and the sending details of their e-mails."""

from odoo import fields, models

from odoo.addons.mail.tools.discuss import Store

from ..client_actions import notification

POSTMASTER = "mail_gateway.group_postmaster"


class MailMessage(models.Model):
    """Shows postmasters how the e-mails of a chatter message were sent."""

    _inherit = "mail.message"

    outgoing_selection_ids = fields.One2many("mail.outgoing.selection", "mail_message_id", groups="base.group_system")
    outgoing_selection_count = fields.Integer(
        "Sending Details", compute="_compute_outgoing_selection_count", groups=POSTMASTER
    )

    def _compute_outgoing_selection_count(self):
        # sudo: mail.outgoing.selection - every postmaster may know how many there are, even without access to the message
        groups = (
            self.env["mail.outgoing.selection"]
            .sudo()
            ._read_group([("mail_message_id", "in", self.ids)], ["mail_message_id"], ["__count"])
        )
        counts = {message.id: count for message, count in groups}
        for message in self:
            message.outgoing_selection_count = counts.get(message.id, 0)

    def _to_store_defaults(self, target):
        """Extends core's method: the chatter offers the sending details to postmasters only."""
        names = super()._to_store_defaults(target)
        if target.is_current_user(self.env) and self.env.user.has_group(POSTMASTER):
            names = [*names, Store.Attr("hasSendingDetails", lambda message: message._may_have_sending_details())]
        return names

    def _may_have_sending_details(self):
        """Return whether an e-mail of this message was sent, or is about to be."""
        # sudo: mail.message - core reads the same notifications for the chatter
        types = self.sudo().notification_ids.mapped("notification_type")
        return "email" in types or self.message_type == "email_outgoing" or bool(self.outgoing_selection_count)

    def action_open_sending_details(self):
        """Show how the e-mails of this message were sent.

        :return: an action: a single row opens in a dialog, several as a list; a notification if there is none
        :raises AccessError: for users who are not postmasters
        """
        self.ensure_one()
        self.check_access("read")
        rows = self.env["mail.outgoing.selection"]
        rows.check_access("read")
        # sudo: mail.outgoing.selection - the user may read the message, so also which rows belong to it
        sent = rows.sudo().search([("mail_message_id", "=", self.id)]).with_env(self.env)
        if sent:
            return sent._action_open()
        none = self.env._("No sending details yet: no e-mail of this message was sent, or it was sent long ago.")
        return notification("info", none)
