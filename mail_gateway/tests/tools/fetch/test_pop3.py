import time
from base64 import b64encode
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, MemoryStore, ToolsCase, pop3_script
from odoo.addons.mail_gateway.tools.fetch import pop3_protocol, time_budget
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import LoginRefused
from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MAX_BYTES
from odoo.addons.mail_gateway.tools.fetch.pop3 import Pop3Mailbox
from odoo.addons.mail_gateway.tools.fetch.time_budget import BATCH_BYTES, TimeBudget
from odoo.addons.mail_gateway.tools.fetch.visit import EndlessServer

FOREVER = float("inf")
HELLO = b"Subject: Hello\r\n\r\nHello"
BYE = b"Subject: Bye\r\n\r\nBye"
ACCOUNT = "box@mycompany.example@127.0.0.1"


class SlowPace(TimeBudget):
    """Never learns that the line is fast."""

    def finish(self, size):
        self.reading = 0


class TestPop3(ToolsCase):
    def pop3(self, messages, **changes):
        return self.serve(b"+OK ready\r\n", pop3_script(messages, **changes))

    def fetch(self, server, store=None, **values):
        store = store or MemoryStore()
        fetch_mailbox(server.settings("pop", **{"afterwards": "delete", **values}), store, TimeBudget(FOREVER))
        return store

    def assertNothingStored(self, error, largest=MAX_BYTES, **changes):
        server, store = self.pop3({"1": HELLO}, **changes), MemoryStore()
        with self.assertRaises(error):
            self.fetch(server, store, largest=largest)
        self.assertEqual(store.messages, {})
        self.assertNotIn(b"DELE 1", server.received)

    # ------------------------------------------------------------------ reading

    def test_messages_are_stored_under_their_uidl(self):
        store = self.fetch(self.pop3({"one": HELLO, "two": BYE}))
        self.assertEqual(
            store.messages,
            {f"pop://{ACCOUNT}/;UIDL=one": HELLO + b"\r\n", f"pop://{ACCOUNT}/;UIDL=two": BYE + b"\r\n"},
        )

    def test_known_messages_are_not_read_again(self):
        server = self.pop3({"one": HELLO, "two": BYE})
        store = self.fetch(server, afterwards="leave")
        self.fetch(server, store, afterwards="leave")
        self.assertEqual([line for line in server.received if b"RETR" in line], [b"RETR 1", b"RETR 2"])

    def test_messages_without_uidl_are_recognized_by_their_content(self):
        server = self.pop3({"1": HELLO, "2": BYE}, UIDL=b"-ERR what?\r\n")
        store = self.fetch(server, afterwards="leave")
        self.assertEqual(len(store.messages), 2)
        swapped = self.pop3({"1": BYE, "2": HELLO}, UIDL=b"-ERR what?\r\n")
        self.fetch(swapped, store, afterwards="leave")
        self.assertEqual(len(store.messages), 2)

    def test_a_line_of_three_megabytes_arrives_whole(self):
        source = b"Subject: Long\r\n\r\n" + b"x" * 3_000_000
        store = self.fetch(self.pop3({"1": source}))
        self.assertEqual(list(store.messages.values()), [source + b"\r\n"])

    def test_an_endless_line_is_refused(self):
        with patch.object(pop3_protocol, "MAX_REPLY", 1000):
            self.assertNothingStored(EndlessServer, largest=100, RETR=b"+OK\r\n%s\r\n.\r\n" % (b"x" * 2000))

    def test_doubled_dots_at_the_beginning_of_lines_are_reduced(self):
        store = self.fetch(self.pop3({"1": b"\r\n..\r\n...\r\n.. a"}))
        self.assertEqual(list(store.messages.values()), [b"\r\n.\r\n..\r\n. a\r\n"])

    def test_a_connection_that_breaks_between_lines_stores_nothing(self):
        self.assertNothingStored(EOFError, RETR=ClosingReply(b"+OK\r\nSubject: Hello\r\n\r\nHel\r\n"))

    def test_a_connection_that_breaks_within_a_line_stores_nothing(self):
        self.assertNothingStored(EOFError, RETR=ClosingReply(b"+OK\r\nSubject: Hello\r\n\r\nHel"))

    def test_half_a_line_that_begins_with_a_dot_is_not_the_end_of_the_message(self):
        self.assertNothingStored(EOFError, RETR=ClosingReply(b"+OK\r\nSubject: Hello\r\n\r\nThe file is\r\n."))

    def test_messages_stored_before_the_connection_broke_stay_stored(self):
        script = pop3_script({"1": b"x" * BATCH_BYTES, "2": BYE})

        def answer(line):
            return ClosingReply(b"+OK\r\n") if line == b"RETR 2" else script(line)

        store = MemoryStore()
        with self.assertRaises(EOFError):
            self.fetch(self.serve(b"+OK\r\n", answer), store)
        self.assertEqual(len(store.messages), 1)
        self.assertEqual(store.confirmed, set())

    def test_a_message_that_the_server_cannot_read_does_not_hold_up_the_others(self):
        script = pop3_script({"1": HELLO, "2": BYE})
        server = self.serve(b"+OK\r\n", lambda line: b"-ERR cannot read it\r\n" if line == b"RETR 1" else script(line))
        with Pop3Mailbox(server.settings("pop", afterwards="delete")) as mailbox:
            (batch,) = mailbox.new_batches(MemoryStore(), TimeBudget(FOREVER))
        self.assertEqual([message.source for message in batch.messages], [BYE + b"\r\n"])
        self.assertEqual((batch.refusal.count, str(batch.refusal)), (1, "-ERR cannot read it"))

    def test_a_batch_ends_when_its_time_is_over(self):
        server = self.pop3({"1": HELLO, "2": BYE})
        with patch.object(time_budget, "BATCH_SECONDS", -1), Pop3Mailbox(server.settings("pop")) as mailbox:
            batches = list(mailbox.new_batches(MemoryStore(), SlowPace(FOREVER)))
        self.assertEqual([len(batch.messages) for batch in batches], [1, 1])

    def test_a_message_too_large_for_the_time_left_comes_last(self):
        server = self.pop3({"1": b"x" * 5_000_000, "2": BYE})
        now = time.monotonic()
        store = MemoryStore()
        for stored, complete in ((1, False), (1, True)):
            result = fetch_mailbox(server.settings("pop", afterwards="leave"), store, SlowPace(now + 40, now + 75))
            self.assertEqual((result.stored, result.complete), (stored, complete))
        self.assertEqual([line for line in server.received if b"RETR" in line], [b"RETR 2", b"RETR 1"])

    def test_another_message_under_a_known_uidl_is_stored_before_it_is_deleted(self):
        store = self.fetch(self.pop3({"one": HELLO}))
        server = self.pop3({"one": BYE})
        self.fetch(server, store)
        self.assertEqual(sorted(store.messages.values()), [BYE + b"\r\n", HELLO + b"\r\n"])
        self.assertIn(b"DELE 1", server.received)
        self.assertEqual(store.confirmed, set(store.messages))

    # ------------------------------------------------------------------ listings

    def listing(self, *lines):
        return b"+OK\r\n%s.\r\n" % b"".join(b"%s\r\n" % line for line in lines)

    def assertFetched(self, server, *sources, store=None, **values):
        """Check that all messages are stored once and acknowledged, even when they are listed again."""
        store = store or MemoryStore()
        for _visit in range(2):
            self.fetch(server, store, **values)
            self.assertEqual(sorted(store.messages.values()), sorted(source + b"\r\n" for source in sources))
            self.assertLessEqual(set(store.messages), store.confirmed)
        return store

    def test_two_messages_with_the_same_uidl_are_both_stored_and_acknowledged(self):
        for afterwards in ("delete", "leave"):
            for second in (BYE, HELLO):
                with self.subTest(afterwards, second=second):
                    same = self.listing(b"1 same", b"2 same", b"3 other")
                    server = self.pop3({"1": HELLO, "2": second, "3": b"Other"}, UIDL=same)
                    self.assertFetched(server, HELLO, second, b"Other", afterwards=afterwards)
                    deleted = {line for line in server.received if b"DELE" in line}
                    expected = {b"DELE 1", b"DELE 2", b"DELE 3"} if afterwards == "delete" else set()
                    self.assertEqual(deleted, expected)

    def test_a_second_message_with_the_uidl_of_a_stored_one_is_new(self):
        store = self.fetch(self.pop3({"same": HELLO}), afterwards="leave")
        server = self.pop3({"1": HELLO, "2": BYE}, UIDL=self.listing(b"1 same", b"2 same"))
        self.assertFetched(server, HELLO, BYE, store=store, afterwards="leave")

    def test_the_remaining_one_of_two_messages_with_the_same_uidl_is_not_stored_again(self):
        same = self.listing(b"1 same", b"2 same")
        for left in (HELLO, BYE):
            store = self.fetch(self.pop3({"1": HELLO, "2": BYE}, UIDL=same, QUIT=ClosingReply(b"")))
            server = self.pop3({"same": left})
            self.fetch(server, store)
            self.assertEqual(len(store.messages), 2)
            self.assertIn(b"DELE 1", server.received)

    def test_a_message_without_uidl_among_others_is_stored(self):
        for line in (b"1", b"1 ", b"one same", b"-1 same", b"0 same", b"99999999999999999999 same", b""):
            for afterwards in ("delete", "leave"):
                with self.subTest(line, afterwards=afterwards):
                    server = self.pop3({"1": HELLO, "2": BYE}, UIDL=self.listing(line, b"2 two"))
                    self.assertFetched(server, HELLO, BYE, afterwards=afterwards)

    def test_malformed_sizes_do_no_harm(self):
        for line in (b"1 -5", b"1 x", b"1", b"1 99999999999999999999999", b"x", b"1 \xff", b"-1 5"):
            with self.subTest(line):
                self.assertFetched(self.pop3({"1": HELLO, "2": BYE}, LIST=self.listing(line, b"2 8")), HELLO, BYE)

    def test_a_message_that_is_listed_twice_is_stored_once(self):
        server = self.pop3({"1": HELLO}, UIDL=self.listing(b"1 one", b"1 two", b"01 three"))
        self.assertFetched(server, HELLO)

    def test_only_a_listed_message_that_does_not_exist_is_refused(self):
        script = pop3_script({"1": HELLO}, UIDL=self.listing(b"1 one", b"7 seven"))
        server = self.serve(b"+OK\r\n", lambda line: b"-ERR no such\r\n" if line == b"RETR 7" else script(line))
        store = MemoryStore()
        result = fetch_mailbox(server.settings("pop", afterwards="delete"), store, TimeBudget(FOREVER))
        self.assertEqual((len(store.messages), result.refusal.count), (1, 1))

    def test_control_characters_in_a_uidl_are_escaped(self):
        store = self.fetch(self.pop3({"1": HELLO}, UIDL=self.listing(b"1 a\0b\x01c")))
        self.assertEqual(list(store.messages), [rf"pop://{ACCOUNT}/;UIDL=a\x00b\x01c"])

    def test_without_uidl_all_copies_are_stored_and_a_deleted_message_may_come_again(self):
        store = MemoryStore()
        none = {"UIDL": b"-ERR what?\r\n"}
        for messages, stored in (({"1": HELLO, "2": HELLO}, 2), ({"1": BYE}, 3), ({"1": HELLO, "2": BYE}, 4)):
            for _visit in range(2):
                self.fetch(self.pop3(messages, **none), store, afterwards="leave")
                self.assertEqual(len(store.messages), stored)

    # ------------------------------------------------------------------ login

    def login(self, user, password, capabilities=b"-ERR what?\r\n", **changes):
        server = self.pop3({}, CAPA=capabilities, **{"AUTH PLAIN": b"+ \r\n", "UTF8": b"+OK\r\n", **changes})
        Pop3Mailbox(server.settings("pop", log_in=lambda connection: connection.login(user, password))).disconnect()
        return server.received[:-1]

    def test_ascii_credentials_are_sent_as_before(self):
        self.assertEqual(self.login("box", "a secret"), [b"USER box", b"PASS a secret"])

    def test_sasl_is_preferred_for_credentials_beyond_ascii(self):
        encoded = b64encode("\0box\0pässword".encode())
        offered = b"+OK\r\nUTF8 USER\r\nSASL LOGIN PLAIN\r\n.\r\n"
        received = self.login("box", "pässword", offered, **{encoded.decode().upper(): b"+OK\r\n"})
        self.assertEqual(received, [b"CAPA", b"AUTH PLAIN", encoded])

    def test_utf8_is_requested_for_credentials_beyond_ascii(self):
        received = self.login("büro", "pässword", b"+OK\r\nUTF8 USER\r\n\r\n.\r\n")
        self.assertEqual(received, [b"CAPA", b"UTF8", "USER büro".encode(), "PASS pässword".encode()])

    def test_credentials_beyond_ascii_are_sent_as_utf8_if_the_server_offers_nothing(self):
        self.assertEqual(self.login("box", "ä")[-2:], [b"USER box", "PASS ä".encode()])

    def test_a_password_cannot_contain_a_second_command(self):
        for password in ("a\r\nDELE 1", "a\nb", "a\0b"):
            with self.assertRaises(LoginRefused):
                self.login("box", password)

    # ------------------------------------------------------------------ afterwards

    def test_a_message_that_the_server_does_not_delete_does_not_prevent_other_deletions(self):
        server = self.pop3({"1": HELLO, "2": BYE}, **{"DELE 1": b"-ERR locked\r\n"})
        store = MemoryStore()
        result = fetch_mailbox(server.settings("pop", afterwards="delete"), store, TimeBudget(FOREVER))
        self.assertEqual(result.refusal.args, (b"-ERR locked",))
        self.assertEqual(store.confirmed, {f"pop://{ACCOUNT}/;UIDL=2"})

    def test_stored_messages_are_deleted(self):
        server = self.pop3({"1": HELLO})
        store = self.fetch(server)
        self.assertIn(b"DELE 1", server.received)
        self.assertEqual(store.confirmed, set(store.messages))

    def test_stored_messages_may_be_left_on_the_server(self):
        server = self.pop3({"1": HELLO})
        store = self.fetch(server, afterwards="leave")
        self.assertNotIn(b"DELE 1", server.received)
        self.assertEqual(store.confirmed, set(store.messages))

    def test_a_deletion_counts_only_after_a_good_answer_to_quit(self):
        for reply in (ClosingReply(b"-ERR some were not removed\r\n"), ClosingReply(b"")):
            with self.subTest(reply=reply):
                store = self.fetch(self.pop3({"1": HELLO}, QUIT=reply))
                self.assertEqual((len(store.messages), store.confirmed), (1, set()))

    def test_a_message_whose_deletion_was_lost_is_deleted_but_not_stored_again(self):
        store = self.fetch(self.pop3({"1": HELLO}, QUIT=ClosingReply(b"")))
        server = self.pop3({"1": HELLO})
        self.fetch(server, store)
        self.assertEqual(len(store.messages), 1)
        self.assertIn(b"DELE 1", server.received)
        self.assertEqual(store.confirmed, set(store.messages))

    def test_a_new_message_under_a_reused_uidl_is_read_before_it_is_deleted(self):
        """QUIT took effect without a reply, and the server reused the UIDL (RFC 1939, section 7)."""
        store = self.fetch(self.pop3({"1": HELLO}, QUIT=ClosingReply(b"")))
        server = self.pop3({"1": BYE})
        self.fetch(server, store)
        self.assertEqual(sorted(store.messages.values()), [BYE + b"\r\n", HELLO + b"\r\n"])
        self.assertLess(server.received.index(b"RETR 1"), server.received.index(b"DELE 1"))

    def test_a_reused_uidl_names_a_new_message_if_messages_are_left_on_the_server(self):
        store = MemoryStore()
        for messages in ({"1": HELLO, "2": HELLO}, {"2": HELLO}, {"1": BYE, "2": HELLO}):
            self.fetch(self.pop3(messages), store, afterwards="leave")
        self.assertEqual(sorted(store.messages.values()), [BYE + b"\r\n"] + [HELLO + b"\r\n"] * 2)

    def test_messages_are_not_new_after_a_visit_in_which_none_was_listed(self):
        store = MemoryStore()
        for messages in ({"1": HELLO}, {}, {"1": HELLO}):
            self.fetch(self.pop3(messages), store, afterwards="leave")
        self.assertEqual(len(store.messages), 1)

    def test_a_message_that_is_gone_from_the_server_needs_no_deletion(self):
        server = self.pop3({})
        with Pop3Mailbox(server.settings("pop", afterwards="delete")) as mailbox:
            mailbox.acknowledge(["pop://gone"])
        self.assertEqual(mailbox.acknowledged(), ["pop://gone"])

    # ------------------------------------------------------------------ connecting

    def test_a_refused_login_is_reported_in_the_servers_words(self):
        server = self.pop3({}, PASS=b"-ERR [AUTH] not you\r\n")
        with self.assertRaises(LoginRefused) as caught:
            Pop3Mailbox(server.settings("pop"))
        self.assertEqual(str(caught.exception), "-ERR [AUTH] not you")

    def test_a_connection_lost_during_login_is_not_a_refusal(self):
        with self.assertRaises(EOFError):
            Pop3Mailbox(self.pop3({}, PASS=ClosingReply(b"")).settings("pop"))

    def test_a_server_that_says_nothing_is_given_up(self):
        with self.assertRaises(TimeoutError):
            Pop3Mailbox(self.serve(b"", None).settings("pop", timeout=0.2))

    def test_a_server_that_falls_silent_is_given_up(self):
        with self.assertRaises(TimeoutError):
            self.fetch(self.pop3({"1": HELLO}, RETR=b"+OK\r\nSubject: Hello\r\n"), timeout=0.2)

    def test_a_check_needs_only_a_login(self):
        with Pop3Mailbox(self.pop3({"1": HELLO}).settings("pop")) as mailbox:
            self.assertIsNone(mailbox.check())

    # ------------------------------------------------------------------ large messages

    HEAD = b"Subject: large\r\n\r\n"
    LARGE = HEAD + b"x" * 100
    LARGE_KEY = f"pop://{ACCOUNT}/;UIDL=large"

    def known_head(self):
        store = MemoryStore({self.LARGE_KEY: self.HEAD})
        store.kept_heads[self.LARGE_KEY] = len(self.LARGE)
        return store

    def test_only_the_head_of_a_large_message_is_fetched_and_the_message_is_not_deleted(self):
        server = self.pop3({"large": self.LARGE, "small": HELLO})
        store = self.fetch(server, largest=50)
        self.assertEqual(store.messages[self.LARGE_KEY], self.HEAD)
        self.assertEqual(store.kept_heads, {self.LARGE_KEY: len(self.LARGE)})
        self.assertIn(b"TOP 1 0", server.received)
        self.assertEqual([line for line in server.received if b"DELE" in line], [b"DELE 2"])

    def test_a_large_message_has_no_head_without_top(self):
        store = self.fetch(self.pop3({"large": self.LARGE}, TOP=b"-ERR what?\r\n"), largest=50)
        self.assertEqual((store.messages, store.kept_heads), ({self.LARGE_KEY: b""}, {self.LARGE_KEY: len(self.LARGE)}))

    def test_a_message_with_a_stored_head_is_neither_asked_for_nor_deleted(self):
        for afterwards in ("delete", "leave"):
            server = self.pop3({"large": self.LARGE})
            self.fetch(server, self.known_head(), largest=50, afterwards=afterwards)
            with self.subTest(afterwards=afterwards):
                self.assertEqual([line for line in server.received if line[:4] in (b"RETR", b"TOP ", b"DELE")], [])

    def test_a_requested_message_that_is_too_large_is_fetched_and_deleted(self):
        server, store = self.pop3({"large": self.LARGE}), self.known_head()
        store.wanted = [f"pop://{ACCOUNT}/;UIDL=gone", self.LARGE_KEY]
        self.fetch(server, store, largest=50)
        self.assertEqual((store.messages, store.kept_heads), ({self.LARGE_KEY: self.LARGE + b"\r\n"}, {}))
        self.assertIn(b"DELE 1", server.received)

    def test_a_stored_message_is_deleted_by_the_next_visit_after_a_lost_connection(self):
        store = MemoryStore({self.LARGE_KEY: self.LARGE + b"\r\n"})
        server = self.pop3({"large": self.LARGE})
        self.fetch(server, store, largest=50)
        self.assertIn(b"DELE 1", server.received)
        self.assertEqual(len(store.messages), 1)
