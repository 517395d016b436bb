"""The common base of models whose records cause alerts to postmasters."""

from odoo import api, fields, models

from .mail_postmaster_alert import Alert


class MailPostmasterAlertMixin(models.AbstractModel):
    """Records that postmasters are alerted about while they need attention.

    mail.postmaster.alert knows which models these are, and calls the methods below.
    """

    _name = "mail.postmaster.alert.mixin"
    _description = "Alerts Postmasters"

    alerted_date = fields.Datetime(
        "Postmasters Notified", readonly=True, copy=False, help="When Odoo last alerted postmasters about this."
    )

    # XML id of the action that an alert opens, and the filter of its search view to set
    _alert_action = ""
    _alert_filter = ""

    @api.model
    def _waiting(self, limit=None):
        """Return all records that need attention at the moment, or the first ones.

        :param int limit: how many at most; None for all
        """
        raise NotImplementedError

    @api.model
    def _take_unalerted(self, since, chosen):
        """Return the records that an alert is due for, and mark them as alerted.

        :param datetime since: records that need attention again wait when the last alert is newer
        :param datetime chosen: when the administrator chose the kind of alert: older alerts are repeated in that kind
        """
        raise NotImplementedError

    def _alert(self) -> Alert:
        """Return the text of an alert about these records, in the language and time zone of the context."""
        raise NotImplementedError

    def _open_alerted(self):
        """Return an action that opens the only one of these records, or the list of all that need attention."""
        if len(self) != 1:
            return self._open_alerted_list()
        action = self.env["ir.actions.act_window"]._for_xml_id(self._alert_action)
        form = [view for view in action["views"] if view[1] == "form"]
        return {**action, "res_id": self.id, "views": form, "view_mode": "form"}

    def _open_alerted_list(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(self._alert_action)
        return {**action, "context": {f"search_default_{self._alert_filter}": 1}} if self._alert_filter else action
