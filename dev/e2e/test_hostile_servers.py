"""A real Odoo with mail servers that repeat passwords, never end their replies, or lack usual capabilities."""

import re
import socket
import threading
from base64 import b64encode
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from e2e.gateway import Gateway, message
from lab.odoo.server import OdooError
from lab.servers.proxy import Proxy

NOBODY = "nobody@elsewhere.example"  # held at once: for tests that only fetch
PASSWORD = 'Sesam "öffne dich\\!9'
MEGABYTE = 2**20


class Server:
    """A mail server that follows a script.

    :param bytes greeting: what it sends first
    :param answer: takes a line and returns the reply; None to send `flood` without end
    :param bytes flood: what it sends again and again instead of a reply
    """

    def __init__(self, greeting, answer, flood=b""):
        self._greeting, self._answer, self._flood = greeting, answer, flood
        self.sent = 0
        self._connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        for each in (self._listener, *self._connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self):
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            connection.settimeout(30)
            try:
                connection.sendall(self._greeting)
                for line in connection.makefile("rb"):
                    reply = self._answer(line.rstrip(b"\r\n"))
                    while reply is None:
                        connection.sendall(self._flood)
                        self.sent += len(self._flood)
                    connection.sendall(reply)
            except OSError:
                return


class Filter(Proxy):
    """Replaces bytes on their way, in both directions."""

    replacements = ()

    def _cut(self, connection, data):
        for old, new in self.replacements:
            data = data.replace(old, new.ljust(len(old)))
        return super()._cut(connection, data)


@pytest.fixture(scope="module")
def gateway(module_database):
    """An Odoo that logs everything but its statements and sessions."""
    gateway = Gateway(module_database, extra_args=["--log-handler", ":DEBUG", "--log-handler", "odoo.sql_db:INFO"])
    try:
        yield gateway.prepare()
    finally:
        gateway.stop()


@contextmanager
def shown(gateway, server):
    """Yield a list; after the block, it contains all that Odoo has logged and stored about a server meanwhile."""
    start, seen = gateway.odoo.log.stat().st_size, []
    yield seen
    seen += [gateway.odoo.log.read_bytes()[start:].decode("utf-8", "replace")]
    seen += gateway.sql("SELECT error_message FROM fetchmail_server WHERE id = %s", server)[0]


def refusal(gateway, server, method="fetch_mail"):
    """Return the error that Odoo shows to the user, and its traceback."""
    with pytest.raises(OdooError) as caught:
        gateway.call("fetchmail.server", method, [server])
    return f"{caught.value}\n{caught.value.debug}"


def assert_kept(text):
    """Assert that a text contains no piece of the password in any form."""
    forms = [
        PASSWORD,
        PASSWORD.replace("\\", r"\\").replace('"', r"\""),
        b64encode(PASSWORD.encode()).decode(),
        b64encode(f"\0box\0{PASSWORD}".encode()).decode(),
        repr(PASSWORD.encode()),
        "Sesam",
        "dich",
    ]
    assert not [form for form in forms if form in text], text


def repeat_imap():
    """Return the answers of an IMAP server that repeats what PLAIN has sent it, in several forms."""
    tags = []

    def answer(line):
        tag, _space, command = line.partition(b" ")
        if command == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK done\r\n" % tag
        if command.startswith(b"AUTHENTICATE"):
            tags.append(tag)
            return b"+ \r\n"
        return b"* BAD [ALERT] %s\r\n* OK %s\r\n%s NO [AUTHENTICATIONFAILED] PLAIN %s (%s) is wrong\r\n" % (
            line,
            PASSWORD.encode(),
            tags[-1],
            line,
            PASSWORD.encode("latin-1"),
        )

    return answer


def repeat_pop3(line):
    return b"+OK\r\n" if line.startswith(b"USER") else b"-ERR %s: %s\r\n" % (line, PASSWORD.encode())


@pytest.mark.parametrize(
    ("protocol", "greeting", "answer"),
    [("imap", b"* OK ready\r\n", repeat_imap()), ("pop", b"+OK\r\n", repeat_pop3)],
    ids=["imap", "pop"],
)
def test_a_password_that_a_server_repeats_is_neither_shown_nor_logged(gateway, protocol, greeting, answer):
    with Server(greeting, answer) as server:
        box = gateway.mail_server("box", server.port, protocol, confirm=False, password=PASSWORD)
        gateway.sql("UPDATE fetchmail_server SET state = 'done' WHERE id = %s", box)
        with shown(gateway, box) as seen:
            for method in ("button_confirm_login", "fetch_mail"):
                words = refusal(gateway, box, method)
                assert "refuses the login of “box”" in words
                seen.append(words)
        assert_kept("\n".join(seen))
        gateway.call("fetchmail.server", "unlink", [box])


def flooding(line):
    tag, _space, command = line.partition(b" ")
    if command == b"CAPABILITY":
        return b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag
    return None if command.startswith((b"SELECT", b"UIDL")) else b"%s OK done\r\n" % tag


@pytest.mark.parametrize(
    ("protocol", "greeting", "answer", "flood"),
    [
        ("imap", b"* OK ready\r\n", flooding, b"* 1 EXISTS\r\n" * 5000),
        ("pop", b"+OK\r\n", lambda line: None if line == b"UIDL" else b"+OK\r\n", b"+OK\r\n" * 10_000),
    ],
    ids=["imap", "pop"],
)
def test_an_endless_reply_does_not_fill_the_memory(gateway, protocol, greeting, answer, flood):
    with Server(greeting, answer, flood) as server:
        box = gateway.mail_server("flood", server.port, protocol, confirm=False)
        gateway.sql("UPDATE fetchmail_server SET state = 'done' WHERE id = %s", box)
        before = _memory(gateway)
        assert "sent more than Odoo asked for" in refusal(gateway, box)
        assert server.sent < 100 * MEGABYTE
        assert _memory(gateway) - before < 250 * MEGABYTE
        gateway.call("fetchmail.server", "unlink", [box])


def _memory(gateway):
    """Return the most bytes that the process has ever had in memory."""
    status = Path(f"/proc/{gateway.odoo.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def listing(values):
    """Return a reply of a POP3 server with a numbered line for each value."""
    return b"+OK\r\n%s.\r\n" % b"".join(b"%d %s\r\n" % each for each in enumerate(values, 1))


def test_an_endless_pop3_head_is_not_taken_for_another_message(gateway):
    """Odoo could take the part that it has not read for the replies to its next commands."""
    endless = b"".join(b"+OK: %06d\r\nX: %s\r\n" % (number, b"a" * 980) for number in range(5000))
    messages = [endless, message("Second", to=NOBODY), message("Third", to=NOBODY)]
    sizes = [b"%d" % (60 * MEGABYTE), *(b"%d" % len(each) for each in messages[1:])]

    def answer(line):
        command, _space, number = line.partition(b" ")
        if command in (b"RETR", b"TOP"):
            return b"+OK\r\n%s\r\n.\r\n" % messages[int(number.split()[0]) - 1]
        table = {b"STAT": b"+OK 3 1000\r\n", b"UIDL": listing([b"one", b"two", b"three"]), b"LIST": listing(sizes)}
        return table.get(command, b"+OK\r\n")

    with Server(b"+OK\r\n", answer) as server:
        box = gateway.mail_server("endless", server.port, "pop", pop_afterwards="leave")
        assert [gateway.fetch(box) for _again in range(2)] == ["New messages: 3", "New messages: 0"]
        rows = gateway.sql(
            "SELECT remote_key, subject, is_head IS TRUE, size FROM mail_inbound_message WHERE server_id = %s"
            " ORDER BY id",
            box,
        )
        assert [(key.rpartition("=")[2], *row) for key, *row in rows] == [
            ("one", rows[0][1], True, 60 * MEGABYTE),
            ("two", "Second", False, len(messages[1]) + 2),
            ("three", "Third", False, len(messages[2]) + 2),
        ]
        gateway.call("fetchmail.server", "unlink", [box])


def test_no_second_visit_starts_while_the_first_one_runs(gateway):
    silent = threading.Event()

    def answer(_line):
        silent.set()
        return b""

    with Server(b"+OK\r\n", answer) as server:
        box = gateway.mail_server("silent", server.port, "pop", confirm=False)
        gateway.sql("UPDATE fetchmail_server SET state = 'done' WHERE id = %s", box)
        first = threading.Thread(target=refusal, args=(gateway, box), daemon=True)
        first.start()
        assert silent.wait(30)
        assert gateway.fetch(box) == "Odoo is reading this server already. Try again later."
        threads = _threads(gateway)
    first.join(60)
    assert not first.is_alive()
    assert _threads(gateway) < threads
    gateway.call("fetchmail.server", "unlink", [box])


def _threads(gateway):
    status = Path(f"/proc/{gateway.odoo.process.pid}/status").read_text()
    return int(re.search(r"Threads:\s+(\d+)", status)[1])


@pytest.mark.parametrize(
    "afterwards",
    [{"imap_afterwards": "delete"}, {"imap_afterwards": "move", "imap_move_to": "Done"}],
    ids=["delete", "move"],
)
def test_without_uidplus_a_message_that_a_person_marked_as_deleted_stays(gateway, dovecot, mailbox, afterwards):
    with Filter(dovecot.port("imap")) as proxy:
        proxy.replacements = ((b" UIDPLUS", b""), (b" MOVE", b""))
        dovecot.put(mailbox, message("Marked by a person", to=NOBODY), flags=["\\Seen", "\\Deleted"])
        if "imap_move_to" in afterwards:
            with dovecot.session(mailbox) as client:
                client.create_folder("Done")
        server = gateway.mail_server(mailbox, proxy.port, **afterwards)
        dovecot.put(mailbox, message("Fetched", to=NOBODY))
        assert gateway.fetch(server) == "New messages: 1"
        assert dovecot.flags(mailbox) == [{"\\Seen", "\\Deleted"}, {"\\Deleted"}]
        assert len(dovecot.read(mailbox, "Done") if "imap_move_to" in afterwards else [1]) == 1
        with dovecot.session(mailbox) as client:
            client.select_folder("INBOX")
            client.remove_flags(client.search(["SUBJECT", "Marked"]), [b"\\Deleted"])
        dovecot.put(mailbox, message("Fetched later", to=NOBODY))
        assert gateway.fetch(server) == "New messages: 1"
        assert [b"Marked by a person" in source for source in dovecot.read(mailbox)] == [True]


def test_a_message_that_the_server_withholds_is_reported_and_fetched_later(gateway, dovecot, mailbox):
    with Filter(dovecot.port("imap")) as proxy:
        server = gateway.mail_server(mailbox, proxy.port)
        dovecot.put(mailbox, message("Owed"))
        proxy.replacements = ((b"BODY.PEEK[]", b"FLAGS"),)
        assert "refuses to deliver 1 of the messages" in refusal(gateway, server)
        dovecot.mark_seen(mailbox)
        refusal(gateway, server)
        [[words]] = gateway.sql("SELECT error_message FROM fetchmail_server WHERE id = %s", server)
        assert "OK without data for UID 1, which is listed" in words
        proxy.replacements = ()
        assert gateway.fetch(server) == "New messages: 1"
        gateway.settle()
        assert gateway.leads(server) == ["Owed"]
        assert gateway.sql("SELECT error_message FROM fetchmail_server WHERE id = %s", server) == [(None,)]


def test_a_password_of_an_outgoing_server_is_neither_shown_nor_logged(gateway):
    """It is not in the failure reason, although the server repeats it and it contains characters beyond ASCII."""

    def answer(line):
        if line.upper().startswith(b"EHLO"):
            return b"250-hostile.example\r\n250 AUTH PLAIN LOGIN\r\n"
        return b"535 5.7.8 %s, %s\r\n" % (line, PASSWORD.encode()) if line.startswith(b"AUTH") else b"334 \r\n"

    with Server(b"220 hostile.example ESMTP\r\n", answer) as server:
        outgoing = gateway.call(
            "ir.mail_server",
            "create",
            {
                "name": "Hostile",
                "smtp_host": "127.0.0.1",
                "smtp_port": server.port,
                "smtp_encryption": "none",
                "smtp_user": "box",
                "smtp_pass": PASSWORD,
            },
        )
        start = gateway.odoo.log.stat().st_size
        mail = gateway.call(
            "mail.mail",
            "create",
            {"subject": "Hello", "email_to": NOBODY, "auto_delete": False, "mail_server_id": outgoing},
        )
        gateway.call("mail.mail", "send", [mail])
        [[state, reason]] = gateway.sql("SELECT state, failure_reason FROM mail_mail WHERE id = %s", mail)
        assert state == "exception"
        assert "535" in reason
        assert_kept(reason + gateway.odoo.log.read_bytes()[start:].decode("utf-8", "replace"))
        gateway.call("ir.mail_server", "unlink", [outgoing])
