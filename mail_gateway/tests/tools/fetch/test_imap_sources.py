"""IMAP servers that return large messages in parts, and that stall or hang up at certain messages."""

import time
from imaplib import IMAP4
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.fetch.test_imap import ACCOUNT, THREE, ImapCase, key, position
from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, MemoryStore, imap_script
from odoo.addons.mail_gateway.tools.fetch import imap_sources
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget
from odoo.addons.mail_gateway.tools.fetch.visit import Visit, VisitOver

LARGE = b"Subject: large\r\n\r\n" + b"x" * 82  # 100 bytes
EIGHT = {uid: b"message %d" % uid for uid in range(11, 19)}


class TestImapParts(ImapCase):
    """A message that comes in parts is stored whole, or it stays in the backlog."""

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(imap_sources, "PART_BYTES", 30))

    def server(self, replies, source=LARGE, **changes):
        """Serve messages, but reply differently when asked for certain parts.

        :param replies: offset -> untagged replies
        """
        whole = imap_script({11: source, 12: b"twelve"}, **changes)

        def answer(line):
            reply = next((said for offset, said in replies.items() if b"BODY.PEEK[]<%d." % offset in line), None)
            return whole(line) if reply is None else reply + b"%s OK done\r\n" % line.split()[0]

        return self.serve(b"* OK ready\r\n", answer)

    def assertOwed(self, replies):
        server = self.server(replies)
        store = self.fetch(server, MemoryStore(position=position(10)), afterwards="delete")
        self.assertEqual(store.messages, {key(12): b"twelve"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(12, backlog=[11]))
        self.assertEqual(self.result.refusal.count, 1)
        self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 12 +FLAGS.SILENT (\\Deleted)"])
        self.fetch(self.server({}), store)
        self.assertEqual(store.messages[key(11)], LARGE)

    def test_ok_without_a_later_part_is_not_the_end(self):
        self.assertOwed({30: b""})
        self.assertOwed({90: b""})

    def test_nil_for_a_later_part_is_not_the_end(self):
        self.assertOwed({60: b"* 1 FETCH (UID 11 BODY[]<60> NIL)\r\n"})

    def test_flags_instead_of_a_later_part_are_not_the_end(self):
        self.assertOwed({30: b"* 1 FETCH (UID 11 FLAGS (\\Seen))\r\n"})

    def test_a_message_deleted_between_two_parts_is_passed_over(self):
        server = self.server({30: b""}, UID_SEARCH_UID=b"* SEARCH 12\r\n")
        store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual((store.messages, self.result.refusal), ({key(12): b"twelve"}, None))

    def test_nil_after_the_last_part_is_the_end(self):
        nil = b"* 1 FETCH (UID 11 BODY[]<%d> NIL)\r\n"
        for source, size in ((LARGE[:90], 90), (LARGE, 400)):
            told = {"UID_FETCH_11_(RFC822.SIZE)": b"* 1 FETCH (UID 11 RFC822.SIZE %d)\r\n" % size}
            server = self.server({len(source): nil % len(source)}, source, **told)
            with self.subTest(size=size):
                store = self.fetch(server, MemoryStore(position=position(10)))
                self.assertEqual(store.messages[key(11)], source)

    def test_a_requested_message_is_stored_whole_or_stays_requested(self):
        store = MemoryStore({key(11): b"Subject: large\r\n\r\n"}, position(12))
        store.kept_heads, store.wanted = {key(11): len(LARGE)}, [key(11)]
        self.fetch(self.server({30: b""}), store, largest=50)
        self.assertEqual((store.wanted, store.tries[key(11)]), ([key(11)], 1))
        self.fetch(self.server({}), store, largest=50)
        self.assertEqual((store.wanted, store.messages[key(11)]), ([], LARGE))


class TestImapStalled(ImapCase):
    """Messages at which a server stalls or closes the connection delay no other message."""

    def server(self, bad, reply):
        """Serve messages, but reply like this when asked for any of the `bad` UIDs, alone or among others."""
        whole = imap_script(EIGHT)
        self.bad = bad

        def answer(line):
            asked = b"BODY" in line and any(b"%d" % uid in line.split()[3] for uid in self.bad)
            return reply if asked else whole(line)

        return self.serve(b"* OK ready\r\n", answer)

    def visit(self, server, store, stalled=(), seconds=1.0, timeout=0.3):
        """Make a visit in which a message may stall once or twice.

        :return: the stalled messages of the next visit
        """
        now = time.monotonic()
        budget = TimeBudget(now + 0.5 * seconds, now + seconds, stalled)
        try:
            fetch_mailbox(server.settings("imap", timeout=timeout), store, budget)
        except (OSError, IMAP4.abort):
            budget.complete = False
        return budget.next_stalled

    def assertOthersAreStored(self, server, visits):
        store, stalled = MemoryStore(position=position(10)), []
        for _visit in range(visits):
            stalled = self.visit(server, store, stalled)
        self.assertEqual(set(store.messages), {key(uid) for uid in EIGHT if uid not in self.bad})
        self.assertLessEqual(set(stalled), {key(uid) for uid in self.bad})
        self.bad = ()
        for _visit in range(2):
            stalled = self.visit(server, store, stalled)
        self.assertEqual((set(store.messages), stalled), ({*map(key, EIGHT)}, []))

    def test_two_messages_at_which_the_server_stalls_do_not_delay_others(self):
        self.assertOthersAreStored(self.server((11, 14), b""), visits=3)

    def test_three_messages_at_which_the_server_hangs_up_do_not_delay_others(self):
        self.assertOthersAreStored(self.server((12, 13, 18), ClosingReply(b"* BYE\r\n")), visits=2)

    def test_a_stalled_message_is_asked_for_last_and_alone(self):
        server = self.serve(b"* OK ready\r\n", imap_script(EIGHT))
        store = MemoryStore(position=position(12, backlog=[11]))
        self.assertEqual(self.visit(server, store, [key(11), key(15), key(99), "pop://x/;UIDL=1"]), [])
        asked = [line.split()[2] for line in self.received(server, b"BODY")]
        self.assertEqual(asked, [b"13,14,16,17,18", b"11", b"15"])
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(18))

    def test_a_stalled_message_that_is_not_reached_in_time_stays_in_the_backlog(self):
        server = self.serve(b"* OK ready\r\n", imap_script(EIGHT))
        store = MemoryStore(position=position(10))
        with patch.object(TimeBudget, "is_over", lambda budget: budget.stored > 0):
            stalled = self.visit(server, store, [key(13)])
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(18, backlog=[13]))
        self.assertEqual(stalled, [key(13)])

    def test_messages_whose_headers_end_a_visit_are_stalled(self):
        whole = imap_script(EIGHT)
        server = self.serve(b"* OK ready\r\n", lambda line: b"" if b"[HEADER]" in line else whole(line))
        budget = TimeBudget(float("inf"))
        with self.assertRaises(VisitOver):
            fetch_mailbox(
                server.settings("imap", largest=5, visit=Visit(0.5)), MemoryStore(position=position(10)), budget
            )
        self.assertEqual(budget.next_stalled, [*map(key, EIGHT)])

    def test_a_stored_message_is_not_asked_for_again_as_stalled(self):
        server = self.serve(b"* OK ready\r\n", imap_script(THREE))
        store = MemoryStore({key(11): b"eleven"}, position(11))
        self.visit(server, store, [key(11)])
        self.assertEqual(self.received(server, b"11 (BODY"), [])


class TestImapRequested(ImapCase):
    """Large messages that a person requested come after new messages."""

    def store(self, *uids):
        store = MemoryStore({key(uid): b"" for uid in uids}, position(max(uids)))
        store.kept_heads, store.wanted = dict.fromkeys(map(key, uids), 100), [*map(key, uids)]
        return store

    def asked(self, server):
        return [line.split()[2] for line in self.received(server, b"BODY.PEEK[]")]

    def test_a_requested_message_comes_after_new_ones(self):
        server = self.imap({11: LARGE, 12: b"twelve", 13: b"thirteen"})
        self.fetch(server, self.store(11))
        self.assertEqual(self.asked(server)[:2], [b"12,13", b"11"])

    def test_a_requested_message_waits_for_half_of_a_visit_at_most(self):
        server = self.imap({11: LARGE, 12: b"twelve", 13: b"thirteen"})
        with (
            patch.object(TimeBudget, "is_half_over", lambda _budget: True),
            patch.object(TimeBudget, "what_fits", lambda _budget, sizes: list(sizes)[:1]),
        ):
            self.fetch(server, self.store(11))
        self.assertEqual(self.asked(server)[:3], [b"12", b"11", b"13"])

    def test_a_try_is_counted_when_the_message_is_asked_for(self):
        store = self.store(11, 12)
        server = self.imap({11: LARGE, 12: LARGE})
        with patch.object(TimeBudget, "is_over", lambda budget: budget.stored > 0):
            self.fetch(server, store)
        self.assertEqual((store.wanted, store.tries), ([key(12)], {key(11): 1}))

    def test_requests_for_messages_that_are_not_there_count_as_tries(self):
        store = self.store(11)
        elsewhere = [key(11, folder="Other"), key(11, generation=3), "pop://x/;UIDL=1", key(11)]
        store.wanted = elsewhere
        self.fetch(self.imap({12: b"twelve"}), store)
        self.assertEqual(store.tries, dict.fromkeys(elsewhere, 1))
