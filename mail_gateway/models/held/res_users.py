"""Which users receive alerts."""

from odoo import SUPERUSER_ID, api, fields, models


class ResUsers(models.Model):
    """Lets postmasters choose whether they receive alerts."""

    _inherit = "res.users"

    told_of_held_mail = fields.Boolean(
        "Receives Alerts",
        default=True,
        help="Odoo notifies this postmaster of held and failed messages, and of incoming mail servers that fail. Switch "
        "it off for postmasters who look at the lists themselves.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        """Extends core's property."""
        return [*super().SELF_READABLE_FIELDS, "told_of_held_mail"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        """Extends core's property."""
        return [*super().SELF_WRITEABLE_FIELDS, "told_of_held_mail"]

    @api.model
    def _alert_recipients(self):
        """Return the active postmasters who receive alerts."""
        everyone = self.env.ref("mail_gateway.group_postmaster").sudo().all_user_ids
        return everyone.filtered(
            lambda user: user.active and not user.share and user.told_of_held_mail and user.id != SUPERUSER_ID
        )
