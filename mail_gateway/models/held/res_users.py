from odoo import SUPERUSER_ID, api, fields, models


class ResUsers(models.Model):
    """Who is told of held messages."""

    _inherit = "res.users"

    told_of_held_mail = fields.Boolean(
        "Told of Held Messages",
        default=True,
        help="Whether a postmaster is told of messages that wait for a decision, and of incoming servers that fail.",
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
    def _postmasters_to_tell(self):
        """The people who decide about held messages, but for those who would rather not be told."""
        everyone = self.env.ref("mail_gateway.group_postmaster").sudo().all_user_ids
        return everyone.filtered(
            lambda user: user.active and not user.share and user.told_of_held_mail and user.id != SUPERUSER_ID
        )
