"""Reading IMAP mailboxes of a real Dovecot."""

from datetime import datetime, timedelta

import pytest

from e2e.gateway import message
from lab.odoo.server import OdooError

NOBODY = "nobody@elsewhere.example"  # held at once: for tests that only fetch


@pytest.fixture
def server(gateway, dovecot, mailbox):
    """A confirmed incoming server for the test's mailbox."""
    return gateway.mail_server(mailbox, dovecot.port("imap"))


def test_a_message_becomes_a_lead_and_is_marked_read(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Ten chairs"))
    assert gateway.fetch(server) == "New messages: 1"
    gateway.settle()
    assert gateway.leads(server) == ["Ten chairs"]
    assert dovecot.flags(mailbox) == [{"\\Seen"}]


def test_a_message_read_in_webmail_is_still_fetched(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Read by a person"))
    dovecot.mark_seen(mailbox)
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Read by a person"]


def test_the_first_fetch_takes_messages_that_were_unread_at_the_confirmation(gateway, dovecot, mailbox):
    dovecot.put(mailbox, message("Old and read"))
    dovecot.mark_seen(mailbox)
    dovecot.put(mailbox, message("Old and unread"))
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.mark_seen(mailbox)  # between confirmation and the first fetch
    dovecot.put(mailbox, message("New"))
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["New", "Old and unread"]


def test_nothing_is_fetched_twice(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Once", message_id=None))
    for _again in range(3):
        gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Once"]


def test_an_old_message_that_a_person_marks_as_unread_is_fetched(gateway, dovecot, mailbox):
    dovecot.put(mailbox, message("Old"), flags=["\\Seen"])
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    assert gateway.fetch(server) == "New messages: 0"
    with dovecot.session(mailbox) as client:
        client.select_folder("INBOX")
        client.remove_flags(client.search(), [b"\\Seen"])
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Old"]


def test_a_changed_uidvalidity_neither_loses_nor_doubles_messages(gateway, dovecot, mailbox):
    with dovecot.session(mailbox) as client:
        client.append("INBOX", message("Before the addon"), ["\\Seen"], datetime.now() - timedelta(minutes=1))
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put_all(mailbox, [message(f"First {n}", message_id=None) for n in range(3)])
    gateway.fetch(server)
    dovecot.put(mailbox, message("Arrived while the server was restored"))
    dovecot.change_uidvalidity(mailbox)
    dovecot.mark_seen(mailbox)
    gateway.fetch(server)
    dovecot.put(mailbox, message("After"))
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["After", "Arrived while the server was restored", "First 0", "First 1", "First 2"]


def test_a_mailbox_restored_from_a_backup_neither_loses_nor_doubles_messages(gateway, dovecot, mailbox, server):
    """UIDVALIDITY stays, and the UIDs now belong to other messages."""
    dovecot.put_all(mailbox, [message(f"Before {n}", to=NOBODY, message_id=None) for n in range(3)])
    gateway.fetch(server)
    dovecot.put(mailbox, message("Read in webmail", to=NOBODY), flags=["\\Seen"])
    gateway.sql("UPDATE mail_inbound_folder SET last_uid = '90' WHERE server_id = %s", server)
    gateway.sql(
        "UPDATE mail_inbound_message SET remote_key = regexp_replace(remote_key, 'UID=3$', 'UID=4')"
        " WHERE server_id = %s",
        server,
    )
    for count in (1, 0):
        assert gateway.fetch(server) == f"New messages: {count}"
    assert gateway.sql(
        "SELECT count(*) FROM mail_inbound_message WHERE subject = 'Read in webmail'"
        " AND remote_key LIKE '%%GENERATION=1'"
    ) == [(1,)]


def test_a_folder_that_is_gone_does_not_stop_the_others(gateway, dovecot, mailbox):
    with dovecot.session(mailbox) as client:
        client.create_folder("Gone")
    server = gateway.mail_server(mailbox, dovecot.port("imap"), folder="Gone, INBOX")
    with dovecot.session(mailbox) as client:
        client.delete_folder("Gone")
    dovecot.put(mailbox, message("In the inbox", to=NOBODY))
    with pytest.raises(OdooError, match="There is no folder “Gone” on"):
        gateway.fetch(server)
    [found] = gateway.call("fetchmail.server", "read", [server], ["last_fetch_count", "error_message"])
    assert found["last_fetch_count"] == 1 and "There is no folder “Gone”" in found["error_message"]


def test_several_folders_are_read_and_stored_messages_moved(gateway, dovecot, mailbox):
    dovecot.put(mailbox, message("In the inbox"))
    dovecot.put(mailbox, message("In a folder"), folder="Orders.Été")
    with dovecot.session(mailbox) as client:
        client.create_folder("Done")
    server = gateway.mail_server(
        mailbox, dovecot.port("imap"), folder="INBOX, Orders.Été", imap_afterwards="move", imap_move_to="Done"
    )
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["In a folder", "In the inbox"]
    assert [len(dovecot.read(mailbox, name)) for name in ("INBOX", "Orders.Été", "Done")] == [0, 0, 2]


def test_stored_messages_are_deleted_if_the_server_is_set_to_delete(gateway, dovecot, mailbox):
    dovecot.put(mailbox, message("Kept by its owner"), flags=["\\Seen", "\\Deleted"])
    server = gateway.mail_server(mailbox, dovecot.port("imap"), imap_afterwards="delete")
    dovecot.put(mailbox, message("Deleted"))
    gateway.fetch(server)
    assert [b"Kept by its owner" in raw for raw in dovecot.read(mailbox)] == [True]


def test_a_missing_folder_is_refused_when_confirmed(gateway, dovecot, mailbox):
    with pytest.raises(OdooError, match="There is no folder “Ordres” on .* Choose one of these: .*INBOX"):
        gateway.mail_server(mailbox, dovecot.port("imap"), folder="Ordres")


def test_a_wrong_password_is_explained(gateway, dovecot, mailbox):
    with pytest.raises(OdooError, match="refuses the login of “.*”. Check the user name and the password"):
        gateway.mail_server(mailbox, dovecot.port("imap"), password="wrong")


def test_a_large_backlog_is_read_in_batches(gateway, dovecot, mailbox):
    dovecot.put_all(mailbox, [message(f"Backlog {n:03}") for n in range(130)])
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    assert gateway.fetch(server) == "New messages: 130"
    gateway.settle(120)
    assert gateway.leads(server) == [f"Backlog {n:03}" for n in range(130)]
