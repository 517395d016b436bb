"""The data of messages that sending details show to users who may read the messages."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL


def _search_by(name):
    """Return a search method for a field of the message."""
    return lambda self, operator, value: self._search_by_message(name, operator, value)


class MailOutgoingSelection(models.Model):
    """Shows the subject, the author and the record of a message, if the user may read the message.

    Every postmaster may read sending details, but not every message: a private conversation stays private.
    """

    _inherit = "mail.outgoing.selection"

    # hidden, because the web client shows the display name of a link: that of both is the subject
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
        """Show messages that the user may read; a related field would show all of them to everybody."""
        readable = self._messages()._filtered_access("read")
        for row in self:
            # sudo: mail.outgoing.selection, mail.message - checked just now; empty for other messages
            message = row.sudo().mail_message_id & readable
            row.subject, row.author_id = message.subject, message.author_id
            row.res_model, row.res_id = message.model, message.res_id

    def _messages(self):
        """Return the messages with the user's own rights, without those of models that are no longer installed, for
        which core can't check rights.
        """
        # sudo: mail.outgoing.selection - the id of a message reveals nothing
        messages = self.sudo().mail_message_id
        return messages.filtered(lambda message: not message.model or message.model in self.env).with_env(self.env)

    @api.model
    def _search_by_message(self, name, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        # sudo: mail.outgoing.selection - every postmaster may read rows; core checks the rights on the messages
        rows = self.sudo()
        with_rows = rows._search([]).subselect(SQL.identifier(self._table, "mail_message_id"))
        # core queries the database at once, and flushes only the fields that it needs for the rights
        self.env["mail.message"].flush_model([name])
        messages = self.env["mail.message"]._search([("id", "in", with_rows), (name, operator, value)])
        return [("id", "in", rows._search([("mail_message_id", "in", messages)]))]

    @api.depends("subject", "server_name")
    @api.depends_context("uid")
    def _compute_display_name(self):
        """Replaces core's method: the subject, if the user may read the message, otherwise the server."""
        for selection in self:
            selection.display_name = selection.subject or selection.server_name

    def action_open_record(self):
        """Open the record whose chatter contains the message.

        :return: an action
        :raises AccessError: for users who may not read the message
        :raises UserError: when the record no longer exists
        """
        self.ensure_one()
        self.check_access("read")
        self._messages().check_access("read")
        if self.res_model not in self.env or not (record := self.env[self.res_model].browse(self.res_id)).exists():
            raise UserError(self.env._("The record of this message no longer exists."))
        return record._get_records_action()

    def _action_open(self):
        """Return the action that shows these rows: a single one in a dialog, several as a list."""
        name = self.env._("Sending Details")
        if len(self) > 1:
            return self._get_records_action(name=name, context={})
        dialog = self.env.ref("mail_gateway.mail_outgoing_selection_view_form_dialog")
        return self._get_records_action(name=name, views=[(dialog.id, "form")], target="new")
