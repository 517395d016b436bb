"""Messages over the size limit, on a real Dovecot: Odoo fetches their headers first, and the rest on request."""

import pytest

from e2e.gateway import message, until

MEGABYTE = 2**20


def large(subject, megabytes):
    """Return a message of that size, in lines of the length that mail has."""
    return message(subject) + (b"x" * 76 + b"\r\n") * (megabytes * MEGABYTE // 78)


@pytest.mark.parametrize("protocol", ["imap", "pop"])
def test_a_large_message_stays_on_the_server_until_a_person_wants_it(gateway, dovecot, mailbox, protocol):
    gateway.set_parameter("mail_gateway.size_limit", "1")
    afterwards = {"imap_afterwards": "delete"} if protocol == "imap" else {"pop_afterwards": "delete"}
    server = gateway.mail_server(
        mailbox, dovecot.port(protocol if protocol == "imap" else "pop3"), protocol, **afterwards
    )
    source = large("Plans of the house", 6)
    for each in (message("Before"), source, message("After")):
        dovecot.put(mailbox, each)
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["After", "Before"]
    assert len(dovecot.read(mailbox)) == 1, "the large one is still there, the others are deleted"
    [row] = gateway.sql("SELECT id, state, is_head, octet_length(source) FROM mail_inbound_message WHERE is_head")
    assert row[1:3] == ("held", True)
    assert row[3] < 10_000
    gateway.fetch(server)
    assert len(dovecot.read(mailbox)) == 1

    gateway.call(
        "mail.inbound.message", "action_fetch_whole", [row[0]]
    )  # the button makes the scheduled action visit the server
    until(lambda: gateway.leads(server) == ["After", "Before", "Plans of the house"])
    until(lambda: dovecot.read(mailbox) == [])
    [(stored,)] = gateway.sql("SELECT source FROM mail_inbound_message WHERE id = %s", row[0])
    assert len(bytes(stored)) >= len(source)
