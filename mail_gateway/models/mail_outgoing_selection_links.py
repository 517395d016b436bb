from odoo import api, fields, models
from odoo.exceptions import UserError


class MailOutgoingSelection(models.Model):
    """Leads from how an e-mail was sent to the message and its record."""

    _inherit = "mail.outgoing.selection"

    subject = fields.Char(related="mail_message_id.subject")
    res_model = fields.Char("Record Model", related="mail_message_id.model")
    res_id = fields.Many2oneReference("Record ID", model_field="res_model", related="mail_message_id.res_id")
    author_id = fields.Many2one("res.partner", "Author", related="mail_message_id.author_id")

    @api.depends("mail_message_id.subject", "server_name")
    def _compute_display_name(self):
        for selection in self:
            selection.display_name = selection.subject or selection.server_name

    def action_open_record(self):
        """Show the record whose chatter has the message.

        :raises UserError: when the record no longer exists
        """
        self.ensure_one()
        if self.res_model not in self.env or not self.env[self.res_model].browse(self.res_id).exists():
            raise UserError(self.env._("The record of this message no longer exists."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }

    def _action_open(self):
        """Show these rows: one in a dialog, several as a list."""
        if len(self) > 1:
            action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_outgoing_selection_action")
            return {**action, "domain": [("id", "in", self.ids)], "context": {}}
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Sending Details"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(self.env.ref("mail_gateway.mail_outgoing_selection_view_form_dialog").id, "form")],
            "target": "new",
        }
