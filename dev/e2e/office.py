"""A company whose Odoo has several Postfixes to choose from, and the mailboxes of its recipients."""

import os
from itertools import count

import pytest

from e2e.gateway import Gateway
from lab.servers.postfix import carriers

RUN = os.getpid()
# Each run has domains of its own: mailboxes outlive the run, and another run may use the same lab.
DOMAIN = f"mycompany-{RUN}.example"
OTHER, CUSTOMER = f"other-{RUN}.example", f"outgoing-customer-{RUN}.example"
IDN, IDN_ASCII = f"café-{RUN}.example", f"café-{RUN}.example".encode("idna").decode()
NOTIFICATIONS, BOUNCE, CATCHALL = (f"{name}@{DOMAIN}" for name in ("notifications", "bounce", "catchall"))
ADMIN = f"admin@{OTHER}"

_number = count(1)


class Office:
    """A company whose Odoo has three Postfixes to choose from; the third one is that of odoo-bin's settings."""

    def __init__(self, gateway, dovecot, *postfixes):
        self.gateway, self.dovecot = gateway, dovecot
        self.first, self.second, self.third = postfixes

    def servers(self, *filters):
        """Create one outgoing server for each FROM filter, by priority, on the first, second and third Postfix.

        :return: their ids
        """
        postfixes = (self.first, self.second, self.third)
        return [
            self.server(postfix, sequence=priority, from_filter=from_filter)
            for priority, (postfix, from_filter) in enumerate(zip(postfixes, filters, strict=False), 1)
        ]

    def server(self, postfix, **values):
        """Create an outgoing server."""
        return self.gateway.outgoing_server(postfix, **values)

    def reset(self):
        """Remove the configuration of the last test."""
        # In SQL: Odoo refuses to archive a server that other records use, which does not matter to the next test.
        self.gateway.sql("UPDATE ir_mail_server SET active = false")
        for key in ("mail.default.from_filter", "mass_mailing.outgoing_mail_server", "mass_mailing.mail_server_id"):
            self.gateway.set_parameter(key, False)

    def recipient(self):
        """Return an address whose mailbox is empty."""
        return f"reader-{next(_number)}@{CUSTOMER}"

    def contact(self):
        """Create a contact with an empty mailbox; return (id, address)."""
        address = self.recipient()
        partner = self.gateway.call(
            "res.partner", "create", {"name": "Reader", "email": address}, context={"mail_create_nosubscribe": True}
        )
        return partner, address

    def send(self, author, **values):
        """Send a message from this author and return it from the recipient's mailbox."""
        address = self.recipient()
        mail = self.gateway.call(
            "mail.mail",
            "create",
            {
                "email_from": author,
                "email_to": address,
                "subject": "Chairs",
                "body_html": "<p>Ten of them.</p>",
                **values,
            },
        )
        self.gateway.call("mail.mail", "send", [mail])
        return self.read(address)

    def comment(self, user):
        """Comment on a contact as a user; return the message from that contact's mailbox.

        :param user: (id, login)
        """
        partner, address = self.contact()
        self.gateway.comment(user, "res.partner", partner, "Which colour?", [partner])
        return self.read(address)

    def user(self, domain):
        """Create a user with an address of this domain; return (id, login), the login being the address."""
        login = f"agent-{next(_number)}@{domain}"
        return self.gateway.user("Agent", login)[0], login

    def read(self, address):
        """Return the only message of a mailbox."""
        [mail] = self.gateway.letters(self.dovecot, address)
        return mail


@pytest.fixture(scope="module")
def shared_office(module_database, dovecot, postfix, second_postfix, third_postfix):
    """The office that the tests of the module share."""
    gateway = Gateway(module_database, extra_args=("--smtp-port", third_postfix.port))
    try:
        yield Office(gateway.prepare(DOMAIN), dovecot, postfix, second_postfix, third_postfix)
    finally:
        gateway.stop()


@pytest.fixture
def office(shared_office):
    """The office without any outgoing server."""
    shared_office.reset()
    return shared_office


def way(mail):
    """Return the host name of the only Postfix that a message came through."""
    [hostname] = carriers(mail)
    return hostname
