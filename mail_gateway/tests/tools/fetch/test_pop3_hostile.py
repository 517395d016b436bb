import time
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, MemoryStore, ToolsCase, pop3_script
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.pop3_protocol import MessageTooLarge, UnfinishedReply
from odoo.addons.mail_gateway.tools.fetch.pop3_session import Pop3Session
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget, TookTooLong

FOREVER = float("inf")
PREFIX = "pop://box@mycompany.example@127.0.0.1/;UIDL="
HELLO = b"Subject: Hello\r\n\r\nHello"
BYE = b"Subject: Bye\r\n\r\nBye"
HEAD = b"Subject: large\r\n\r\n"
LARGE = HEAD + b"x" * 100
HUGE = HEAD + b"x" * 3000
# endless header lines, each of which could be taken for a positive reply
ENDLESS = b"".join(b"+OK: %06d\r\nX: %s\r\n" % (number, b"a" * 980) for number in range(5000))
NO_UIDL = {"UIDL": b"-ERR what?\r\n"}


class Maildrop:
    """A POP3 server that deletes messages only at QUIT.

    :param messages: UIDL -> the lines of the message
    :param replies: UIDL -> the reply to RETR and TOP in place of the message
    :param sizes: UIDL -> the stated size in bytes
    :param changes: see :func:`pop3_script`
    """

    def __init__(self, messages, replies=None, sizes=None, **changes):
        self.messages, self.replies, self.sizes, self.changes = dict(messages), replies or {}, sizes or {}, changes
        self.sessions = 0
        self.asked = []

    def __call__(self, line):
        command, _space, number = line.partition(b" ")
        if command == b"USER":
            self.sessions += 1
            self._listed, self._marked = list(self.messages), []
            self._script = pop3_script(self.messages, **({"LIST": self._sizes()} | self.changes))
        uidl = self._listed[int(number.split()[0]) - 1] if command in (b"RETR", b"TOP", b"DELE") else None
        if command == b"DELE":
            self._marked.append(uidl)
        elif command == b"QUIT":
            for each in self._marked:
                del self.messages[each]
        elif uidl:
            self.asked.append(uidl)
            return self.replies[uidl] if uidl in self.replies else self._script(line)
        return self._script(line)

    def _sizes(self):
        sizes = (self.sizes.get(uidl, len(source)) for uidl, source in self.messages.items())
        return b"+OK\r\n%s.\r\n" % b"".join(b"%d %d\r\n" % each for each in enumerate(sizes, 1))


class HalfOver(TimeBudget):
    """Half of the time is over from the beginning; messages are read one by one."""

    def what_fits(self, sizes):
        return list(sizes)[:1]

    def is_half_over(self):
        return True


class Pop3HostileCase(ToolsCase):
    def maildrop(self, messages, replies=None, **values):
        self.drop = Maildrop(messages, replies, **values)
        return self.serve(b"+OK\r\n", self.drop)

    def visit(self, server, store, stalled=(), visit_budget=None, **values):
        """Make a visit; return the stalled messages for the next one."""
        visit_budget = visit_budget or TimeBudget(FOREVER, stalled=stalled)
        self.drop.asked.clear()
        self.result = self.error = None
        try:
            settings = server.settings("pop", **{"afterwards": "delete", **values})
            self.result = fetch_mailbox(settings, store, visit_budget)
        except Exception as error:  # noqa: BLE001 what a test expects is compared afterwards
            self.error, visit_budget.complete = error, False
        return visit_budget.next_stalled

    def assertStored(self, store, *sources):
        self.assertEqual(sorted(store.messages.values()), sorted(sources))


class TestPop3UnfinishedReply(Pop3HostileCase):
    """After a reply that was not read to its end, everything that arrives still belongs to that reply."""

    def test_the_rest_of_an_endless_head_is_not_taken_for_replies_to_other_commands(self):
        for afterwards in ("delete", "leave"):
            with self.subTest(afterwards):
                messages = {"evil": ENDLESS, "two": HELLO, "three": BYE}
                server, store = self.maildrop(messages), MemoryStore()
                self.visit(server, store, largest=10**6, afterwards=afterwards)
                self.assertIsNone(self.error)
                self.assertEqual(list(store.kept_heads), [f"{PREFIX}evil"])
                self.assertEqual(store.messages[f"{PREFIX}two"], HELLO + b"\r\n")
                self.assertEqual(store.messages[f"{PREFIX}three"], BYE + b"\r\n")
                self.assertEqual(list(self.drop.messages), ["evil"] if afterwards == "delete" else list(messages))

    def test_an_endless_head_is_read_once(self):
        server, store = self.maildrop({"evil": ENDLESS, "two": HELLO}), MemoryStore()
        stalled = self.visit(server, store, largest=10**6, afterwards="leave")
        self.visit(server, store, stalled, largest=10**6, afterwards="leave")
        self.assertEqual(self.drop.asked, [])

    def test_an_endless_head_comes_last_without_uidl(self):
        server, store = self.maildrop({"evil": ENDLESS, "two": HELLO, "three": BYE}, **NO_UIDL), MemoryStore()
        stalled = self.visit(server, store, largest=10**6, afterwards="leave")
        for _visit in range(2):
            stalled = self.visit(server, store, stalled, largest=10**6, afterwards="leave")
            self.assertEqual((len(store.messages), self.result.complete), (3, True))
            self.assertEqual(self.drop.asked, ["two", "three", "evil"])

    def test_no_command_follows_a_reply_that_was_not_read_to_its_end(self):
        server = self.maildrop({"one": ENDLESS})
        session = Pop3Session(server.settings("pop"))
        session.delete(f"{PREFIX}one")
        with self.assertRaises(MessageTooLarge):
            session.retrieve(f"{PREFIX}one", 1000)
        for command in (session.check, lambda: session.head(f"{PREFIX}one"), lambda: session.delete(f"{PREFIX}one")):
            with self.assertRaises(UnfinishedReply):
                command()
        self.assertEqual(session.close(), [])
        self.assertEqual(server.received[-1], b"RETR 1")

    def test_a_message_larger_than_stated_ends_the_session_but_not_the_visit(self):
        server = self.maildrop({"small": HELLO, "large": HUGE, "last": BYE}, sizes={"large": 5})
        store, stalled = MemoryStore(), []
        for left in (["small", "large"], ["large"]):
            stalled = self.visit(server, store, stalled, largest=50)
            self.assertIsNone(self.error)
            self.assertStored(store, HELLO + b"\r\n", HEAD, BYE + b"\r\n")
            self.assertEqual(list(self.drop.messages), left)

    def test_copies_without_uidl_are_distinguished_across_sessions(self):
        server = self.maildrop({"1": HELLO, "2": HUGE, "3": HELLO}, sizes={"2": 5}, **NO_UIDL)
        store = MemoryStore()
        stalled = []
        for _visit in range(2):
            stalled = self.visit(server, store, stalled, largest=50, afterwards="leave")
            self.assertStored(store, HELLO + b"\r\n", HEAD, HELLO + b"\r\n")


class TestPop3Stalled(Pop3HostileCase):
    """A message that ended a visit is asked for last."""

    MESSAGES = {"one": HELLO, "evil": b"Subject: evil\r\n\r\n", "three": BYE}
    ENDINGS = {
        "hangs up": ClosingReply(b""),
        "hangs up in the middle": ClosingReply(b"+OK\r\nSubject: evil\r\n"),
        "stalls": b"+OK\r\nSubject: evil\r\n",
        "refuses and hangs up": ClosingReply(b"-ERR [SYS/PERM] cannot read it\r\n"),
    }

    def test_a_message_that_ends_the_connection_holds_up_nothing_else(self):
        for name, reply in self.ENDINGS.items():
            with self.subTest(name):
                server, store = self.maildrop(self.MESSAGES, {"evil": reply}), MemoryStore()
                stalled = self.visit(server, store, timeout=0.3)
                self.assertEqual(stalled, [f"{PREFIX}evil"])
                for asked in (["three", "one", "evil"], ["evil"]):
                    stalled = self.visit(server, store, stalled, timeout=0.3)
                    self.assertIsInstance(self.error, OSError | EOFError)
                    self.assertEqual(self.drop.asked, asked)
                    self.assertEqual(list(self.drop.messages), ["evil"])
                    self.assertStored(store, HELLO + b"\r\n", BYE + b"\r\n")

    def test_a_head_that_ends_the_connection_holds_up_nothing_else(self):
        server, store = self.maildrop({**self.MESSAGES, "evil": LARGE}, {"evil": ClosingReply(b"")}), MemoryStore()
        stalled = self.visit(server, store, largest=50)
        stalled = self.visit(server, store, stalled, largest=50)
        self.assertEqual((stalled, list(self.drop.messages)), ([f"{PREFIX}evil"], ["evil"]))
        self.assertStored(store, HELLO + b"\r\n", BYE + b"\r\n")

    def test_stalled_messages_are_asked_for_in_the_same_session_if_messages_are_left(self):
        server, store = self.maildrop(self.MESSAGES, {"evil": ClosingReply(b"")}), MemoryStore()
        stalled = self.visit(server, store, afterwards="leave")
        self.visit(server, store, stalled, afterwards="leave")
        self.assertEqual((self.drop.asked, self.drop.sessions), (["three", "evil"], 2))
        self.assertStored(store, HELLO + b"\r\n", BYE + b"\r\n")

    def test_a_stalled_message_does_not_undo_the_deletion_of_others(self):
        server, store = self.maildrop(self.MESSAGES, {"evil": ClosingReply(b"")}), MemoryStore()
        self.visit(server, store, [f"{PREFIX}three", f"{PREFIX}evil"])
        self.assertEqual(self.drop.asked, ["one", "three", "evil"])
        self.assertEqual(list(self.drop.messages), ["evil"])

    def test_a_stalled_message_that_ends_a_visit_comes_after_the_others_in_the_next_one(self):
        server, store = self.maildrop(self.MESSAGES, {"evil": ClosingReply(b"")}), MemoryStore()
        stalled = self.visit(server, store, [f"{PREFIX}evil", f"{PREFIX}three"])
        self.assertEqual((self.drop.asked, stalled), (["one", "evil"], [f"{PREFIX}three", f"{PREFIX}evil"]))
        stalled = self.visit(server, store, stalled)
        self.assertEqual((self.drop.asked, list(self.drop.messages)), (["three", "evil"], ["evil"]))

    def test_a_stalled_message_that_is_returned_is_no_longer_stalled(self):
        server, store = self.maildrop(self.MESSAGES), MemoryStore()
        self.assertEqual(self.visit(server, store, [f"{PREFIX}evil"]), [])
        self.assertEqual((len(store.messages), self.drop.messages), (3, {}))

    def test_a_message_that_is_refused_is_not_stalled(self):
        server, store = self.maildrop(self.MESSAGES, {"evil": b"-ERR locked\r\n"}), MemoryStore()
        self.assertEqual(self.visit(server, store), [])
        self.assertEqual((len(store.messages), self.result.refusal.count), (2, 1))

    def test_without_uidl_messages_beside_a_stalled_one_are_stored_and_deleted(self):
        evil = {"evil": ClosingReply(b"")}
        server, store = self.maildrop(self.MESSAGES, evil, **NO_UIDL), MemoryStore()
        stalled = []
        for _visit in range(4):
            stalled = self.visit(server, store, stalled)
        self.drop.messages["late"] = b"Subject: late\r\n\r\n"
        for _visit in range(2):
            stalled = self.visit(server, store, stalled)
        self.assertEqual(list(self.drop.messages), ["evil"])
        self.assertStored(store, HELLO + b"\r\n", BYE + b"\r\n", b"Subject: late\r\n\r\n\r\n")

    def test_a_visit_fails_if_the_server_loses_its_uidls_meanwhile(self):
        server, store = self.maildrop(self.MESSAGES), MemoryStore()
        self.drop.changes = {"UIDL": lambda _line: self.uidl()}
        self.visit(server, store, [f"{PREFIX}evil"])
        self.assertEqual((str(self.error), len(store.messages)), ("b'-ERR what?'", 2))

    def uidl(self):
        script = pop3_script(self.drop.messages)
        return script(b"UIDL") if self.drop.sessions == 1 else b"-ERR what?\r\n"


class TestPop3Requested(Pop3HostileCase):
    """Large messages that a person requested."""

    LARGE_KEY = f"{PREFIX}large"

    def store(self, *keys):
        """Return a store that has the headers of large messages, which a person requested."""
        store = MemoryStore(dict.fromkeys(keys, HEAD))
        store.kept_heads = dict.fromkeys(keys, len(LARGE))
        store.wanted = list(keys)
        return store

    def test_new_messages_come_before_requested_ones(self):
        server, store = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}), self.store(self.LARGE_KEY)
        self.visit(server, store, largest=50)
        self.assertEqual((self.drop.asked, self.drop.messages), (["one", "two", "large"], {}))
        self.assertEqual(store.messages[self.LARGE_KEY], LARGE + b"\r\n")

    def test_a_requested_message_waits_for_half_of_the_time_at_most(self):
        server, store = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}), self.store(self.LARGE_KEY)
        self.visit(server, store, visit_budget=HalfOver(FOREVER), largest=50)
        self.assertEqual((self.drop.asked, self.drop.messages), (["one", "large", "two"], {}))

    def test_a_request_for_a_missing_message_counts_as_a_try(self):
        server, store = self.maildrop({"large": LARGE}), self.store(f"{PREFIX}gone", self.LARGE_KEY)
        self.visit(server, store, largest=50)
        self.assertEqual(store.tries, {f"{PREFIX}gone": 1, self.LARGE_KEY: 1})

    def test_a_requested_message_that_takes_too_long_is_reported_and_undoes_no_deletion(self):
        messages = {"one": HELLO, "large": HEAD + b"x" * 70 * 2**20}
        server, store = self.maildrop(messages), self.store(self.LARGE_KEY)
        self.visit(server, store, visit_budget=TimeBudget(FOREVER, time.monotonic() + 5), largest=50)
        self.assertIsInstance(self.result.refusal, TookTooLong)
        self.assertFalse(self.result.complete)
        self.assertEqual((list(self.drop.messages), store.tries), (["large"], {self.LARGE_KEY: 1}))
        self.assertEqual(server.received[-1], b"RETR 1")

    def test_a_refused_message_is_reported_and_does_not_stop_others(self):
        server = self.maildrop({"large": LARGE, "other": LARGE + b"2"}, {"large": b"-ERR locked\r\n"})
        store = self.store(self.LARGE_KEY, f"{PREFIX}other")
        self.visit(server, store, largest=50)
        self.assertEqual((self.result.refusal.count, store.wanted), (1, [self.LARGE_KEY]))

    def test_a_message_above_the_absolute_limit_is_reported(self):
        server, store = self.maildrop({"large": HUGE}, sizes={"large": 5}), self.store(self.LARGE_KEY)
        stalled = self.visit(server, store, largest=50, most=1000)
        self.assertIsInstance(self.result.refusal, MessageTooLarge)
        self.assertEqual((store.wanted, stalled), ([self.LARGE_KEY], [self.LARGE_KEY]))

    def test_a_requested_message_that_ended_a_visit_is_asked_for_last(self):
        server = self.maildrop({"large": LARGE, "one": HELLO, "other": LARGE + b"2"}, {"large": ClosingReply(b"")})
        store = self.store(self.LARGE_KEY, f"{PREFIX}other")
        stalled = self.visit(server, store, largest=50)
        self.assertEqual((stalled, list(self.drop.messages)), ([self.LARGE_KEY], ["large", "other"]))
        stalled = self.visit(server, store, stalled, largest=50)
        self.assertEqual((stalled, list(self.drop.messages)), ([self.LARGE_KEY], ["large"]))
        self.assertEqual(store.tries, {self.LARGE_KEY: 2, f"{PREFIX}other": 1})

    def test_a_requested_message_without_a_uidl_of_its_own_is_found_by_its_head(self):
        same = {"UIDL": b"+OK\r\n1 same\r\n2 same\r\n3 same\r\n.\r\n"}
        messages = {"one": HELLO, "two": b"Subject: other\r\n\r\n" + b"x" * 100, "large": LARGE}
        for changes in (NO_UIDL, same):
            for afterwards in ("delete", "leave"):
                for visit_budget in (TimeBudget(FOREVER), HalfOver(FOREVER)):
                    with self.subTest(changes=changes, afterwards=afterwards, budget=visit_budget):
                        server, store = self.maildrop(messages, **changes), MemoryStore()
                        self.visit(server, store, largest=50, afterwards=afterwards)
                        [key] = [key for key in store.kept_heads if store.messages[key] == HEAD]
                        self.drop.messages["late"] = BYE
                        store.wanted = [key]
                        self.visit(server, store, visit_budget=visit_budget, largest=50, afterwards=afterwards)
                        self.assertEqual((store.messages[key], store.tries), (LARGE + b"\r\n", {key: 1}))
                        self.assertEqual("large" in self.drop.messages, afterwards == "leave")
                        self.assertEqual(len(store.messages), 4)

    def test_heads_are_not_read_again_for_a_message_with_a_uidl(self):
        same = {"UIDL": b"+OK\r\n1 gone\r\n2 same\r\n3 same\r\n.\r\n"}
        server, store = self.maildrop({"1": HELLO, "2": LARGE, "3": LARGE}, **same), self.store(f"{PREFIX}other")
        self.visit(server, store, largest=50)
        self.assertEqual(sorted(self.drop.asked), ["1", "2", "3"])


class TestPop3Limits(Pop3HostileCase):
    """Sizes, times and names that mislead."""

    OVER = HEAD + b"x\r\n" * 90

    def test_a_message_over_the_limit_only_by_its_line_ends_does_not_end_the_session(self):
        for changes in ({}, NO_UIDL):
            with self.subTest(changes=changes):
                server = self.maildrop({"one": HELLO, "over": self.OVER}, sizes={"over": 200}, **changes)
                store = MemoryStore()
                for _visit in range(2):
                    self.visit(server, store, largest=250)
                    self.assertIsNone(self.error)
                    self.assertStored(store, HELLO + b"\r\n", HEAD)
                    self.assertEqual(list(self.drop.messages), ["over"])
                    self.assertEqual(server.received[-1], b"QUIT")
                self.assertEqual((list(store.kept_heads.values()), self.drop.sessions), ([len(self.OVER) + 2], 2))

    def test_a_message_that_was_not_stored_in_time_stays_on_the_server(self):
        server, store = self.maildrop({"one": HELLO, "two": BYE}), MemoryStore()
        with patch.object(TimeBudget, "end_of_batch", lambda _budget: FOREVER):
            self.visit(server, store, visit_budget=TimeBudget(time.monotonic() - 1))
        self.assertEqual((self.drop.asked, self.result.complete), (["one", "two"], False))
        self.assertStored(store, HELLO + b"\r\n")
        self.assertEqual(list(self.drop.messages), ["two"])

    def test_the_store_is_asked_for_heads_only_if_messages_are_deleted(self):
        server, store = self.maildrop({"one": HELLO}), MemoryStore()
        with patch.object(store, "heads", side_effect=AssertionError):
            self.visit(server, store, afterwards="leave")
        self.assertIsNone(self.error)
        self.assertStored(store, HELLO + b"\r\n")

    def test_a_temporary_refusal_of_uidl_ends_the_visit_and_stores_nothing(self):
        capable = {"CAPA": b"+OK\r\nTOP\r\nUIDL\r\n.\r\n"}
        for reply, changes in (
            (b"what?\r\n", {}),
            (b"-ERR [SYS/TEMP] try again\r\n", {}),
            (b"-ERR not now\r\n", capable),
        ):
            with self.subTest(reply):
                server, store = self.maildrop({"one": HELLO}, **changes, UIDL=reply), MemoryStore()
                self.visit(server, store, afterwards="leave")
                self.assertEqual((str(self.error), store.messages), (str(reply[:-2]), {}))

    def test_a_visit_fails_if_a_server_with_uidls_no_longer_offers_them(self):
        for field in ("messages", "wanted"):
            with self.subTest(field):
                server, store = self.maildrop({"one": HELLO}, **NO_UIDL), MemoryStore()
                setattr(store, field, {f"{PREFIX}one": BYE} if field == "messages" else [f"{PREFIX}one"])
                before = dict(store.messages)
                self.visit(server, store)
                self.assertEqual((str(self.error), store.messages, store.confirmed), ("b'-ERR what?'", before, set()))
                self.assertEqual(store.tries, dict.fromkeys(store.wanted, 1))

    def test_without_uidl_messages_renumbered_by_a_new_session_are_read_by_the_next_visit(self):
        server, store = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}, **NO_UIDL), MemoryStore()
        self.visit(server, store, largest=50)
        [key] = store.kept_heads
        self.drop.messages |= {"three": HELLO + b"3", "four": BYE + b"4"}
        store.wanted = [key]
        self.visit(server, store, visit_budget=HalfOver(FOREVER), largest=50)
        self.assertEqual((list(self.drop.messages), self.result.complete), (["four"], False))
        self.visit(server, store, largest=50)
        self.assertEqual((self.drop.messages, self.result.complete), ({}, True))
        self.assertEqual(len(store.messages), 5)
