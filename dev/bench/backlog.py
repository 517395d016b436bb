"""The first visit to a huge mailbox: servers that pretend to hold a million messages, or list 100,000."""

import os
import re
import socketserver
import threading
import time

from bench.memory import MEGABYTE, peak_of
from e2e.gateway import Gateway, message
from lab.host.console import say
from lab.odoo import databases

IMAP_UNREAD = 1_000_000
POP3_LISTED = 100_000
_SEQUENCE = re.compile(rb"(\d+):(\d+)")


def measure(visits=2):
    """Print how many messages each of the first visits stores, and the memory that it needs."""
    name = f"bench_backlog_{os.getpid()}"
    gateway = Gateway(databases.clone("gateway", name))
    try:
        gateway.prepare()
        gateway.sql(
            "UPDATE ir_cron SET active = false WHERE id IN (SELECT res_id FROM ir_model_data WHERE name LIKE %s)",
            "ir_cron_lane%",
        )
        for protocol, kind, count in (("imap", _Imap, IMAP_UNREAD), ("pop", _Pop3, POP3_LISTED)):
            for number, (stored, seconds, peak) in enumerate(_visits(gateway, protocol, kind, count, visits), 1):
                say(
                    f"  {protocol}, {count} messages, visit {number}: {stored} stored in {seconds:.0f} s, {peak:.0f} MB"
                )
    finally:
        gateway.stop()
        databases.drop(name)


def _visits(gateway, protocol, kind, count, visits):
    with _Server(kind, count) as listener:
        server = gateway.mail_server("huge", listener.server_address[1], protocol, confirm=False)
        gateway.sql("UPDATE fetchmail_server SET state = 'done' WHERE id = %s", server)
        for _visit in range(visits):
            before, start = gateway.count(), time.monotonic()
            with peak_of(gateway.odoo.process.pid) as peak:
                gateway.fetch(server)
            seconds = time.monotonic() - start
            yield gateway.count() - before, seconds, peak() / MEGABYTE


class _Server(socketserver.ThreadingTCPServer):
    """Serves one kind of session on loopback, in threads, until its `with` block ends."""

    daemon_threads = True

    def __init__(self, kind, count):
        super().__init__(("127.0.0.1", 0), kind)
        self.count = count
        self.source = message("One of many", to="nobody@elsewhere.example")
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_exc):
        self.shutdown()
        self.server_close()


class _Imap(socketserver.StreamRequestHandler):
    """An IMAP session; all messages are unread, and only every second UID exists, so that no two form a range."""

    def handle(self):
        """Serve one session."""
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, command = line.strip().split(b" ", 1)
            for piece in self._answer(command.upper()):
                self.wfile.write(piece)
            self.wfile.write(tag + b" OK done\r\n")
            if command.upper() == b"LOGOUT":
                return

    def _answer(self, command):
        if command == b"CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif command.startswith((b"SELECT", b"EXAMINE")):
            yield b"* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] x\r\n" % self.server.count
            yield b"* OK [UIDNEXT %d] x\r\n" % (2 * self.server.count + 1)
        elif command.startswith(b"UID SEARCH"):
            found = _SEQUENCE.search(command)
            first, last = map(int, found.groups()) if found else (1, self.server.count)
            yield b"* SEARCH %s\r\n" % b" ".join(b"%d" % (2 * number) for number in range(first, last + 1))
        elif command.startswith(b"UID FETCH"):
            yield from map(self._item if b"BODY" in command else self._size, command.split()[2].split(b","))

    def _item(self, uid):
        source = b"X-Number: %s\r\n%s" % (uid, self.server.source)
        return b"* %d FETCH (UID %s BODY[] {%d}\r\n%s)\r\n" % (int(uid) // 2, uid, len(source), source)

    def _size(self, uid):
        return b"* %d FETCH (UID %s RFC822.SIZE %d)\r\n" % (int(uid) // 2, uid, len(self.server.source))


class _Pop3(socketserver.StreamRequestHandler):
    """A POP3 session; it lists the messages, and deletes none."""

    def handle(self):
        """Serve one session."""
        self.wfile.write(b"+OK ready\r\n")
        for line in self.rfile:
            command = line.strip().upper()
            self.wfile.write(b"".join(self._answer(command)))
            if command == b"QUIT":
                return

    def _answer(self, command):
        yield b"+OK\r\n"
        numbers = range(1, self.server.count + 1)
        if command == b"UIDL":
            yield from (b"%d uidl%d\r\n" % (number, number) for number in numbers)
            yield b".\r\n"
        elif command == b"LIST":
            yield from (b"%d %d\r\n" % (number, len(self.server.source)) for number in numbers)
            yield b".\r\n"
        elif command.startswith(b"RETR"):
            yield b"X-Number: %s\r\n%s\r\n.\r\n" % (command.split()[1], self.server.source)
