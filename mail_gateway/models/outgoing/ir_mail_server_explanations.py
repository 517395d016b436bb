"""Why an outgoing mail server sends a message or not, as sentences for the administrator."""

from odoo import models
from odoo.exceptions import UserError

from ...tools.headers.addresses import bad_entries, filter_entries, filter_matches
from ...tools.server_selection import Reason, Step, Traffic

# Of a company with hundreds of domains, the first ones are enough.
MAX_NAMED = 5


class IrMail_Server(models.Model):
    """Explains selections, and opens the dialog that explains outgoing messages."""

    _inherit = "ir.mail_server"

    def action_explain_outgoing(self):
        """Open the dialog with a message that this server is meant for.

        :return: an action
        :raises AccessError: for users who may not read the server
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_gateway.mail_outgoing_explain_action")
        action["context"] = {
            "default_email_from": self._from_to_explain(),
            "default_company_id": self._company_to_explain().id,
            "default_traffic": (Traffic.MASS if self.traffic == Traffic.MASS else Traffic.TRANSACTIONAL).value,
        }
        return action

    def _from_to_explain(self):
        """Return a From that the filter lets pass, as core's connection test does; empty if there is none."""
        try:
            return self._get_test_email_from()
        except UserError:
            return ""

    def _company_to_explain(self):
        """Return a company whose default From the filter lets pass; otherwise the current company."""
        companies = self.env.company | self.env.user.company_ids
        fitting = companies.filtered(lambda company: filter_matches(company.default_from_email, self.from_filter))
        return fitting[:1] or self.env.company

    # ------------------------------------------------------------------ filters

    def _bad_entries_message(self):
        """Describe what is wrong with the filter of this server; empty when it is valid."""
        bad = bad_entries(self.from_filter)
        if not bad:
            return ""
        return self.env._(
            "FROM Filtering of “%(server)s”: “%(entries)s” is neither a domain nor an e-mail address. Enter for example "
            "mycompany.com or sales@mycompany.com, several separated by commas.",
            server=self.name,
            entries="”, “".join(bad),
        )

    def _no_filter_message(self):
        """Say which authors keep their address when a server without a filter sends."""
        if domains := self._alias_domains():
            return self.env._(
                "Authors in the alias domains (%s) keep their address. The default From replaces all other addresses.",
                self._domains_message(domains),
            )
        return self.env._("There is no alias domain, so every author keeps their address.")

    def _domains_message(self, domains):
        """List the first of some domains, and count the others."""
        named, more = ", ".join(domains[:MAX_NAMED]), len(domains) - MAX_NAMED
        return self.env._("%(domains)s and %(number)s more", domains=named, number=more) if more > 0 else named

    def _filter_message(self, selection):
        """Say which filter decided about the From of a message.

        :param selection: mail_gateway.tools.server_selection.Selection
        """
        if entries := filter_entries(selection.from_filter):
            return ", ".join(entries)
        if selection.alias_domains:
            return self.env._("None, so the alias domains apply: %s", self._domains_message(selection.alias_domains))
        return self.env._("None")

    def _dedicated_server_message(self):
        return self.env._(
            "“%s” is the dedicated server of Email Marketing, so it has to send mass mail. Choose another dedicated "
            "server in the settings of Email Marketing, or set Traffic of this one to “Any” or “Mass Only”.",
            self.name,
        )

    def _mailings_message(self, mailings):
        return self.env._(
            "“%(server)s” has to send mass mail, since these mailings specify it: %(mailings)s. Choose another server "
            "for them first.",
            server=self.name,
            mailings=", ".join(mailings.mapped("display_name")),
        )

    # ------------------------------------------------------------------ selections

    def _step_message(self, selection):
        """Say why the selected server was selected.

        :param selection: mail_gateway.tools.server_selection.Selection
        """
        match selection.step:
            case Step.FORCED:
                return self.env._("The message, its template or its mailing specifies this server.")
            case Step.ADDRESS:
                return self.env._("Its filter contains the author's address.")
            case Step.DOMAIN:
                return self.env._("Its filter contains the author's domain.")
            case Step.NO_FILTER:
                return self.env._("It has no filter, and no filter matches the author.")
            case Step.DEFAULT_ADDRESS:
                return self.env._("Its filter contains the default From, and no server matches the author.")
            case Step.DEFAULT_DOMAIN:
                return self.env._(
                    "Its filter contains the domain of the default From, and no server matches the author."
                )
            case Step.FIRST:
                return self.env._("It is the first server, and no filter matches the author or the default From.")
        return self.env._("No outgoing mail server may send this message, so Odoo uses the settings of odoo-bin.")

    def _all_passed_over_message(self, selection):
        """Explain each server that was not selected, in a line of its own, in their order."""
        return "\n".join(f"{over.server.name}: {self._passed_over_message(over)}" for over in selection.passed_over)

    def _passed_over_message(self, passed_over):
        """Say why a server was not selected.

        :param passed_over: mail_gateway.tools.server_selection.PassedOver
        """
        match passed_over.reason:
            case Reason.ARCHIVED:
                return self.env._("It is archived.")
            case Reason.NOT_THE_OWNER:
                return self.env._("It belongs to a user, and only sends what that user writes under their own address.")
            case Reason.NOT_OFFERED:
                return self.env._("The sender of this message may not use it.")
            case Reason.TRAFFIC:
                return self._wrong_traffic_message(passed_over.server.traffic)
            case Reason.NOT_FORCED:
                return self.env._("The message specifies another server.")
            case Reason.LOWER_PRIORITY:
                return self.env._("It matches as well, but has a lower priority.")
            case Reason.NO_MATCH:
                entries = ", ".join(filter_entries(passed_over.server.from_filter))
                return self.env._("Its filter (%s) matches neither the author nor the default From.", entries)
        return self._later_step_message(passed_over)

    def _wrong_traffic_message(self, traffic):
        if traffic == "mass":
            return self.env._("It sends mass mail only.")
        return self.env._("It sends transactional mail only.")

    def _later_step_message(self, passed_over):
        match passed_over.step:
            case Step.DOMAIN:
                return self.env._(
                    "Its filter contains the author's domain, but the filter of another server contains the address."
                )
            case Step.NO_FILTER:
                return self.env._("It has no filter, but the filter of another server matches the author.")
        return self.env._("Its filter matches only the default From, and another server precedes it.")
