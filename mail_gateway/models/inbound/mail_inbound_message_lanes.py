"""The scheduled actions that deliver inbound messages."""

from odoo import SUPERUSER_ID, api, models

LANE_NAME = "ir_cron_lane_"


class MailInboundMessage(models.Model):
    """The lanes: identical scheduled actions that deliver at the same time, on every host of the database."""

    _inherit = "mail.inbound.message"

    @api.model
    def _lanes(self):
        """Return all lanes, including archived ones."""
        return self.env["ir.cron"].sudo().concat(*self._lanes_by_number().values())

    @api.model
    def _lanes_by_number(self):
        """Return a dictionary number -> ir.cron; an administrator may have deleted some."""
        pattern = LANE_NAME.replace("_", "\\_") + "%"
        named = (
            self.env["ir.model.data"]
            .sudo()
            .search([("module", "=", "mail_gateway"), ("model", "=", "ir.cron"), ("name", "=like", pattern)])
        )
        crons = self.env["ir.cron"].sudo()
        lanes = {int(data.name.removeprefix(LANE_NAME)): crons.browse(data.res_id) for data in named}
        return {number: lanes[number] for number in sorted(lanes) if lanes[number].exists()}

    @api.model
    def _wake_lanes(self):
        """Have the lanes look for work as soon as the transaction is committed."""
        for lane in self._lanes().filtered("active"):
            lane._trigger()

    @api.model
    def _set_lane_count(self, count: int):
        """Activate the lanes 1 to `count`, and deactivate all others.

        :raises UserError: when a lane that is to change is running at the moment (core's rule for scheduled actions)
        """
        lanes = self._lanes_by_number()
        for number in range(1, count + 1):
            if number not in lanes:
                self._add_lane(number)
        for number, lane in lanes.items():
            if lane.active != (number <= count):
                lane.active = number <= count

    def _add_lane(self, number):
        values = {
            "name": f"Mail: Deliver Inbound Messages, Lane {number}",
            "model_id": self.env["ir.model"]._get_id(self._name),
            "state": "code",
            "code": "model._run_lane()",
            "user_id": SUPERUSER_ID,
            "interval_number": 1,
            "interval_type": "minutes",
        }
        # with an XML id, so that uninstalling removes it
        self.env["ir.cron"].sudo()._load_records(
            [{"xml_id": f"mail_gateway.{LANE_NAME}{number}", "values": values, "noupdate": True}]
        )
