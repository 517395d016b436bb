"""Common parts of the tests of tools/: no database, a store in memory, mail servers that follow a script."""

import os
import random
import re
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zlib import crc32

from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MailboxSettings

try:
    from odoo.tests import BaseCase, tagged

    # Of many examples that resemble each other, such as mutations of messages, Odoo's runner tries one of three, and plain
    # pytest one of twenty, to finish within seconds. With ALL_EXAMPLES=1 (once a week) both try all.
    ONE_OF, LENGTH_PART = 3, 1
except ImportError:  # plain pytest, without Odoo: `make test-tools`
    from unittest import TestCase

    ONE_OF, LENGTH_PART = 20, 4

    def tagged(*_tags):
        """Leave the class as it is: only Odoo's runner looks at tags."""
        return lambda case: case

    class BaseCase(TestCase):
        """The parts of Odoo's BaseCase that these tests use."""

        def startPatcher(self, patcher):
            """Patch until the test ends."""
            self.addCleanup(patcher.stop)
            return patcher.start()

        @contextmanager
        def subTest(self, *message, **params):  # noqa: N802 - the name that unittest gives it
            """Name the case that failed; pytest's own way would take more time than most of the thousands of cases."""
            try:
                yield
            except Exception as error:
                error.add_note(f"in the case {message or ''}{params or ''}")
                raise


if os.environ.get("ALL_EXAMPLES"):
    ONE_OF = LENGTH_PART = 1

DATA = Path(__file__).parents[1] / "data"
USER, PASSWORD = "box@mycompany.example", "secret"


@tagged("post_install", "-at_install")
class ToolsCase(BaseCase):
    """Odoo's runner runs these tests without a cursor, and pytest runs them without Odoo."""

    def eml(self, name):
        """Return the source of a message in tests/data."""
        return (DATA / f"{name}.eml").read_bytes()

    def every_eml(self):
        """Return the sources of all messages in tests/data."""
        return [file.read_bytes() for file in sorted(DATA.glob("*.eml"))]

    def assertDatabaseText(self, text, source):
        """Check that PostgreSQL takes `text`: it contains no NUL and no surrogates."""
        if "\0" in text or text.encode("utf-8", "ignore").decode() != text:
            self.fail(f"{text!r} from {source!r}")

    def serve(self, greeting, answer):
        """Start a scripted server that lives as long as the test."""
        server = ScriptedServer(greeting, answer)
        self.addCleanup(server.stop)
        return server


def rounds(count):
    """Return how many of `count` rounds to run."""
    return -(-count // ONE_OF)


def length(count):
    """Return how long to make a text that is expensive because of its length, and `count` long in Odoo's runner."""
    return count // LENGTH_PART


def some_of(examples):
    """Return some of many similar examples: three at least, as far apart from each other as possible."""
    examples = list(examples)
    return examples[:: max(min(ONE_OF, len(examples) // 3), 1)]


def raw(subject="Order", sender="Mary <mary@customer.example>", to="sales@mycompany.example", message_id="", **headers):
    """Return a small message; `headers` have _ for -, and None leaves a header out."""
    lines = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Message-Id": message_id or f"<{crc32(repr((subject, sender, to)).encode())}@customer.example>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "\r\n".join(f"{name}: {value}" for name, value in lines.items() if value is not None)
    return f"{head}\r\n\r\nHello,\r\nplease send ten of them.\r\n".encode()


def mutations(seeds, count):
    """Yield byte strings that resemble messages; each run yields the same ones.

    :param count: the number in Odoo's runner, see :func:`rounds`
    """
    dice = random.Random(5322)
    # the bytes at which parsers fail, more often than chance would produce them
    spice = b"\0|\r\n|\r\n\r\n|:|;|=|=?|?=|=?utf-7?q?+2AA-?=|=?utf-8?b?7aCA?=|<|>|\xff|\xed\xa0\x80|--|(|@|,|<!|&#0;"
    for _round in range(rounds(count)):
        source = bytearray(dice.choice(seeds)[:2000])
        for _change in range(dice.randrange(1, 12)):
            place = dice.randrange(len(source) + 1)
            source[place : place + dice.randrange(6)] = dice.choice((dice.choice(spice.split(b"|")), dice.randbytes(3)))
        yield bytes(source)


class MemoryStore:
    """Remembers the stored messages, and everything that it was told."""

    def __init__(self, stored=None, position=None, last_success=None, first_visit=None):
        self.messages = dict(stored or {})
        self.positions = {(position.account, position.folder): position} if position else {}
        self.success = last_success
        self.first = first_visit or datetime(2000, 1, 1)
        self.confirmed = set()
        # the keys of messages with only their headers stored, and of those that a person wants whole
        self.kept_heads = {}
        self.wanted = []
        self.tries = Counter()

    def known(self, keys):
        return {key for key in keys if key in self.messages}

    def known_sources(self, sources):
        return set(sources) & set(self.messages.values())

    def requested(self):
        return list(self.wanted)

    def count_request(self, key):
        self.tries[key] += 1

    def heads(self, keys):
        return {key for key in keys if key in self.kept_heads}

    def unacknowledged(self):
        return [key for key in self.messages if key not in self.confirmed and key not in self.kept_heads]

    def position(self, account, folder):
        return self.positions.get((account, folder))

    def last_success(self):
        return self.success

    def first_visit(self, _account, _folder):
        return self.first

    def forget_removed(self, prefix, keys):
        listed = set(keys)
        for key in [key for key in self.messages if key.startswith(prefix)]:
            if listed & {key, re.sub(r";SHA256=[0-9a-f]{64}(;COPY=\d+)?$", "", key)}:
                continue
            self.messages[f"gone:{key}"] = self.messages.pop(key)

    def add(self, batch):
        self.messages.update((message.key, message.source) for message in batch.messages)
        self.kept_heads.update((message.key, message.size) for message in batch.messages if message.is_head)
        for message in batch.messages:
            if message.was_requested:
                self.kept_heads.pop(message.key)
                self.wanted.remove(message.key)
        if batch.position:
            self.positions[batch.position.account, batch.position.folder] = batch.position

    def acknowledged(self, keys):
        self.confirmed.update(keys)


class ClosingReply(bytes):
    """A reply after which the server hangs up."""


class ScriptedServer:
    """A mail server that behaves as Dovecot never does. It takes one connection after another.

    :param bytes greeting: the bytes that it sends first; none for a server that accepts and keeps silent
    :param answer: takes a line without its end and returns the reply
    """

    def __init__(self, greeting, answer):
        self.received = []
        self._greeting = greeting
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connection = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def stop(self):
        for end in filter(None, (self._listener, self._connection)):
            _shut(end)
        self._thread.join(5)
        self._listener.close()

    def settings(self, protocol, **values):
        """Return the settings of a mailbox on this server."""

        def log_in(connection):
            if protocol == "imap":
                connection.login(USER, PASSWORD)
            else:
                connection.user(USER)
                connection.pass_(PASSWORD)

        return MailboxSettings(protocol, "127.0.0.1", self.port, USER, **{"log_in": log_in, "timeout": 10, **values})

    def _run(self):
        while True:
            try:
                self._connection, _address = self._listener.accept()
            except OSError:
                return
            with self._connection:
                self._connection.settimeout(10)
                self._talk(self._connection)

    def _talk(self, connection):
        try:
            connection.sendall(self._greeting)
            for line in connection.makefile("rb"):
                self.received.append(line.rstrip(b"\r\n"))
                reply = self._answer(self.received[-1])
                connection.sendall(reply)
                if isinstance(reply, ClosingReply):
                    break
        except OSError:
            return
        _shut(connection)


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def replies(table, otherwise):
    """Return an `answer` that looks up replies by the longest beginning of the command.

    :param table: command -> reply, or a function that makes it from the line
    """
    commands = sorted(table, key=len, reverse=True)

    def answer(line):
        reply = next((table[command] for command in commands if line.upper().startswith(command)), otherwise)
        return reply(line) if callable(reply) else reply

    return answer


def pop3_script(messages, **changes):
    """Return an `answer` of a POP3 server.

    :param messages: UIDL -> the lines of the message as they are sent
    :param changes: command -> reply that differs
    """
    listed = list(messages)

    def retrieve(line):
        return b"+OK\r\n%s\r\n.\r\n" % messages[listed[int(line.split()[1]) - 1]]

    def listing(column):
        lines = (b"%d %s\r\n" % (number, column(uidl)) for number, uidl in enumerate(listed, 1))
        return b"+OK\r\n%s.\r\n" % b"".join(lines)

    return replies(
        {
            b"USER": b"+OK\r\n",
            b"PASS": b"+OK\r\n",
            b"STAT": b"+OK %d 1000\r\n" % len(listed),
            b"UIDL": listing(str.encode),
            b"LIST": listing(lambda uidl: b"%d" % len(messages[uidl])),
            b"RETR": retrieve,
            b"TOP": lambda line: b"%s\r\n\r\n.\r\n" % retrieve(line).partition(b"\r\n\r\n")[0],
            b"DELE": b"+OK\r\n",
            b"QUIT": ClosingReply(b"+OK\r\n"),
            **{command.encode(): reply for command, reply in changes.items()},
        },
        otherwise=b"-ERR what?\r\n",
    )


def imap_script(messages, dates=(), **changes):
    """Return an `answer` of an IMAP server with one folder, whose UIDVALIDITY is 7.

    :param messages: UID -> source
    :param dates: UID -> INTERNALDATE
    :param changes: command, with _ for a space -> untagged replies, or a function that makes them from the line;
        bytes that begin with NO, BAD or * BYE are the whole reply
    """

    def fetch(line):
        uids = [uid for uid in _uids(line.split()[2]) if uid in messages]
        if b"INTERNALDATE" in line:
            items = [(uid, b'INTERNALDATE "%s"' % dates[uid]) for uid in uids if uid in dates]
        elif b"RFC822.SIZE" in line:
            items = [(uid, b"RFC822.SIZE %d" % len(messages[uid])) for uid in uids]
        else:
            items = [(uid, _body(line, messages[uid])) for uid in uids]
        return b"".join(
            b"* %d FETCH (UID %d %s)\r\n" % (list(messages).index(uid) + 1, uid, item) for uid, item in items
        )

    def named(line):
        text = line.split()[3]
        if not text.endswith(b":*"):
            return searched(*(uid for uid in _uids(text) if uid in messages))
        first = int(text.split(b":")[0])
        return searched(*([uid for uid in messages if uid >= first] or [max(messages, default=0)]))

    table = {
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
        b"LOGIN": b"",
        b"SELECT": selected(len(messages), uid_next=max(messages, default=0) + 1),
        b"UID SEARCH ALL": searched(*messages),
        b"UID SEARCH UNSEEN": searched(),
        b"UID SEARCH SINCE": searched(),
        b"UID SEARCH UID": named,
        b"UID SEARCH DELETED": searched(),
        b"UID FETCH": fetch,
        b"UID STORE": b"",
        b"UID COPY": b"",
        b"UID MOVE": b"",
        b"UID EXPUNGE": b"",
        b"EXPUNGE": b"",
        b"LIST": b'* LIST () "/" INBOX\r\n',
        b"LOGOUT": b"* BYE\r\n",
        **{command.replace("_", " ").encode(): reply for command, reply in changes.items()},
    }
    look_up = replies(table, otherwise=b"BAD what?\r\n")

    def answer(line):
        tag, command = line.split(b" ", 1)
        reply = look_up(command)
        if reply.startswith(b"* BYE") and not command.upper().startswith(b"LOGOUT"):
            return ClosingReply(reply)
        return b"%s %s" % (tag, reply) if reply.startswith((b"NO", b"BAD")) else b"%s%s OK done\r\n" % (reply, tag)

    return answer


def _body(line, source):
    """Return the item of a FETCH response that a command asks for: the whole message, its head, or a part of either."""
    what, offset, count = re.search(rb"BODY\.PEEK\[(\w*)\](?:<(\d+)\.(\d+)>)?", line).groups()
    if what:
        source = b"".join(source.partition(b"\r\n\r\n")[:2])
    where = b""
    if offset is not None:
        source, where = source[int(offset) : int(offset) + int(count)], b"<%s>" % offset
    return b"BODY[%s]%s {%d}\r\n%s" % (what, where, len(source), source)


def selected(exists, uid_next=None, uid_validity=7):
    """Return the untagged replies to SELECT."""
    lines = [b"* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY %d] x\r\n" % (exists, uid_validity)]
    return b"".join(lines + ([b"* OK [UIDNEXT %d] x\r\n" % uid_next] if uid_next else []))


def searched(*uids):
    """Return the untagged reply to SEARCH."""
    return b"* SEARCH%s\r\n" % b"".join(b" %d" % uid for uid in uids)


def _uids(text):
    for first, last in re.findall(rb"(\d+)(?::(\d+))?", text):
        yield from range(int(first), int(last or first) + 1)
