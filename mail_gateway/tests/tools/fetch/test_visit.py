import socket
import threading
import time
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import MemoryStore, ToolsCase, imap_script, pop3_script
from odoo.addons.mail_gateway.tools.faults import ConnectionFault, connection_fault
from odoo.addons.mail_gateway.tools.fetch import imap_protocol, pop3_protocol, reply_budget
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox, open_mailbox
from odoo.addons.mail_gateway.tools.fetch.folder_position import FolderPosition
from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MailboxSettings
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget
from odoo.addons.mail_gateway.tools.fetch.visit import EndlessServer, Visit, VisitOver
from odoo.addons.mail_gateway.tools.fetch.worker_threads import Abandoned, WorkerThreads

PATIENCE = 20
FOREVER = float("inf")


class EndlessStream:
    """A server that sends something, and then the same bytes again and again for as long as a client listens.

    :param bytes first: the bytes that it sends first
    :param bytes again: the bytes that it repeats
    :param float pause: seconds between two repetitions
    :ivar closed: set when the client closed the connection
    """

    def __init__(self, first, again, pause=0.0):
        self._first, self._again, self._pause = first, again, pause
        self.connected, self.closed = threading.Event(), threading.Event()
        self.connections = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.port = self._listener.getsockname()[1]

    def stop(self):
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()

    def _run(self):
        while not self._over.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.connected.set()
            with connection:
                self._talk(connection)
            self.closed.set()

    def _talk(self, connection):
        connection.settimeout(PATIENCE)
        try:
            connection.sendall(self._first)
            while not self._over.is_set():
                connection.sendall(self._again)
                if self._pause:
                    self._over.wait(self._pause)
        except OSError:
            return


class VisitCase(ToolsCase):
    def stream(self, first=b"", again=b"", pause=0.0):
        server = EndlessStream(first, again, pause)
        self.addCleanup(server.stop)
        return server

    def settings(self, server, protocol, **values):
        values = {"timeout": PATIENCE, "log_in": lambda connection: connection.login("box", "secret"), **values}
        return MailboxSettings(protocol, "127.0.0.1", server.port, "box", **values)

    @contextmanager
    def no_thread_left(self):
        before = set(threading.enumerate())
        yield
        until = time.monotonic() + PATIENCE
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith(("fetch mail", "mail network")):
                thread.join(max(until - time.monotonic(), 0))
                self.assertFalse(thread.is_alive(), thread.name)


class TestVisit(VisitCase):
    """The seconds and bytes that a server may take."""

    def test_a_server_that_sends_very_slowly_is_cut_off_when_the_visit_ends(self):
        drips = {
            "imap": (b"* OK ready\r\n", b"* OK still here\r\n"),
            "pop": (b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n", b"1 one\r\n"),
        }
        for protocol, (greeting, drip) in drips.items():
            for first in (b"", greeting[:3], greeting):
                with self.subTest(protocol, first=first):
                    server = self.stream(first, drip if first == greeting else b"x", pause=0.01)
                    settings = self.settings(server, protocol, visit=Visit(0.3))
                    with self.assertRaises(VisitOver) as caught:
                        fetch_mailbox(settings, MemoryStore(), TimeBudget(FOREVER))
                    self.assertIs(connection_fault(caught.exception), ConnectionFault.TOO_SLOW)
                    self.assertTrue(server.closed.wait(PATIENCE))

    def test_a_tls_handshake_that_hangs_ends_with_the_visit(self):
        script = imap_script({}, CAPABILITY=b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", STARTTLS=b"")
        plain = []  # the lines that arrive before the handshake

        def silent_from_then_on(line):
            if plain and b"STARTTLS" in plain[-1]:
                return b""
            plain.append(line)
            return script(line)

        silent = self.serve(b"* OK ready\r\n", silent_from_then_on)
        cases = (
            ("imap", {"tls": True}, self.stream(again=b"\x16\x03\x03\x40\x00", pause=0.01)),
            ("pop", {"tls": True}, self.stream(again=b"", pause=0.01)),
            ("imap", {"starttls": True}, silent),
            ("pop", {"starttls": True}, self.stream(b"+OK\r\n+OK\r\n", b"", pause=0.01)),
        )
        for protocol, tls, server in cases:
            with self.subTest(protocol, tls=tls), self.assertRaises(VisitOver):
                open_mailbox(self.settings(server, protocol, visit=Visit(0.3), **tls))

    def test_a_thread_that_waits_for_the_network_can_be_ended_by_another(self):
        for protocol in ("imap", "pop"):
            for tls in (False, True):
                with self.subTest(protocol, tls=tls), self.no_thread_left():
                    server = self.stream()
                    settings = self.settings(server, protocol, tls=tls, visit=Visit(FOREVER))
                    workers = WorkerThreads()
                    job = partial(fetch_mailbox, settings, MemoryStore(), TimeBudget(FOREVER))
                    outcome = workers.start("fetch mail 1", job, settings.visit.cut)
                    self.assertTrue(server.connected.wait(PATIENCE))
                    self.assertEqual(list(workers.serve(time.monotonic())), [outcome])
                    self.assertIsInstance(outcome.exception(), Abandoned)
                    self.assertFalse(outcome.thread.is_alive())

    def test_a_visit_that_was_ended_opens_no_more_connections(self):
        server = self.stream(b"* OK ready\r\n")
        settings = self.settings(server, "imap")
        settings.visit.cut()
        with self.assertRaises(VisitOver):
            open_mailbox(settings)
        self.assertEqual(server.connections, 0)

    def test_a_hanging_resolver_ends_with_the_timeout(self):
        released = threading.Event()
        self.addCleanup(released.set)
        with patch("socket.getaddrinfo", lambda *_args, **_kwargs: released.wait(PATIENCE)):
            settings = self.settings(self.stream(), "imap", timeout=0.2)
            with self.assertRaises(TimeoutError):
                open_mailbox(settings)

    def test_endless_replies_end_the_connection(self):
        logged_in = b"+OK\r\n" * 4
        cases = {
            "an IMAP greeting without end": ("imap", b"", b"x" * 1000),
            "IMAP words before the login": ("imap", b"* OK ready\r\n", b"* OK on and on\r\n" * 50),
            "a POP3 greeting without end": ("pop", b"", b"x" * 1000),
            "a POP3 list without end": ("pop", logged_in, b"1 one\r\n" * 1000),
            "empty lines without end": ("pop", logged_in, b"\r\n" * 1000),
            "a line without end": ("pop", logged_in, b"x" * 10_000),
        }
        with patch.object(pop3_protocol, "MAX_REPLY", 2**20):
            for name, (protocol, first, again) in cases.items():
                with self.subTest(name):
                    server = self.stream(first, again)
                    with self.assertRaises(EndlessServer) as caught:
                        fetch_mailbox(self.settings(server, protocol), MemoryStore(), TimeBudget(FOREVER))
                    self.assertIs(connection_fault(caught.exception), ConnectionFault.ENDLESS)

    def test_endless_replies_after_the_login_are_cut_off(self):
        script = imap_script({11: b"eleven"})
        for command in (b"SELECT", b"SEARCH", b"RFC822.SIZE", b"BODY", b"STORE"):
            flood = b"* 1 EXISTS\r\n" * 20_000
            with self.subTest(command), patch.object(imap_protocol, "MAX_REPLY", 2**20):
                server = self.serve(
                    b"* OK ready\r\n",
                    lambda line, command=command, flood=flood: flood if command in line else script(line),
                )
                store = MemoryStore(position=FolderPosition("box@mycompany.example@127.0.0.1", "INBOX", 7, 10))
                if command == b"RFC822.SIZE":  # the size is not needed
                    self.assertEqual(fetch_mailbox(server.settings("imap"), store, TimeBudget(FOREVER)).stored, 1)
                elif command == b"BODY":  # the message is set aside, as if the server could not read it
                    self.assertEqual(
                        fetch_mailbox(server.settings("imap"), store, TimeBudget(FOREVER)).refusal.count, 1
                    )
                else:
                    with self.assertRaises(EndlessServer):
                        fetch_mailbox(server.settings("imap"), store, TimeBudget(FOREVER))

    def test_a_literal_that_was_not_asked_for_is_not_read(self):
        announced = b"* 1 FETCH (UID 11 BODY[] {99999999999999}\r\n"
        script = imap_script({11: b"eleven"}, UID_SEARCH_UNSEEN=b"* SEARCH 11\r\n")
        server = self.serve(b"* OK ready\r\n", lambda line: announced if b"BODY" in line else script(line))
        result = fetch_mailbox(server.settings("imap"), MemoryStore(), TimeBudget(FOREVER))
        self.assertEqual(result.refusal.count, 1)

    def test_a_literal_before_the_login_is_not_read(self):
        with self.assertRaises(EndlessServer):
            open_mailbox(self.settings(self.stream(b"* OK {1000}\r\n", b"x"), "imap"))

    def test_the_bytes_of_a_visit_are_limited(self):
        server = self.serve(b"+OK ready\r\n", pop3_script({"1": b"x" * 100_000, "2": b"y" * 100_000}))
        store = MemoryStore()
        settings = server.settings("pop", visit=Visit(max_bytes=50_000))
        with self.assertRaises(EndlessServer):
            fetch_mailbox(settings, store, TimeBudget(FOREVER))
        self.assertEqual(store.messages, {})

    def test_a_visit_that_is_almost_full_leaves_the_rest_to_the_next(self):
        messages = {11: b"x" * 9_000_000, 12: b"y" * 9_000_000, 14: b"z"}
        server = self.serve(b"* OK ready\r\n", imap_script(messages, UID_SEARCH_UNSEEN=b"* SEARCH 11 12 14\r\n"))
        store = MemoryStore()
        for stored, complete in ((1, False), (2, True)):
            settings = server.settings("imap", visit=Visit(max_bytes=17_000_000 if stored == 1 else 10**9))
            result = fetch_mailbox(settings, store, TimeBudget(FOREVER))
            self.assertEqual((result.stored, result.complete), (stored, complete))
        self.assertEqual(set(store.messages.values()), set(messages.values()))

    def test_connections_of_a_visit_are_closed(self):
        server = self.serve(b"* OK ready\r\n", imap_script({}))
        settings = server.settings("imap")
        open_mailbox(settings).disconnect()
        self.assertEqual(settings.visit._socket.fileno(), -1)


class TestVisitLimits(ToolsCase):
    def test_a_reply_may_not_be_longer_than_its_budget(self):
        budget = reply_budget.ReplyBudget()
        budget.count_line(reply_budget.MAX_GREETING - 2 * reply_budget.LINE_OVERHEAD)
        self.assertEqual(budget.line_limit, reply_budget.LINE_OVERHEAD)
        budget.count_line(0)
        with self.assertRaises(EndlessServer):
            budget.count_line(1)
        budget.begin()
        self.assertEqual(budget.line_limit, reply_budget.MAX_GREETING)
