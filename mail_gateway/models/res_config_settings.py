from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .mail_inbound_lane import DEFAULT_LANES, LANES_PARAMETER, MOST_LANES
from .mail_inbound_spool import RETENTION_DAYS, RETENTION_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    inbound_lanes = fields.Integer(
        "Delivery Lanes",
        config_parameter=LANES_PARAMETER,
        default=DEFAULT_LANES,
        help="How many inbound messages are delivered at the same time.",
    )
    inbound_retention_days = fields.Integer(
        "Keep Sources",
        config_parameter=RETENTION_PARAMETER,
        default=RETENTION_DAYS,
        help="Days after which the source of a message that was dealt with is deleted. Sources of held and failed "
        "messages are kept.",
    )

    @api.constrains("inbound_lanes", "inbound_retention_days")
    def _check_inbound(self):
        for settings in self:
            if not 1 <= settings.inbound_lanes <= MOST_LANES:
                raise ValidationError(self.env._("Delivery lanes: from 1 to %s.", MOST_LANES))
            if settings.inbound_retention_days < 1:
                raise ValidationError(self.env._("Days to keep sources: 1 or more."))

    def set_values(self):
        before = self.default_get(["inbound_lanes"])["inbound_lanes"]
        super().set_values()
        if self.inbound_lanes != before:  # whoever switched a lane off by hand meant it
            self.env["mail.inbound.message"]._set_lane_count(self.inbound_lanes)
