"""Reading POP3 mailboxes of a real Dovecot."""

import poplib
from contextlib import closing

import pytest

from e2e.gateway import message
from lab.odoo.server import OdooError
from lab.servers.dovecot import PASSWORD
from lab.servers.proxy import Proxy

NOBODY = "nobody@elsewhere.example"  # held at once: for tests that only fetch


class Scissors(Proxy):
    """Cuts the connection instead of forwarding data that contain `words`."""

    words = None

    def _cut(self, connection, data):
        if self.words and self.words in data:
            self.cuts += 1
            connection.abort()
            raise ConnectionAbortedError
        return super()._cut(connection, data)


@pytest.fixture
def server(gateway, dovecot, mailbox):
    """A confirmed incoming server for the test's mailbox."""
    return gateway.mail_server(mailbox, dovecot.port("pop3"), "pop")


@pytest.fixture
def leaving(gateway, dovecot, mailbox):
    """A confirmed incoming server that leaves messages in the mailbox."""
    return gateway.mail_server(mailbox, dovecot.port("pop3"), "pop", pop_afterwards="leave")


@pytest.fixture
def scissors(dovecot):
    """A proxy in front of Dovecot's POP3."""
    with Scissors(dovecot.port("pop3")) as proxy:
        yield proxy


def stored(gateway, server):
    """Return the sorted subjects of the stored messages of a server."""
    return sorted(
        subject for (subject,) in gateway.sql("SELECT subject FROM mail_inbound_message WHERE server_id = %s", server)
    )


def owed(gateway, server):
    """Return the number of acknowledgements that Odoo still has to send to the mail server."""
    return gateway.sql("SELECT count(*) FROM mail_inbound_acknowledgement WHERE server_id = %s", server)[0][0]


def test_a_message_becomes_a_lead_and_is_deleted(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Ten chairs"))
    assert gateway.fetch(server) == "New messages: 1"
    gateway.settle()
    assert gateway.leads(server) == ["Ten chairs"]
    assert not dovecot.read(mailbox)


def test_a_message_read_in_webmail_is_still_fetched(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Read by a person"))
    dovecot.mark_seen(mailbox)
    gateway.fetch(server)
    gateway.settle()
    assert gateway.leads(server) == ["Read by a person"]


def test_messages_left_on_the_server_are_fetched_once(gateway, dovecot, mailbox, leaving):
    dovecot.put(mailbox, message("Left"))
    dovecot.put(mailbox, message("Left without Message-Id", message_id=None))
    assert [gateway.fetch(leaving) for _again in range(3)] == ["New messages: 2", *["New messages: 0"] * 2]
    gateway.settle()
    assert gateway.leads(leaving) == ["Left", "Left without Message-Id"]
    assert len(dovecot.read(mailbox)) == 2


def test_messages_left_on_the_server_are_deleted_after_the_option_changed(gateway, dovecot, mailbox, leaving):
    dovecot.put(mailbox, message("Left at first", to=NOBODY, message_id=None))
    gateway.fetch(leaving)
    gateway.call("fetchmail.server", "write", [leaving], {"pop_afterwards": "delete"})
    assert gateway.fetch(leaving) == "New messages: 0"
    assert not dovecot.read(mailbox)
    assert stored(gateway, leaving) == ["Left at first"]


@pytest.mark.parametrize("words", [b"DELE", b"QUIT", b"+OK Logging out"], ids=["dele", "quit", "answer"])
def test_a_cut_connection_neither_loses_nor_doubles_messages(gateway, dovecot, mailbox, scissors, words):
    server = gateway.mail_server(mailbox, scissors.port, "pop")
    subjects = [f"Cut {number}" for number in range(3)]
    dovecot.put_all(mailbox, [message(subject, to=NOBODY, message_id=None) for subject in subjects])
    scissors.words = words
    try:
        gateway.fetch(server)
    except OdooError as error:
        assert "The connection to “127.0.0.1” port" in str(error)
    assert scissors.cuts == 1
    assert stored(gateway, server) == subjects
    scissors.words = None
    assert gateway.fetch(server) == "New messages: 0"
    assert not dovecot.read(mailbox)
    assert not owed(gateway, server)
    assert stored(gateway, server) == subjects


def test_a_message_that_ends_the_connection_holds_up_nothing_else(gateway, dovecot, mailbox, scissors):
    """The next visit reads and deletes the others; they stay deleted although this visit ends in the same way."""
    server = gateway.mail_server(mailbox, scissors.port, "pop")
    evil = message("Evil", to=NOBODY, body="a scanner on the way does not like this")
    dovecot.put_all(mailbox, [message("One", to=NOBODY), evil, message("Three", to=NOBODY)])
    scissors.words = b"a scanner on the way"
    for left in (3, 1, 1):
        with pytest.raises(OdooError, match="The connection to “127.0.0.1” port"):
            gateway.fetch(server)
        assert len(dovecot.read(mailbox)) == left
    assert stored(gateway, server) == ["One", "Three"]
    dovecot.put(mailbox, message("Four", to=NOBODY))
    with pytest.raises(OdooError, match="The connection to “127.0.0.1” port"):
        gateway.fetch(server)
    assert stored(gateway, server) == ["Four", "One", "Three"]
    scissors.words = None
    assert gateway.fetch(server) == "New messages: 1"
    assert stored(gateway, server) == ["Evil", "Four", "One", "Three"]
    assert not dovecot.read(mailbox)
    assert not owed(gateway, server)


def test_a_line_of_three_megabytes_is_stored_byte_for_byte(gateway, dovecot, mailbox, server):
    source = message("A long line", to=NOBODY, body="x" * 3_000_000)
    dovecot.put(mailbox, source)
    gateway.fetch(server)
    assert gateway.sql(
        "SELECT decode(convert_from(source, 'UTF8'), 'base64') = %s, size FROM mail_inbound_message"
        " WHERE server_id = %s",
        source,
        server,
    ) == [(True, len(source))]


def test_a_large_backlog_is_read_in_batches(gateway, dovecot, mailbox, server):
    subjects = [f"Backlog {number:03}" for number in range(130)]
    dovecot.put_all(mailbox, [message(subject, to=NOBODY) for subject in subjects])
    assert gateway.fetch(server) == "New messages: 130"
    assert stored(gateway, server) == subjects
    assert not dovecot.read(mailbox)


def test_a_wrong_password_is_explained(gateway, dovecot, mailbox):
    with pytest.raises(
        OdooError, match="refuses the login of “.*”. Check the user name and the password. The server says: .*AUTH"
    ):
        gateway.mail_server(mailbox, dovecot.port("pop3"), "pop", password="wrong")


def test_a_mailbox_that_is_read_by_another_program_is_left_for_later(gateway, dovecot, mailbox, server):
    dovecot.put(mailbox, message("Meanwhile", to=NOBODY))
    with closing(poplib.POP3("127.0.0.1", dovecot.port("pop3"))) as other:
        other.user(mailbox)
        other.pass_(PASSWORD)
        other.retr(1)
        other.dele(1)
        gateway.fetch(server)
    assert stored(gateway, server) == ["Meanwhile"]


def test_a_reused_uidl_hides_no_message_where_messages_are_left(gateway, dovecot, mailbox, leaving):
    """RFC 1939, section 7: a message that has vanished from the listing has no UIDL any more."""
    dovecot.put_all(mailbox, [message(subject, to=NOBODY) for subject in ("First", "Other")])
    gateway.fetch(leaving)
    names = "SELECT subject, remote_key FROM mail_inbound_message WHERE server_id = %s"
    before = dict(gateway.sql(names, leaving))
    with dovecot.session(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search(["SUBJECT", "First"]))
        client.expunge()
    for _again in range(2):
        gateway.fetch(leaving)
    after = dict(gateway.sql(names, leaving))
    assert after["Other"] == before["Other"]
    assert after["First"].startswith("gone:") and after["First"].endswith(f":{before['First']}")


def test_a_reused_uidl_hides_no_message(gateway, dovecot, mailbox, server):
    """RFC 1939, section 7: a server may reuse a UIDL once its message is gone."""
    dovecot.put(mailbox, message("First", to=NOBODY))
    gateway.fetch(server)
    dovecot.put(mailbox, message("Second", to=NOBODY))
    with closing(poplib.POP3("127.0.0.1", dovecot.port("pop3"))) as client:
        client.user(mailbox)
        client.pass_(PASSWORD)
        uidl = client.uidl(1).split()[2].decode()
    gateway.sql(
        "UPDATE mail_inbound_message SET remote_key = regexp_replace(remote_key, 'UIDL=.*', %s) WHERE server_id = %s",
        f"UIDL={uidl}",
        server,
    )
    gateway.fetch(server)
    assert stored(gateway, server) == ["First", "Second"]
    assert not dovecot.read(mailbox)
