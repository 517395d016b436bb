from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL


def _search_by(name):
    """How to search rows by a field of their message."""
    return lambda self, operator, value: self._search_by_message(name, operator, value)


class MailOutgoingSelection(models.Model):
    """Leads from how an e-mail was sent to the message and its record, as far as the user may read the message.

    Sending details are for every postmaster, messages are not: a private conversation stays private.
    """

    _inherit = "mail.outgoing.selection"

    # both are called by the subject, which the web client shows to whoever sees the link
    mail_message_id = fields.Many2one(groups="base.group_system")
    mail_mail_id = fields.Many2one(groups="base.group_system")

    subject = fields.Char(compute="_compute_from_message", search=_search_by("subject"))
    res_model = fields.Char("Record Model", compute="_compute_from_message", search=_search_by("model"))
    res_id = fields.Many2oneReference(
        "Record ID", model_field="res_model", compute="_compute_from_message", search=_search_by("res_id")
    )
    author_id = fields.Many2one("res.partner", compute="_compute_from_message", search=_search_by("author_id"))

    @api.depends(
        "mail_message_id.subject", "mail_message_id.model", "mail_message_id.res_id", "mail_message_id.author_id"
    )
    @api.depends_context("uid")
    def _compute_from_message(self):
        """Of the messages that the user may read; what a related field shows, everybody sees."""
        readable = self._messages()._filtered_access("read")
        for row in self:
            # sudo: mail.outgoing.selection, mail.message - checked just now; empty for the others
            message = row.sudo().mail_message_id & readable
            row.subject, row.author_id = message.subject, message.author_id
            row.res_model, row.res_id = message.model, message.res_id

    def _messages(self):
        """The messages, with the user's own rights; without those of models that are no longer installed, whose
        rights core can't tell.
        """
        # sudo: mail.outgoing.selection - which message it is tells nothing yet
        messages = self.sudo().mail_message_id
        return messages.filtered(lambda message: not message.model or message.model in self.env).with_env(self.env)

    @api.model
    def _search_by_message(self, name, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        # sudo: mail.outgoing.selection - rows are for every postmaster; of the messages, core looks at the rights
        rows = self.sudo()
        with_rows = rows._search([]).subselect(SQL.identifier(self._table, "mail_message_id"))
        # core asks the database at once, and flushes nothing but what it needs for the rights
        self.env["mail.message"].flush_model([name])
        messages = self.env["mail.message"]._search([("id", "in", with_rows), (name, operator, value)])
        return [("id", "in", rows._search([("mail_message_id", "in", messages)]))]

    @api.depends("subject", "server_name")
    @api.depends_context("uid")
    def _compute_display_name(self):
        for selection in self:
            selection.display_name = selection.subject or selection.server_name

    def action_open_record(self):
        """Show the record whose chatter has the message.

        :raises AccessError: for whoever may not read the message
        :raises UserError: when the record no longer exists
        """
        self.ensure_one()
        self.check_access("read")
        self._messages().check_access("read")
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
