"""The dialog that routes messages to a record or an alias."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.inbound.mail_inbound_message_call import TECHNICAL_MODELS
from ..tools.delivery import Route


class MailInboundRoute(models.TransientModel):
    """Asks a postmaster where to route held or failed messages."""

    _name = "mail.inbound.route"
    _description = "Route Inbound Messages"

    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Messages")
    target = fields.Selection(
        [("record", "Record"), ("alias", "Alias")],
        required=True,
        default="record",
        help="Record: Odoo adds the messages to its chatter.\n"
        "Alias: Odoo processes each message like mail to this alias, which usually creates a record.",
    )
    record = fields.Reference(selection="_selection_models")
    alias_id = fields.Many2one("mail.alias", domain=[("alias_name", "!=", False)])

    @api.model
    def _selection_models(self):
        """Return (model, label) of all models with chatter whose records the user may read, without technical models."""
        chatter = self.env["ir.model"].sudo().search([("is_mail_thread", "=", True), ("transient", "=", False)])
        usable = chatter.filtered(lambda m: m.model in self.env and not self.env[m.model]._abstract)
        usable = usable.filtered(lambda m: not m.model.startswith(TECHNICAL_MODELS))
        open_ones = usable.filtered(lambda m: self.env[m.model].has_access("read"))
        return [(model.model, model.name) for model in open_ones.sorted("name")]

    def action_route(self):
        """Hand the messages to delivery; lanes deliver them in a moment.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster, or may not change the record
        :raises UserError: when no target is chosen, or a message is neither held nor failed
        """
        self.ensure_one()
        self.check_access("read")
        if not (self.record if self.target == "record" else self.alias_id):
            raise UserError(self.env._("Choose a record or an alias to route the messages to."))
        if self.target == "record":
            self.record.check_access("write")
            route, name = Route(self.record._name, self.record.id), self._name_of(self.record)
        else:
            route = Route(self.alias_id.alias_model_id.sudo().model, alias_id=self.alias_id.id)
            name = self.alias_id.display_name
        return self.inbound_message_ids._route_to(route, name)

    def _name_of(self, record):
        return f"{self.env['ir.model']._get(record._name).sudo().name}: {record.display_name}"
