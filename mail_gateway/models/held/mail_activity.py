"""The activities by which postmasters are alerted."""

from odoo import api, models

from .mail_postmaster_alert import ALERT_ACTIVITY_TYPES


class MailActivity(models.Model):
    """Activities that alert postmasters: linked to no record, because one may be about several."""

    _inherit = "mail.activity"

    def _alerts_of(self):
        """Return the model whose records an activity is about; None if it is no alert."""
        if self.res_model or not self.automated:
            return None
        for model in ALERT_ACTIVITY_TYPES:
            kind = self.env["mail.postmaster.alert"]._activity_type(model, or_todo=False)
            if kind and self.activity_type_id == kind:
                return model
        return None

    @api.depends("activity_type_id", "automated")
    def _compute_res_name(self):
        """Extends core's method: alerts show the name of their type as the name of their record."""
        result = super()._compute_res_name()
        for activity in self:
            if activity._alerts_of():
                activity.res_name = activity.activity_type_id.name
        return result

    @api.readonly
    def action_open_document(self):
        """Extends core's method: alerts open the records that they are about, instead of themselves."""
        self.check_access("read")
        if model := self._alerts_of():
            return self.env[model]._waiting()._open_alerted()
        return super().action_open_document()
