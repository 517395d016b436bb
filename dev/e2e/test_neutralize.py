"""A neutralised copy of a database in use: Odoo fetches no mail with it and sends none."""

import os

import pytest

from e2e.gateway import DOMAIN, FETCH, message
from lab.odoo import source
from lab.odoo.runs import run
from lab.odoo.server import OdooError

CUSTOMER = f"neutralised-{os.getpid()}@customer.example"


@pytest.fixture
def neutralised(crash_gateway, dovecot, postfix, mailbox):
    """A gateway whose database was neutralised while mail waited in both directions, with new mail in its mailbox."""
    gateway = crash_gateway
    gateway.outgoing_server(postfix)
    gateway.incoming = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, message("Held", to="nobody@elsewhere.example"))
    gateway.fetch(gateway.incoming)
    gateway.settle()
    gateway.stop()
    code, output = run(source.command(gateway.database, "neutralize"))
    assert code == 0, output
    dovecot.put(mailbox, message("For production"))
    gateway.start()
    return gateway


def leave(gateway):
    """Try to send an e-mail in each way that there is; return the states in which the e-mails end."""
    values = {"email_from": f"Sales <sales@{DOMAIN}>", "email_to": CUSTOMER, "subject": "To a customer"}
    mails = [gateway.call("mail.mail", "create", {**values, "body_html": "<p>Chairs.</p>"}) for _each in range(2)]
    gateway.call("mail.mail", "send", [mails[0]])
    gateway.call("mail.mail", "process_email_queue")
    return [state for (state,) in gateway.sql("SELECT state FROM mail_mail WHERE id = ANY(%s) ORDER BY id", mails)]


def test_no_mailbox_is_read(neutralised, dovecot, mailbox):
    gateway = neutralised
    rows = gateway.sql("SELECT active, state, password FROM fetchmail_server WHERE id = %s", gateway.incoming)
    assert rows == [(False, "draft", None)]
    gateway.sql("UPDATE ir_cron SET active = true")
    gateway.wake(FETCH)
    with pytest.raises(OdooError):
        gateway.fetch(gateway.incoming)
    gateway.call("fetchmail.server", "write", [gateway.incoming], {"active": True})
    with pytest.raises(OdooError):  # the database does not contain its password any more
        gateway.call("fetchmail.server", "button_confirm_login", [gateway.incoming])
    assert [flags for flags in dovecot.flags(mailbox) if "\\Seen" not in flags] == [set()]
    assert gateway.count() == 1


def test_nothing_leaves(neutralised, dovecot):
    assert leave(neutralised) == ["exception", "exception"]
    assert dovecot.read(CUSTOMER) == []


def test_what_came_in_before_can_be_looked_at(neutralised):
    [held] = neutralised.call("mail.inbound.message", "search", [["state", "=", "held"]])
    assert neutralised.call("mail.inbound.message", "read", [held], ["subject"])[0]["subject"] == "Held"
