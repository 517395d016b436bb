from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...tools.server_selection import ANY_TRAFFIC, Traffic

DEDICATED_SERVER = "mass_mailing.mail_server_id"


class IrMail_Server(models.Model):
    """Which kind of mail an outgoing server carries."""

    _inherit = "ir.mail_server"

    traffic = fields.Selection(
        [("any", "Any mail"), ("transactional", "Transactional mail only"), ("mass", "Mass mail only")],
        string="Carries",
        default=ANY_TRAFFIC,
        help="Mass mail: mailings of Email Marketing, e-mails to many records at once from a list, reminders of events, "
        "and whatever says “Precedence: bulk”. Everything else is transactional: notifications, answers, documents.",
    )

    @api.constrains("traffic")
    def _check_traffic_of_dedicated_server(self):
        dedicated = self.env["ir.config_parameter"].sudo().get_param(DEDICATED_SERVER)
        for server in self.filtered(lambda server: server.traffic == Traffic.TRANSACTIONAL):
            if dedicated == str(server.id):
                raise ValidationError(server._dedicated_server_message())
            if mailings := server._mailings_to_send():
                raise ValidationError(server._mailings_message(mailings))

    def _mailings_to_send(self):
        """Mailings of Email Marketing, if that is installed, that name this server and are not done."""
        return "active_mailing_ids" in self._fields and self.sudo().active_mailing_ids


class IrConfigParameter(models.Model):
    """Email Marketing keeps its dedicated server in a system parameter."""

    _inherit = "ir.config_parameter"

    @api.constrains("key", "value")
    def _check_dedicated_server(self):
        for parameter in self.filtered(lambda parameter: parameter.key == DEDICATED_SERVER):
            servers = self.env["ir.mail_server"].sudo().search([("traffic", "=", Traffic.TRANSACTIONAL.value)])
            for server in servers.filtered(lambda server, value=parameter.value: str(server.id) == value):
                raise ValidationError(server._dedicated_server_message())
