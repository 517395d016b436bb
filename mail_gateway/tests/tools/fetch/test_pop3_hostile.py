import time
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import LastWords, MemoryLedger, ToolsCase, pop3_script
from odoo.addons.mail_gateway.tools.fetch.fetch import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.pop3_protocol import MessageTooLarge, OutOfStep
from odoo.addons.mail_gateway.tools.fetch.pop3_session import Pop3Session
from odoo.addons.mail_gateway.tools.fetch.time_budget import Pace, TookTooLong

FOREVER = float("inf")
PREFIX = "pop://box@mycompany.example@127.0.0.1/;UIDL="
HELLO = b"Subject: Hello\r\n\r\nHello"
BYE = b"Subject: Bye\r\n\r\nBye"
HEAD = b"Subject: large\r\n\r\n"
LARGE = HEAD + b"x" * 100
HUGE = HEAD + b"x" * 3000
# header lines without end, each of which could be a good reply
ENDLESS = b"".join(b"+OK: %06d\r\nX: %s\r\n" % (number, b"a" * 980) for number in range(5000))
NO_UIDL = {"UIDL": b"-ERR what?\r\n"}


class Maildrop:
    """A POP3 server whose messages go with QUIT alone.

    :param messages: UIDL -> the lines of the message
    :param replies: UIDL -> what is said to RETR and TOP instead
    :param sizes: UIDL -> bytes that are told
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


class HalfOver(Pace):
    """Half of the time is over from the beginning; reads messages one by one."""

    def what_fits(self, sizes):
        return list(sizes)[:1]

    def is_half_over(self):
        return True


class Pop3HostileCase(ToolsCase):
    def maildrop(self, messages, replies=None, **values):
        self.drop = Maildrop(messages, replies, **values)
        return self.serve(b"+OK\r\n", self.drop)

    def visit(self, server, ledger, suspects=(), visit_pace=None, **values):
        """A visit, and with which messages the next one is to be careful."""
        visit_pace = visit_pace or Pace(FOREVER, suspects=suspects)
        self.drop.asked.clear()
        self.result = self.error = None
        try:
            settings = server.settings("pop", **{"afterwards": "delete", **values})
            self.result = fetch_mailbox(settings, ledger, visit_pace)
        except Exception as error:  # noqa: BLE001 what a test expects is compared afterwards
            self.error, visit_pace.complete = error, False
        return visit_pace.next_suspects

    def assertStored(self, ledger, *sources):
        self.assertEqual(sorted(ledger.messages.values()), sorted(sources))


class TestPop3OutOfStep(Pop3HostileCase):
    """Once a reply was not read to its end, what comes is still that reply."""

    def test_the_rest_of_a_head_without_end_is_no_reply_to_other_commands(self):
        for afterwards in ("delete", "leave"):
            with self.subTest(afterwards):
                messages = {"evil": ENDLESS, "two": HELLO, "three": BYE}
                server, ledger = self.maildrop(messages), MemoryLedger()
                self.visit(server, ledger, largest=10**6, afterwards=afterwards)
                self.assertIsNone(self.error)
                self.assertEqual(list(ledger.kept_heads), [f"{PREFIX}evil"])
                self.assertEqual(ledger.messages[f"{PREFIX}two"], HELLO + b"\r\n")
                self.assertEqual(ledger.messages[f"{PREFIX}three"], BYE + b"\r\n")
                self.assertEqual(list(self.drop.messages), ["evil"] if afterwards == "delete" else list(messages))

    def test_a_head_without_end_is_read_once(self):
        server, ledger = self.maildrop({"evil": ENDLESS, "two": HELLO}), MemoryLedger()
        suspects = self.visit(server, ledger, largest=10**6, afterwards="leave")
        self.visit(server, ledger, suspects, largest=10**6, afterwards="leave")
        self.assertEqual(self.drop.asked, [])

    def test_without_uidl_a_head_without_end_comes_last(self):
        server, ledger = self.maildrop({"evil": ENDLESS, "two": HELLO, "three": BYE}, **NO_UIDL), MemoryLedger()
        suspects = self.visit(server, ledger, largest=10**6, afterwards="leave")
        for _visit in range(2):
            suspects = self.visit(server, ledger, suspects, largest=10**6, afterwards="leave")
            self.assertEqual((len(ledger.messages), self.result.complete), (3, True))
            self.assertEqual(self.drop.asked, ["two", "three", "evil"])

    def test_no_command_follows_a_reply_that_was_not_read_to_its_end(self):
        server = self.maildrop({"one": ENDLESS})
        session = Pop3Session(server.settings("pop"))
        session.delete(f"{PREFIX}one")
        with self.assertRaises(MessageTooLarge):
            session.retrieve(f"{PREFIX}one", 1000)
        for command in (session.check, lambda: session.head(f"{PREFIX}one"), lambda: session.delete(f"{PREFIX}one")):
            with self.assertRaises(OutOfStep):
                command()
        self.assertEqual(session.close(), [])
        self.assertEqual(server.heard[-1], b"RETR 1")

    def test_a_message_larger_than_was_told_ends_the_session_and_not_the_visit(self):
        server = self.maildrop({"small": HELLO, "large": HUGE, "last": BYE}, sizes={"large": 5})
        ledger, suspects = MemoryLedger(), []
        for left in (["small", "large"], ["large"]):
            suspects = self.visit(server, ledger, suspects, largest=50)
            self.assertIsNone(self.error)
            self.assertStored(ledger, HELLO + b"\r\n", HEAD, BYE + b"\r\n")
            self.assertEqual(list(self.drop.messages), left)

    def test_copies_without_uidl_are_told_apart_across_sessions(self):
        server = self.maildrop({"1": HELLO, "2": HUGE, "3": HELLO}, sizes={"2": 5}, **NO_UIDL)
        ledger = MemoryLedger()
        suspects = []
        for _visit in range(2):
            suspects = self.visit(server, ledger, suspects, largest=50, afterwards="leave")
            self.assertStored(ledger, HELLO + b"\r\n", HEAD, HELLO + b"\r\n")


class TestPop3Suspects(Pop3HostileCase):
    """What a visit ended with is asked for last."""

    MESSAGES = {"one": HELLO, "evil": b"Subject: evil\r\n\r\n", "three": BYE}
    ENDINGS = {
        "hangs up": LastWords(b""),
        "hangs up in the middle": LastWords(b"+OK\r\nSubject: evil\r\n"),
        "stalls": b"+OK\r\nSubject: evil\r\n",
        "refuses and hangs up": LastWords(b"-ERR [SYS/PERM] cannot read it\r\n"),
    }

    def test_a_message_that_ends_the_connection_holds_up_nothing_else(self):
        for name, reply in self.ENDINGS.items():
            with self.subTest(name):
                server, ledger = self.maildrop(self.MESSAGES, {"evil": reply}), MemoryLedger()
                suspects = self.visit(server, ledger, timeout=0.3)
                self.assertEqual(suspects, [f"{PREFIX}evil"])
                for asked in (["three", "one", "evil"], ["evil"]):
                    suspects = self.visit(server, ledger, suspects, timeout=0.3)
                    self.assertIsInstance(self.error, OSError | EOFError)
                    self.assertEqual(self.drop.asked, asked)
                    self.assertEqual(list(self.drop.messages), ["evil"])
                    self.assertStored(ledger, HELLO + b"\r\n", BYE + b"\r\n")

    def test_a_head_that_ends_the_connection_holds_up_nothing_else(self):
        server, ledger = self.maildrop({**self.MESSAGES, "evil": LARGE}, {"evil": LastWords(b"")}), MemoryLedger()
        suspects = self.visit(server, ledger, largest=50)
        suspects = self.visit(server, ledger, suspects, largest=50)
        self.assertEqual((suspects, list(self.drop.messages)), ([f"{PREFIX}evil"], ["evil"]))
        self.assertStored(ledger, HELLO + b"\r\n", BYE + b"\r\n")

    def test_where_messages_are_left_the_same_session_asks_for_suspects(self):
        server, ledger = self.maildrop(self.MESSAGES, {"evil": LastWords(b"")}), MemoryLedger()
        suspects = self.visit(server, ledger, afterwards="leave")
        self.visit(server, ledger, suspects, afterwards="leave")
        self.assertEqual((self.drop.asked, self.drop.sessions), (["three", "evil"], 2))
        self.assertStored(ledger, HELLO + b"\r\n", BYE + b"\r\n")

    def test_a_suspect_undoes_no_deletion_of_another(self):
        server, ledger = self.maildrop(self.MESSAGES, {"evil": LastWords(b"")}), MemoryLedger()
        self.visit(server, ledger, [f"{PREFIX}three", f"{PREFIX}evil"])
        self.assertEqual(self.drop.asked, ["one", "three", "evil"])
        self.assertEqual(list(self.drop.messages), ["evil"])

    def test_one_suspect_that_breaks_ends_the_visit_and_the_others_have_their_turn(self):
        server, ledger = self.maildrop(self.MESSAGES, {"evil": LastWords(b"")}), MemoryLedger()
        suspects = self.visit(server, ledger, [f"{PREFIX}evil", f"{PREFIX}three"])
        self.assertEqual((self.drop.asked, suspects), (["one", "evil"], [f"{PREFIX}three", f"{PREFIX}evil"]))
        suspects = self.visit(server, ledger, suspects)
        self.assertEqual((self.drop.asked, list(self.drop.messages)), (["three", "evil"], ["evil"]))

    def test_a_suspect_that_is_handed_out_is_none_any_more(self):
        server, ledger = self.maildrop(self.MESSAGES), MemoryLedger()
        self.assertEqual(self.visit(server, ledger, [f"{PREFIX}evil"]), [])
        self.assertEqual((len(ledger.messages), self.drop.messages), (3, {}))

    def test_a_message_that_is_refused_is_no_suspect(self):
        server, ledger = self.maildrop(self.MESSAGES, {"evil": b"-ERR locked\r\n"}), MemoryLedger()
        self.assertEqual(self.visit(server, ledger), [])
        self.assertEqual((len(ledger.messages), self.result.refusal.count), (2, 1))

    def test_without_uidl_everything_else_is_stored_and_deleted(self):
        evil = {"evil": LastWords(b"")}
        server, ledger = self.maildrop(self.MESSAGES, evil, **NO_UIDL), MemoryLedger()
        suspects = []
        for _visit in range(4):
            suspects = self.visit(server, ledger, suspects)
        self.drop.messages["late"] = b"Subject: late\r\n\r\n"
        for _visit in range(2):
            suspects = self.visit(server, ledger, suspects)
        self.assertEqual(list(self.drop.messages), ["evil"])
        self.assertStored(ledger, HELLO + b"\r\n", BYE + b"\r\n", b"Subject: late\r\n\r\n\r\n")

    def test_a_server_that_forgets_its_uidls_meanwhile_fails(self):
        server, ledger = self.maildrop(self.MESSAGES), MemoryLedger()
        self.drop.changes = {"UIDL": lambda _line: self.uidl()}
        self.visit(server, ledger, [f"{PREFIX}evil"])
        self.assertEqual((str(self.error), len(ledger.messages)), ("b'-ERR what?'", 2))

    def uidl(self):
        script = pop3_script(self.drop.messages)
        return script(b"UIDL") if self.drop.sessions == 1 else b"-ERR what?\r\n"


class TestPop3Requested(Pop3HostileCase):
    """What a person wants although it is large."""

    LARGE_KEY = f"{PREFIX}large"

    def ledger(self, *keys):
        """A ledger that knows the heads of large messages, which a person wants."""
        ledger = MemoryLedger(dict.fromkeys(keys, HEAD))
        ledger.kept_heads = dict.fromkeys(keys, len(LARGE))
        ledger.wanted = list(keys)
        return ledger

    def test_what_is_new_comes_first(self):
        server, ledger = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}), self.ledger(self.LARGE_KEY)
        self.visit(server, ledger, largest=50)
        self.assertEqual((self.drop.asked, self.drop.messages), (["one", "two", "large"], {}))
        self.assertEqual(ledger.messages[self.LARGE_KEY], LARGE + b"\r\n")

    def test_half_of_the_time_is_for_what_a_person_wants(self):
        server, ledger = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}), self.ledger(self.LARGE_KEY)
        self.visit(server, ledger, visit_pace=HalfOver(FOREVER), largest=50)
        self.assertEqual((self.drop.asked, self.drop.messages), (["one", "large", "two"], {}))

    def test_what_is_not_on_the_server_counts_as_a_try(self):
        server, ledger = self.maildrop({"large": LARGE}), self.ledger(f"{PREFIX}gone", self.LARGE_KEY)
        self.visit(server, ledger, largest=50)
        self.assertEqual(ledger.tries, {f"{PREFIX}gone": 1, self.LARGE_KEY: 1})

    def test_what_takes_too_long_is_told_and_undoes_no_deletion(self):
        messages = {"one": HELLO, "large": HEAD + b"x" * 70 * 2**20}
        server, ledger = self.maildrop(messages), self.ledger(self.LARGE_KEY)
        self.visit(server, ledger, visit_pace=Pace(FOREVER, time.monotonic() + 5), largest=50)
        self.assertIsInstance(self.result.refusal, TookTooLong)
        self.assertFalse(self.result.complete)
        self.assertEqual((list(self.drop.messages), ledger.tries), (["large"], {self.LARGE_KEY: 1}))
        self.assertEqual(server.heard[-1], b"RETR 1")

    def test_what_the_server_refuses_is_told_and_keeps_nothing_else(self):
        server = self.maildrop({"large": LARGE, "other": LARGE + b"2"}, {"large": b"-ERR locked\r\n"})
        ledger = self.ledger(self.LARGE_KEY, f"{PREFIX}other")
        self.visit(server, ledger, largest=50)
        self.assertEqual((self.result.refusal.count, ledger.wanted), (1, [self.LARGE_KEY]))

    def test_what_is_larger_than_anything_may_be_is_told(self):
        server, ledger = self.maildrop({"large": HUGE}, sizes={"large": 5}), self.ledger(self.LARGE_KEY)
        suspects = self.visit(server, ledger, largest=50, most=1000)
        self.assertIsInstance(self.result.refusal, MessageTooLarge)
        self.assertEqual((ledger.wanted, suspects), ([self.LARGE_KEY], [self.LARGE_KEY]))

    def test_what_ended_a_visit_is_asked_for_last(self):
        server = self.maildrop({"large": LARGE, "one": HELLO, "other": LARGE + b"2"}, {"large": LastWords(b"")})
        ledger = self.ledger(self.LARGE_KEY, f"{PREFIX}other")
        suspects = self.visit(server, ledger, largest=50)
        self.assertEqual((suspects, list(self.drop.messages)), ([self.LARGE_KEY], ["large", "other"]))
        suspects = self.visit(server, ledger, suspects, largest=50)
        self.assertEqual((suspects, list(self.drop.messages)), ([self.LARGE_KEY], ["large"]))
        self.assertEqual(ledger.tries, {self.LARGE_KEY: 2, f"{PREFIX}other": 1})

    def test_what_has_no_uidl_of_its_own_is_found_by_its_head(self):
        same = {"UIDL": b"+OK\r\n1 same\r\n2 same\r\n3 same\r\n.\r\n"}
        messages = {"one": HELLO, "two": b"Subject: other\r\n\r\n" + b"x" * 100, "large": LARGE}
        for changes in (NO_UIDL, same):
            for afterwards in ("delete", "leave"):
                for visit_pace in (Pace(FOREVER), HalfOver(FOREVER)):
                    with self.subTest(changes=changes, afterwards=afterwards, pace=visit_pace):
                        server, ledger = self.maildrop(messages, **changes), MemoryLedger()
                        self.visit(server, ledger, largest=50, afterwards=afterwards)
                        [key] = [key for key in ledger.kept_heads if ledger.messages[key] == HEAD]
                        self.drop.messages["late"] = BYE
                        ledger.wanted = [key]
                        self.visit(server, ledger, visit_pace=visit_pace, largest=50, afterwards=afterwards)
                        self.assertEqual((ledger.messages[key], ledger.tries), (LARGE + b"\r\n", {key: 1}))
                        self.assertEqual("large" in self.drop.messages, afterwards == "leave")
                        self.assertEqual(len(ledger.messages), 4)

    def test_heads_are_not_read_again_for_a_message_with_a_uidl(self):
        same = {"UIDL": b"+OK\r\n1 gone\r\n2 same\r\n3 same\r\n.\r\n"}
        server, ledger = self.maildrop({"1": HELLO, "2": LARGE, "3": LARGE}, **same), self.ledger(f"{PREFIX}other")
        self.visit(server, ledger, largest=50)
        self.assertEqual(sorted(self.drop.asked), ["1", "2", "3"])


class TestPop3Limits(Pop3HostileCase):
    """Sizes, times and names that are not what they seem."""

    OVER = HEAD + b"x\r\n" * 90

    def test_a_message_over_the_limit_by_its_line_ends_alone_costs_no_session(self):
        for changes in ({}, NO_UIDL):
            with self.subTest(changes=changes):
                server = self.maildrop({"one": HELLO, "over": self.OVER}, sizes={"over": 200}, **changes)
                ledger = MemoryLedger()
                for _visit in range(2):
                    self.visit(server, ledger, largest=250)
                    self.assertIsNone(self.error)
                    self.assertStored(ledger, HELLO + b"\r\n", HEAD)
                    self.assertEqual(list(self.drop.messages), ["over"])
                    self.assertEqual(server.heard[-1], b"QUIT")
                self.assertEqual((list(ledger.kept_heads.values()), self.drop.sessions), ([len(self.OVER) + 2], 2))

    def test_what_there_is_no_time_to_look_into_stays_on_the_server(self):
        server, ledger = self.maildrop({"one": HELLO, "two": BYE}), MemoryLedger()
        with patch.object(Pace, "end_of_batch", lambda _pace: FOREVER):
            self.visit(server, ledger, visit_pace=Pace(time.monotonic() - 1))
        self.assertEqual((self.drop.asked, self.result.complete), (["one", "two"], False))
        self.assertStored(ledger, HELLO + b"\r\n")
        self.assertEqual(list(self.drop.messages), ["two"])

    def test_heads_are_asked_for_only_with_deletion(self):
        server, ledger = self.maildrop({"one": HELLO}), MemoryLedger()
        with patch.object(ledger, "heads", side_effect=AssertionError):
            self.visit(server, ledger, afterwards="leave")
        self.assertIsNone(self.error)
        self.assertStored(ledger, HELLO + b"\r\n")

    def test_a_refusal_of_uidl_in_passing_makes_no_message_new(self):
        capable = {"CAPA": b"+OK\r\nTOP\r\nUIDL\r\n.\r\n"}
        for reply, changes in (
            (b"what?\r\n", {}),
            (b"-ERR [SYS/TEMP] try again\r\n", {}),
            (b"-ERR not now\r\n", capable),
        ):
            with self.subTest(reply):
                server, ledger = self.maildrop({"one": HELLO}, **changes, UIDL=reply), MemoryLedger()
                self.visit(server, ledger, afterwards="leave")
                self.assertEqual((str(self.error), ledger.messages), (str(reply[:-2]), {}))

    def test_a_server_that_had_uidls_has_them(self):
        for field in ("messages", "wanted"):
            with self.subTest(field):
                server, ledger = self.maildrop({"one": HELLO}, **NO_UIDL), MemoryLedger()
                setattr(ledger, field, {f"{PREFIX}one": BYE} if field == "messages" else [f"{PREFIX}one"])
                before = dict(ledger.messages)
                self.visit(server, ledger)
                self.assertEqual((str(self.error), ledger.messages, ledger.confirmed), ("b'-ERR what?'", before, set()))
                self.assertEqual(ledger.tries, dict.fromkeys(ledger.wanted, 1))

    def test_without_uidl_what_a_new_session_numbers_anew_is_read_by_the_next_visit(self):
        server, ledger = self.maildrop({"large": LARGE, "one": HELLO, "two": BYE}, **NO_UIDL), MemoryLedger()
        self.visit(server, ledger, largest=50)
        [key] = ledger.kept_heads
        self.drop.messages |= {"three": HELLO + b"3", "four": BYE + b"4"}
        ledger.wanted = [key]
        self.visit(server, ledger, visit_pace=HalfOver(FOREVER), largest=50)
        self.assertEqual((list(self.drop.messages), self.result.complete), (["four"], False))
        self.visit(server, ledger, largest=50)
        self.assertEqual((self.drop.messages, self.result.complete), ({}, True))
        self.assertEqual(len(ledger.messages), 5)
