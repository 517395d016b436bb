from odoo import api, models

LANES_PARAMETER = "mail_gateway.lanes"
DEFAULT_LANES = 2
MOST_LANES = 16


class MailInboundLane(models.Model):
    """The lanes: identical scheduled actions that deliver at the same time, on every host of the database."""

    _inherit = "mail.inbound.message"

    @api.model
    def _lanes(self):
        """All lanes, archived ones too."""
        data = self.env["ir.model.data"].sudo()
        ids = data.search([("module", "=", "mail_gateway"), ("name", "=like", "ir\\_cron\\_lane\\_%")]).mapped("res_id")
        return self.env["ir.cron"].sudo().with_context(active_test=False).browse(sorted(ids)).exists()

    @api.model
    def _wake_lanes(self):
        """Have the lanes look for work as soon as the transaction is committed."""
        for lane in self._lanes().filtered("active"):
            lane._trigger()

    @api.model
    def _set_lane_count(self, count: int):
        """Have exactly `count` lanes at work.

        :raises UserError: when a lane that is to change is at work this moment (core's rule for scheduled actions)
        """
        lanes = self._lanes()
        for number in range(len(lanes) + 1, count + 1):
            lanes += self._add_lane(lanes[0], number)
        for number, lane in enumerate(lanes, start=1):
            if lane.active != (number <= count):
                lane.active = number <= count

    def _add_lane(self, pattern, number):
        lane = pattern.copy({"name": f"Mail: deliver inbound messages, lane {number}", "active": True})
        # named, so that uninstalling removes it
        self.env["ir.model.data"].sudo().create(
            {
                "module": "mail_gateway",
                "name": f"ir_cron_lane_{number}",
                "model": "ir.cron",
                "res_id": lane.id,
                "noupdate": True,
            }
        )
        return lane
