"""Several incoming servers at a time: slow, dead and faulty ones beside good ones."""

import re
import socket
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from e2e.gateway import FETCH, message, until
from lab.host import ports
from lab.odoo.server import OdooError
from lab.servers.proxy import Proxy

PROTOCOLS = {"imap": "imap", "pop": "pop3"}
NOBODY = "nobody@elsewhere.example"  # held at once: for tests that only fetch


class Counter(Proxy):
    """Counts the commands of an IMAP client."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.commands = []

    def _cut(self, connection, data):
        found = re.findall(rb"^[A-P]{4}\d+ ((?:UID )?[A-Z]+)", data, re.M)
        self.commands += [word for word in found if word not in {b"OK", b"NO", b"BAD"}]
        return super()._cut(connection, data)


@pytest.fixture
def black_hole():
    """A server that accepts connections and never answers."""
    with Proxy(0, mode="black-hole") as proxy:
        yield proxy


@pytest.fixture
def connect(gateway):
    """A function that creates a server and marks it as confirmed, whether it answers or not."""

    def create(mailbox, port, protocol="imap", **values):
        server = gateway.mail_server(mailbox, port, protocol, confirm=False, **values)
        gateway.sql("UPDATE fetchmail_server SET state = 'done' WHERE id = %s", server)
        return server

    yield create
    # the next test should not wait for the servers of this one
    found = gateway.call("fetchmail.server", "search", [["state", "=", "done"]])
    gateway.call("fetchmail.server", "set_draft", found)


@pytest.fixture
def form(gateway):
    """A function that reads the values on the form of a server."""

    def read(server):
        fields = ["state", "date", "error_date", "error_message", "last_fetch_count"]
        return gateway.call("fetchmail.server", "read", [server], fields)[0]

    return read


def stored(gateway, server):
    """Return the sorted subjects of the stored messages of a server."""
    return sorted(
        subject for (subject,) in gateway.sql("SELECT subject FROM mail_inbound_message WHERE server_id = %s", server)
    )


def activate(gateway):
    """Switch on the scheduled action, as confirming a server would; the tests write the state by SQL."""
    gateway.sql(
        "UPDATE ir_cron SET active = true WHERE id = (SELECT res_id FROM ir_model_data"
        " WHERE module = 'mail' AND name = 'ir_cron_mail_gateway_action')"
    )


def test_slow_and_dead_servers_delay_no_other(gateway, dovecot, mailbox, black_hole, connect, form):
    slow = connect("slow@mycompany.example", black_hole.port, priority=1)
    dead = connect("dead@mycompany.example", ports.any_free(), priority=2)
    good = {
        protocol: connect(f"{protocol}-{mailbox}", dovecot.port(PROTOCOLS[protocol]), protocol)
        for protocol in PROTOCOLS
    }
    for protocol in PROTOCOLS:
        dovecot.put(f"{protocol}-{mailbox}", message(f"Quick {protocol}"))
    activate(gateway)
    gateway.wake()
    until(lambda: gateway.leads(good["imap"]) + gateway.leads(good["pop"]) == ["Quick imap", "Quick pop"])
    assert not form(slow)["date"]  # still waited for
    assert "refuses connections on port" in form(dead)["error_message"]

    # while the scheduled action waits for the slow server, a person can fetch from a good one
    dovecot.put(f"imap-{mailbox}", message("Right now", to=NOBODY))
    assert gateway.fetch(good["imap"]) == "New messages: 1"
    assert gateway.fetch(slow) == "Odoo is reading this server already. Try again later."
    assert not form(slow)["date"]

    black_hole.cut_all()
    until(lambda: form(slow)["error_date"])
    assert "The connection to “127.0.0.1” port" in form(slow)["error_message"]


def test_at_most_32_servers_are_read_at_a_time(gateway, black_hole, connect, form):
    servers = [connect(f"box{number}@mycompany.example", black_hole.port) for number in range(40)]
    activate(gateway)
    gateway.wake()
    until(lambda: black_hole.connections == 32)
    assert not any(form(server)["date"] for server in servers)
    assert black_hole.connections == 32
    black_hole.cut_all()
    until(lambda: black_hole.connections == 40)
    black_hole.cut_all()
    until(lambda: all(form(server)["error_message"] for server in servers))


def test_a_server_that_fails_says_why_until_it_works_again(gateway, dovecot, mailbox, connect, form):
    with Proxy(dovecot.port("imap")) as proxy:
        proxy.mode = "refuse"
        server = connect(mailbox, proxy.port)
        activate(gateway)
        for _again in range(2):
            gateway.odoo.run_cron(FETCH)
            assert "refuses connections on port" in form(server)["error_message"]
            assert form(server)["error_date"] and form(server)["state"] == "done"
        dovecot.put(mailbox, message("Waited", to=NOBODY))
        proxy.mode = "forward"
        gateway.odoo.run_cron(FETCH)
        assert stored(gateway, server) == ["Waited"]
        assert not form(server)["error_date"] and not form(server)["error_message"]


def test_two_odoo_servers_fetch_and_deliver_everything_once(gateway, dovecot, mailbox, connect):
    subjects = [f"Shared {number:02}" for number in range(20)]
    incoming = []
    for protocol, port in PROTOCOLS.items():
        box = f"{protocol}-{mailbox}"
        dovecot.put_all(box, [message(subject, message_id=None) for subject in subjects])
        incoming.append(connect(box, dovecot.port(port), protocol))
    activate(gateway)
    hosts = [gateway.odoo, gateway.start()]
    with ThreadPoolExecutor() as pool:
        visits = [
            pool.submit(host.call, "fetchmail.server", "fetch_mail", [server])
            for _again in range(3)
            for server in incoming
            for host in hosts
        ]
        gateway.wake()
        for visit in visits:
            visit.result()
    gateway.settle()
    assert [gateway.leads(server) for server in incoming] == [subjects, subjects]


def test_round_trips_are_few_on_a_slow_network(gateway, dovecot, mailbox, connect):
    with Counter(dovecot.port("imap"), delay_ms=50) as proxy:
        server = connect(mailbox, proxy.port)
        dovecot.put_all(mailbox, [message(f"Far away {number}", to=NOBODY) for number in range(120)])
        assert gateway.fetch(server) == "New messages: 120"
        assert proxy.connections == 1
        # one for the sizes, and up to three for batches, whose number depends on the speed of the line
        assert proxy.commands.count(b"UID FETCH") <= 1 + 3
        assert len(proxy.commands) < 20


def test_messages_that_cannot_be_moved_are_moved_when_the_folder_is_back(gateway, dovecot, mailbox, connect, form):
    with dovecot.session(mailbox) as client:
        client.create_folder("Done")
    server = connect(mailbox, dovecot.port("imap"), imap_afterwards="move", imap_move_to="Done")
    with dovecot.session(mailbox) as client:
        client.delete_folder("Done")
    for subject in ("First", "Second"):
        dovecot.put(mailbox, message(subject, to=NOBODY, message_id=None))
        with pytest.raises(OdooError, match="There is no folder “Done” on “127.0.0.1”. Choose one of these: .*INBOX"):
            gateway.fetch(server)
    assert stored(gateway, server) == ["First", "Second"]
    assert "There is no folder “Done”" in form(server)["error_message"]
    with dovecot.session(mailbox) as client:
        client.create_folder("Done")
    assert gateway.fetch(server) == "New messages: 0"
    assert stored(gateway, server) == ["First", "Second"]
    assert [len(dovecot.read(mailbox, folder)) for folder in ("INBOX", "Done")] == [0, 2]
    assert not form(server)["error_message"]


@pytest.mark.parametrize(("protocol", "sized"), [("imap", True), ("imap", False), ("pop", True)])
def test_a_message_that_the_server_cannot_read_holds_up_no_other(
    gateway, dovecot, protocol, sized, mailbox, connect, form
):
    box = f"{protocol}-{sized}-{mailbox}"
    server = connect(box, dovecot.port(PROTOCOLS[protocol]), protocol)
    dovecot.put_all(box, [message(f"Disk {number}", to=NOBODY, message_id=None) for number in range(4)])
    with unreadable(dovecot, box, "Disk 1", sized):
        for count in ("4 new", "5 new"):
            with pytest.raises(OdooError, match="refuses to deliver 1 of the messages. Odoo read all others"):
                gateway.fetch(server)
            dovecot.put(box, message(f"After {count}", to=NOBODY))
    assert "refuses to deliver 1 of the messages" in form(server)["error_message"]
    assert stored(gateway, server) == ["After 4 new", "Disk 0", "Disk 2", "Disk 3"]
    assert gateway.fetch(server) == "New messages: 2"
    assert stored(gateway, server) == ["After 4 new", "After 5 new", "Disk 0", "Disk 1", "Disk 2", "Disk 3"]
    assert not form(server)["error_message"]


@contextmanager
def unreadable(dovecot, mailbox, subject, sized):
    """Make one message unreadable, as by a bad sector; `sized` says whether its size is known without reading it."""
    name, _at, domain = mailbox.lower().partition("@")
    maildir = dovecot.home / "mail" / domain / name / "Maildir"
    [file] = (file for file in maildir.glob("[cn][ue][rw]/*") if subject.encode() in file.read_bytes())
    stem, *sizes = file.name.split(",")
    file = file.rename(file.with_name(",".join([stem, *(sizes if sized else [])])))
    file.chmod(0)
    yield
    [file] = maildir.glob(f"[cn][ue][rw]/{stem}*")  # Dovecot may have renamed it
    file.chmod(0o600)


def test_a_greeting_that_cannot_be_stored_stops_no_other_server(gateway, dovecot, mailbox, connect, form):
    with talking(b"-ERR \0 go away\r\n") as port:
        liar = connect("liar@mycompany.example", port, "pop", priority=1)
        good = connect(mailbox, dovecot.port("imap"))
        dovecot.put(mailbox, message("Next to a liar", to=NOBODY))
        activate(gateway)
        gateway.wake()
        until(lambda: stored(gateway, good) == ["Next to a liar"] and form(good)["date"])
        said = until(lambda: form(liar)["error_message"])
    assert "go away" in said


@contextmanager
def talking(words):
    """Yield a port that sends the same words to each connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(words)
            self.request.settimeout(2)
            with suppress(OSError):  # closing with unread data would reset the connection and lose the words
                self.request.shutdown(socket.SHUT_WR)
                self.request.recv(1024)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_server_that_is_deleted_while_it_is_read_stops_no_other(gateway, dovecot, mailbox, connect, form):
    with Proxy(0, mode="black-hole") as first, Proxy(0, mode="black-hole") as second:
        deleted = connect("deleted@mycompany.example", first.port)
        other = connect("other@mycompany.example", second.port)
        activate(gateway)
        gateway.wake()
        until(lambda: first.connections and second.connections)
        gateway.call("fetchmail.server", "unlink", [deleted])
        first.cut_all()
        second.cut_all()
        until(lambda: form(other)["error_message"])


def test_an_archived_server_is_not_read(gateway, dovecot, mailbox, connect):
    server = connect(mailbox, dovecot.port("imap"), active=False)
    dovecot.put(mailbox, message("Not for us any more"))
    with pytest.raises(OdooError, match="archived"):
        gateway.fetch(server)
    assert not stored(gateway, server)


def test_a_new_host_name_neither_hides_nor_doubles_messages(gateway, dovecot, mailbox):
    """A mailbox could not be reached for a while, people read its messages, and then it has another host name."""
    dovecot.put(mailbox, message("Before the addon", to=NOBODY), flags=["\\Seen"])
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, message("Fetched", to=NOBODY, message_id=None))
    gateway.fetch(server)
    dovecot.put(mailbox, message("Read by a person meanwhile", to=NOBODY))
    dovecot.mark_seen(mailbox)
    with dovecot.session(mailbox) as client:
        client.select_folder("INBOX")
        client.remove_flags(client.search(["SUBJECT", "Fetched"]), [b"\\Seen"])
    gateway.call("fetchmail.server", "write", [server], {"server": "localhost"})
    gateway.fetch(server)
    assert stored(gateway, server) == ["Fetched", "Read by a person meanwhile"]
    gateway.call("fetchmail.server", "write", [server], {"server": "127.0.0.1"})
    gateway.fetch(server)
    assert stored(gateway, server) == ["Fetched", "Read by a person meanwhile"]


def test_another_user_on_the_same_host_has_a_mailbox_of_their_own(gateway, dovecot, mailbox):
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    gateway.fetch(server)
    other = f"other-{mailbox}"
    dovecot.put(other, message("Old in the other one", to=NOBODY), flags=["\\Seen"])
    dovecot.put(other, message("New in the other one", to=NOBODY))
    gateway.call("fetchmail.server", "write", [server], {"user": other})
    gateway.fetch(server)
    assert stored(gateway, server) == ["New in the other one"]


def test_inbox_in_lower_case_is_the_same_folder(gateway, dovecot, mailbox, connect):
    server = connect(mailbox, dovecot.port("imap"), folder="INBOX, Inbox")
    dovecot.put(mailbox, message("Once", to=NOBODY, message_id=None))
    gateway.fetch(server)
    assert stored(gateway, server) == ["Once"]
    with pytest.raises(OdooError, match="Odoo reads the folder “inbox”, so it can't move messages there"):
        gateway.call("fetchmail.server", "write", [server], {"imap_afterwards": "move", "imap_move_to": "inbox"})
