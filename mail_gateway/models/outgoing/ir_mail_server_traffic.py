"""Which traffic outgoing mail servers send: transactional e-mails, mass mail, or both."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...tools.server_selection import ANY_TRAFFIC, Traffic

DEDICATED_SERVER = "mass_mailing.mail_server_id"


class IrMail_Server(models.Model):
    """Separates mass mail from transactional e-mails, so that complaints about one do not delay the other."""

    _inherit = "ir.mail_server"

    traffic = fields.Selection(
        [("any", "Any"), ("transactional", "Transactional Only"), ("mass", "Mass Only")],
        default=ANY_TRAFFIC,
        help="Which e-mails this server sends. Mass mail is: mailings of Email Marketing, e-mails to many records at once "
        "from a list, event reminders, and e-mails with “Precedence: bulk”. All others are transactional: notifications, "
        "replies, documents. Use separate servers if spam complaints about mailings delay your other e-mails.",
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
        """Return the unfinished mailings of Email Marketing that specify this server, if that is installed."""
        return "active_mailing_ids" in self._fields and self.sudo().active_mailing_ids


class IrConfigParameter(models.Model):
    """Checks the dedicated server of Email Marketing, which is a system parameter."""

    _inherit = "ir.config_parameter"

    @api.constrains("key", "value")
    def _check_dedicated_server(self):
        for parameter in self.filtered(lambda parameter: parameter.key == DEDICATED_SERVER):
            servers = self.env["ir.mail_server"].sudo().search([("traffic", "=", Traffic.TRANSACTIONAL.value)])
            for server in servers.filtered(lambda server, value=parameter.value: str(server.id) == value):
                raise ValidationError(server._dedicated_server_message())
