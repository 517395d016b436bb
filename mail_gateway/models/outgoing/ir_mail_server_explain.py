from odoo import models
from odoo.exceptions import UserError

from ...tools.headers.addresses import filter_matches
from ...tools.server_selection import Traffic


class IrMail_Server(models.Model):
    """Leads from a server to the dialog that explains outgoing messages."""

    _inherit = "ir.mail_server"

    def action_explain_outgoing(self):
        """Open the dialog for a message that this server is meant for.

        :return: an action
        :raises AccessError: for whoever may not read the server
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_outgoing_explain_action")
        action["context"] = {
            "default_email_from": self._from_to_explain(),
            "default_company_id": self._company_at_home().id,
            "default_traffic": (Traffic.MASS if self.traffic == Traffic.MASS else Traffic.TRANSACTIONAL).value,
        }
        return action

    def _from_to_explain(self):
        """A From that fits the filter, as for testing the connection; empty when there is none to be had."""
        try:
            return self._get_test_email_from()
        except UserError:
            return ""

    def _company_at_home(self):
        """The company whose default From the filter names; the current one where that says nothing."""
        companies = self.env.company | self.env.user.company_ids
        fitting = companies.filtered(lambda company: filter_matches(company.default_from_email, self.from_filter))
        return fitting[:1] or self.env.company
