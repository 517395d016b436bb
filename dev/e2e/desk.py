"""The office of the tests of what people see of outgoing mail."""

import os
from itertools import count

from e2e.gateway import until

_RUN = os.getpid()
# Each run has a domain of its own: mailboxes outlive the run.
DOMAIN, CUSTOMER = "mycompany.example", f"customer-{_RUN}.example"
NOTIFICATIONS, BOUNCE, CATCHALL = (f"{name}@{DOMAIN}" for name in ("notifications", "bounce", "catchall"))
AGENT = "agent@elsewhere.example"

_number = count(1)


class Desk:
    """An office with three outgoing servers, a postmaster, a salesperson, and a lead with a comment that was sent."""

    def __init__(self, gateway, dovecot, postfix, second_postfix):
        self.gateway, self.dovecot = gateway, dovecot
        self.newsletters = gateway.outgoing_server(
            second_postfix, name="Newsletters", sequence=5, traffic="mass", from_filter=f"news.{DOMAIN}"
        )
        self.main = gateway.outgoing_server(postfix, name="Main", sequence=10, from_filter=DOMAIN)
        gateway.outgoing_server(postfix, name="Subsidiary", sequence=15, from_filter="subsidiary.example")
        self.old = gateway.outgoing_server(postfix, name="Last year's", sequence=20, active=False)
        self.agent = (gateway.user("Anna Agent", AGENT, password=AGENT)[0], AGENT)
        self.postmaster = self._postmaster()
        self.lead = gateway.call(
            "crm.lead",
            "create",
            {"name": "Forty chairs", "type": "lead", "team_id": False, "user_id": False},
            context={"mail_create_nosubscribe": True},
        )

    def _postmaster(self):
        group = self.gateway.ref("mail_gateway.group_postmaster")
        user, _partner = self.gateway.user("Paul Postmaster", f"postmaster@{DOMAIN}")
        self.gateway.call("res.users", "write", [user], {"group_ids": [(4, group)]})
        return f"postmaster@{DOMAIN}"

    def reader(self):
        """Return an address whose mailbox is empty."""
        return f"reader-{next(_number)}@{CUSTOMER}"

    def comment(self, body, *colleagues):
        """Comment on the lead as the salesperson, to a new customer, and wait until that has arrived and is recorded.

        :param colleagues: contacts of users who are notified as well
        :return: (id of the message, the e-mail that the customer got)
        """
        address = self.reader()
        customer = self.gateway.call("res.partner", "create", {"name": "Reader", "email": address})
        message = self.gateway.comment(self.agent, "crm.lead", self.lead, body, [customer, *colleagues])
        [mail] = self.gateway.letters(self.dovecot, address)
        until(lambda: self.rows(message))
        return message, mail

    def rows(self, message):
        """Return the ids of the sending details of a message's e-mails."""
        return self.gateway.call("mail.outgoing.selection", "search", [["mail_message_id", "=", message]])
