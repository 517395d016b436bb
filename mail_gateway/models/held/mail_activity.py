from odoo import api, models

from .mail_postmaster_alert import TOLD_OF


class MailInboundAlertActivity(models.Model):
    """The activities that tell postmasters of what waits: linked to no record, as there may be several."""

    _inherit = "mail.activity"

    def _alerts_of(self):
        """The model whose records an activity tells of: none for all other activities."""
        if self.res_model or not self.automated:
            return None
        for model in TOLD_OF:
            kind = self.env["mail.postmaster.alert"]._activity_type(model, or_todo=False)
            if kind and self.activity_type_id == kind:
                return model
        return None

    @api.depends("activity_type_id", "automated")
    def _compute_res_name(self):
        """Extends core's method: they are linked to what waits, by the name of their type."""
        result = super()._compute_res_name()
        for activity in self:
            if activity._alerts_of():
                activity.res_name = activity.activity_type_id.name
        return result

    @api.readonly
    def action_open_document(self):
        """Extends core's method: they open what waits, and not themselves."""
        self.check_access("read")
        if model := self._alerts_of():
            return self.env[model]._waiting()._open_alerted()
        return super().action_open_document()
