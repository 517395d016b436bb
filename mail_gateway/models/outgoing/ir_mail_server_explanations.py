from odoo import models

from ...tools.headers.addresses import bad_entries, filter_entries
from ...tools.server_selection import Reason, Step

# So many domains are named; of a company with hundreds the first say what is meant.
MAX_NAMED = 5


class IrMail_Server(models.Model):
    """Why a server sends or does not send, in words that an administrator can act on."""

    _inherit = "ir.mail_server"

    def _bad_entries_message(self):
        """What is wrong with the filter of this server; empty when nothing is."""
        bad = bad_entries(self.from_filter)
        if not bad:
            return ""
        return self.env._(
            "FROM Filtering of “%(server)s”: “%(entries)s” is neither a domain nor an e-mail address. Write for example "
            "mycompany.com or sales@mycompany.com, several separated by commas.",
            server=self.name,
            entries="”, “".join(bad),
        )

    def _no_filter_message(self):
        """Who keeps their address through a server without a filter."""
        if domains := self._alias_domains():
            return self.env._(
                "The alias domains count (%s): their authors keep their address, anybody else leaves under the default "
                "From.",
                self._domains_message(domains),
            )
        return self.env._("There is no alias domain either: every author keeps their address.")

    def _domains_message(self, domains):
        """The first of some domains, and how many more there are."""
        named, more = ", ".join(domains[:MAX_NAMED]), len(domains) - MAX_NAMED
        return self.env._("%(domains)s and %(number)s more", domains=named, number=more) if more > 0 else named

    def _filter_message(self, selection):
        """What decided about the From of a message.

        :param selection: a tools.server_selection.Selection
        """
        if entries := filter_entries(selection.from_filter):
            return ", ".join(entries)
        if selection.alias_domains:
            return self.env._("None; alias domains: %s", self._domains_message(selection.alias_domains))
        return self.env._("None")

    def _dedicated_server_message(self):
        return self.env._(
            "“%s” is the dedicated server of Email Marketing and must carry mass mail: choose another dedicated server "
            "in the settings of Email Marketing, or let this one carry any mail or mass mail.",
            self.name,
        )

    def _mailings_message(self, mailings):
        return self.env._(
            "“%(server)s” is to send these mailings and must carry mass mail: %(mailings)s. Choose another server for "
            "them first.",
            server=self.name,
            mailings=", ".join(mailings.mapped("display_name")),
        )

    def _step_message(self, selection):
        """Why the chosen server was chosen.

        :param selection: a tools.server_selection.Selection
        """
        match selection.step:
            case Step.FORCED:
                return self.env._("The message, its template or its mailing names this server.")
            case Step.ADDRESS:
                return self.env._("Its filter names the author's address.")
            case Step.DOMAIN:
                return self.env._("Its filter names the domain of the author.")
            case Step.NO_FILTER:
                return self.env._("It has no filter, and no filter names the author.")
            case Step.DEFAULT_ADDRESS:
                return self.env._("Its filter names the default From, and no server fits the author.")
            case Step.DEFAULT_DOMAIN:
                return self.env._("Its filter names the domain of the default From, and no server fits the author.")
            case Step.FIRST:
                return self.env._("No filter names the author or the default From: the first server sends.")
        return self.env._("No outgoing mail server may send this message: the settings of odoo-bin are used.")

    def _all_passed_over_message(self, selection):
        """A line for each server that was not chosen, in their order."""
        return "\n".join(f"{over.server.name}: {self._passed_over_message(over)}" for over in selection.passed_over)

    def _passed_over_message(self, passed_over):
        """Why a server was not chosen.

        :param passed_over: a tools.server_selection.PassedOver
        """
        match passed_over.reason:
            case Reason.ARCHIVED:
                return self.env._("It is archived.")
            case Reason.NOT_THE_OWNER:
                return self.env._("It belongs to a user, and sends only what that user writes under their own address.")
            case Reason.NOT_OFFERED:
                return self.env._("The sender of this message may not use it.")
            case Reason.TRAFFIC:
                return self._wrong_traffic_message(passed_over.server.traffic)
            case Reason.NOT_FORCED:
                return self.env._("The message names another server.")
            case Reason.LOWER_PRIORITY:
                return self.env._("It fits as well, but comes later by priority.")
            case Reason.NO_MATCH:
                entries = ", ".join(filter_entries(passed_over.server.from_filter))
                return self.env._("Its filter (%s) names neither the author nor the default From.", entries)
        return self._later_step_message(passed_over)

    def _wrong_traffic_message(self, traffic):
        if traffic == "mass":
            return self.env._("It carries mass mail only.")
        return self.env._("It carries transactional mail only.")

    def _later_step_message(self, passed_over):
        match passed_over.step:
            case Step.DOMAIN:
                return self.env._("Its filter names the domain of the author, but another names the very address.")
            case Step.NO_FILTER:
                return self.env._("It has no filter, but the filter of another names the author.")
        return self.env._("Its filter names the default From only, and another server comes before that.")
