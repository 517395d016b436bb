import time
from datetime import datetime
from imaplib import IMAP4
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import (
    ClosingReply,
    MemoryStore,
    ToolsCase,
    imap_script,
    searched,
    selected,
)
from odoo.addons.mail_gateway.tools.fetch import folder_position, imap_position, imap_sources, windows
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.folder_position import FolderPosition
from odoo.addons.mail_gateway.tools.fetch.imap import ImapMailbox
from odoo.addons.mail_gateway.tools.fetch.imap_key import ImapKey
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import LoginRefused, UnknownFolder
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget, TookTooLong

FOREVER = float("inf")
ACCOUNT = "box@mycompany.example@127.0.0.1"
THREE = {11: b"eleven", 12: b"twelve", 14: b"fourteen"}


def key(uid, folder="INBOX", uid_validity=7, account=ACCOUNT, generation=0):
    return str(ImapKey(account, folder, uid_validity, uid, generation))


def position(last_uid, backlog=(), uid_validity=7, generation=0):
    return FolderPosition(ACCOUNT, "INBOX", uid_validity, last_uid, frozenset(backlog), generation)


def reply_to(line, reply):
    """Return `reply` with the tag of `line` in it, as the same type."""
    return type(reply)(reply % line.split()[0])


class OneAtATime(TimeBudget):
    """Reads one message at a time, however fast the line is."""

    def what_fits(self, sizes):
        return list(sizes)[:1]


class InTheLastSeconds(TimeBudget):
    """A visit whose time is nearly over when a part has come."""

    def check(self):
        self._end = time.monotonic()
        return super().check()


class TestImapKey(ToolsCase):
    def test_a_key_is_an_imap_url(self):
        self.assertEqual(key(12), "imap://box@mycompany.example@127.0.0.1/INBOX;UIDVALIDITY=7/;UID=12")

    def test_every_folder_name_survives_being_written_and_parsed(self):
        for folder in ("INBOX", "INBOX/Orders", "Köln", "a;b", "INBOX;UIDVALIDITY=1/;UID=2", "line\nbreak", "/"):
            with self.subTest(folder=folder):
                for generation in (0, 3):
                    parts = ImapKey("box@mail.example", folder, 2**32 - 1, 2**32 - 1, generation)
                    self.assertEqual(ImapKey.parse(str(parts)), parts)

    def test_other_keys_are_not_parsed(self):
        for text in ("", "pop://box@mail.example/;UIDL=1", "imap://box/INBOX", key(12) + " ", key("x")):
            with self.subTest(text=text):
                self.assertIsNone(ImapKey.parse(text))


class ImapCase(ToolsCase):
    def imap(self, messages, **changes):
        return self.serve(b"* OK ready\r\n", imap_script(messages, **changes))

    def open(self, server, **values):
        mailbox = ImapMailbox(server.settings("imap", **values))
        self.addCleanup(mailbox.disconnect)
        return mailbox

    def fetch(self, server, store=None, **values):
        store = store or MemoryStore()
        self.result = fetch_mailbox(server.settings("imap", **values), store, TimeBudget(FOREVER))
        return store

    def store_all(self, server, store):
        """Store the new messages, without the rest of a visit.

        :return: the batches
        """
        batches = []
        for batch in self.open(server).new_batches(store, TimeBudget(FOREVER)):
            store.add(batch)
            batches.append(batch)
        return batches

    def received(self, server, word):
        """Return the commands with this word, without their tags."""
        return [line.split(b" ", 1)[1] for line in server.received if word in line]


class TestImapConnection(ImapCase):
    def test_a_refused_login_is_reported_in_the_servers_words(self):
        with self.assertRaises(LoginRefused) as caught:
            self.open(self.imap({}, LOGIN=b"NO [AUTHENTICATIONFAILED] not you\r\n"))
        self.assertEqual(str(caught.exception), "[AUTHENTICATIONFAILED] not you")

    def test_a_connection_lost_during_login_is_not_a_refusal(self):
        with self.assertRaises(IMAP4.abort):
            self.open(self.imap({}, LOGIN=b"* BYE going down\r\n"))

    def test_a_server_that_says_nothing_is_given_up(self):
        with self.assertRaises(TimeoutError):
            self.open(self.serve(b"", None), timeout=0.2)

    def test_a_server_that_falls_silent_is_given_up(self):
        script = imap_script({})
        server = self.serve(b"* OK ready\r\n", lambda line: b"" if b"SELECT" in line else script(line))
        with self.assertRaises(TimeoutError):
            self.fetch(server, timeout=0.2)

    def test_a_server_that_is_not_imap_is_refused(self):
        with self.assertRaises(IMAP4.error):
            self.open(self.serve(b"HTTP/1.1 400 Bad Request\r\n", lambda _line: b""), timeout=1)

    def test_an_unknown_folder_is_reported_with_those_that_exist(self):
        server = self.imap({}, SELECT=b"NO no such folder\r\n", **{'LIST_"" "ORDERS"': b""})
        with self.assertRaises(UnknownFolder) as caught:
            self.open(server, folders=("Orders",)).check()
        self.assertEqual(caught.exception.existing, ("INBOX",))

    def test_a_folder_that_exists_but_is_refused_is_not_unknown(self):
        with self.assertRaises(IMAP4.error):
            self.open(self.imap({}, SELECT=b"NO not yours\r\n")).check()

    def test_a_check_also_looks_for_the_folder_to_move_to(self):
        server = self.imap({})
        self.open(server, afterwards="move", move_to="Done").check()
        self.assertEqual(self.received(server, b"SELECT"), [b'SELECT "INBOX"', b'SELECT "Done"'])


class TestImapNew(ImapCase):
    def test_only_unread_messages_are_new_in_a_folder_seen_for_the_first_time(self):
        store = self.fetch(self.imap(THREE, UID_SEARCH_UNSEEN=searched(12)))
        self.assertEqual(store.messages, {key(12): b"twelve"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))

    def test_remembering_a_folder_stores_only_its_position(self):
        store = MemoryStore()
        self.open(self.imap(THREE, UID_SEARCH_UNSEEN=searched(12))).remember(store)
        self.assertEqual((store.messages, store.position(ACCOUNT, "INBOX")), ({}, position(14, backlog=[12])))

    def test_messages_above_the_watermark_are_new_even_if_read(self):
        store = self.fetch(self.imap(THREE), MemoryStore(position=position(11)))
        self.assertEqual(store.messages, {key(12): b"twelve", key(14): b"fourteen"})

    def test_the_last_message_below_the_watermark_is_not_new(self):
        without_uid_next = self.imap(THREE, SELECT=selected(3))
        store = self.fetch(without_uid_next, MemoryStore(position=position(14)))
        self.assertEqual(store.messages, {})

    def test_without_uidnext_the_highest_uid_is_looked_up(self):
        store = self.fetch(self.imap(THREE, SELECT=selected(3)))
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))

    def test_the_backlog_is_fetched_even_if_somebody_read_it_meanwhile(self):
        store = self.fetch(self.imap(THREE), MemoryStore(position=position(14, backlog=[11])))
        self.assertEqual(store.messages, {key(11): b"eleven"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))

    def test_stored_messages_are_not_fetched_again(self):
        server = self.imap(THREE, UID_SEARCH_UNSEEN=searched(11, 12))
        store = MemoryStore({key(11): b"eleven"}, position(14))
        self.fetch(server, store)
        self.assertEqual(self.received(server, b"BODY"), [b"UID FETCH 12 (BODY.PEEK[])"])

    def test_an_unread_message_that_was_never_stored_is_new(self):
        store = self.fetch(self.imap(THREE, UID_SEARCH_UNSEEN=searched(11)), MemoryStore(position=position(14)))
        self.assertEqual(store.messages, {key(11): b"eleven"})

    def test_a_message_that_was_removed_meanwhile_is_passed_over(self):
        found = iter((searched(11, 12), searched()))
        server = self.imap({11: b"eleven"}, SELECT=selected(2, uid_next=13), UID_SEARCH_UID=lambda _line: next(found))
        store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(store.messages, {key(11): b"eleven"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(12))

    def test_a_message_that_the_server_cannot_read_does_not_hold_up_the_others(self):
        script = imap_script(THREE)
        for broken in (b"%s NO [SERVERBUG] cannot read it\r\n", ClosingReply(b"* BYE %s\r\n")):
            with self.subTest(broken=broken):
                server = self.serve(
                    b"* OK ready\r\n",
                    lambda line, reply=broken: (
                        reply_to(line, reply) if b"BODY" in line and b"12" in line else script(line)
                    ),
                )
                store = MemoryStore(position=position(10))
                batches = self.store_all(server, store)
                self.assertEqual(store.messages, {key(11): b"eleven", key(14): b"fourteen"})
                self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, backlog=[12]))
                [refusal] = [batch.refusal for batch in batches if batch.refusal]
                self.assertEqual(refusal.count, 1)

    def test_after_new_uids_stored_messages_are_recognized_by_their_content(self):
        store = MemoryStore({key(3, uid_validity=6): b"eleven"}, position(3, uid_validity=6))
        server = self.imap(THREE, UID_SEARCH_UNSEEN=searched(11, 12))
        self.fetch(server, store)
        self.assertEqual(set(store.messages), {key(3, uid_validity=6), key(12, generation=1)})
        self.assertIn(b"UID STORE 11,12 +FLAGS.SILENT (\\Seen)", self.received(server, b"STORE"))
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, generation=1))

    def test_after_new_uids_messages_since_the_last_success_are_checked_again(self):
        store = MemoryStore(position=position(3, uid_validity=6), last_success=datetime(2030, 1, 3, 12))
        server = self.imap(THREE, UID_SEARCH_SINCE=searched(14))
        self.fetch(server, store)
        self.assertEqual(store.messages, {key(14, generation=1): b"fourteen"})
        self.assertEqual(self.received(server, b"SINCE"), [b"UID SEARCH SINCE 01-Jan-2030"])

    def test_after_new_uids_messages_from_before_the_first_visit_stay_old(self):
        dates = {
            11: b"03-Jan-2030 11:59:58 +0000",
            12: b"03-Jan-2030 12:59:59 +0100",
            14: b"03-Jan-2030 12:00:00 +0000",
        }
        server = self.imap(THREE, dates=dates, UID_SEARCH_SINCE=searched(11, 12, 14))
        for last_success in (None, datetime(2030, 1, 3, 13)):
            with self.subTest(last_success=last_success):
                first = datetime(2030, 1, 3, 12, 0, 0, 500_000)
                store = MemoryStore(position=position(3, uid_validity=6), last_success=last_success, first_visit=first)
                self.fetch(server, store)
                self.assertEqual(list(store.messages.values()), [b"fourteen"])

    def test_a_uidnext_that_went_back_is_treated_as_new_uids(self):
        store = MemoryStore({key(12): b"twelve before", key(90): b"eleven"}, position(90))
        server = self.imap(THREE, UID_SEARCH_UNSEEN=searched(11, 12))
        self.fetch(server, store)
        self.assertEqual(set(store.messages), {key(12), key(90), key(12, generation=1)})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, generation=1))
        self.fetch(server, store)
        self.assertEqual(len(store.messages), 3)

    def test_after_a_uidnext_that_went_back_no_other_message_is_acknowledged(self):
        store = MemoryStore({key(12): b"twelve before"}, position(90))
        server = self.imap(THREE)
        self.fetch(server, store, afterwards="delete")
        self.assertEqual(self.received(server, b"STORE"), [])
        self.assertEqual(store.confirmed, {key(12)})

    def test_two_messages_with_the_same_content_above_the_watermark_are_both_new(self):
        store = self.fetch(self.imap({11: b"same", 12: b"same"}), MemoryStore(position=position(10)))
        self.assertEqual(set(store.messages), {key(11), key(12)})

    def test_a_search_may_find_more_than_a_megabyte(self):
        uids = range(1_000_000, 1_140_000)
        server = self.imap({}, SELECT=selected(len(uids), uid_next=1_140_000), UID_SEARCH_UNSEEN=searched(*uids))
        store = MemoryStore()
        with patch.object(imap_position, "SEARCH_WINDOW", len(uids)):
            self.open(server).remember(store)
        self.assertEqual(store.position(ACCOUNT, "INBOX").backlog, set(uids))

    def searched_in_windows(self, uids, unseen):
        """Serve a folder that is searched by windows of sequence numbers."""

        def window(line):
            first, last = map(int, line.split()[2].split(b":"))
            found = uids[first - 1 : last]
            if b"UNSEEN" in line:
                return searched(*(uid for uid in found if uid in unseen))
            if b" UID " in line:
                lowest = int(line.split()[-1].split(b":")[0])
                found = [uid for uid in found if uid >= lowest]
            return searched(*found)

        windows = {f"UID_SEARCH_{digit}": window for digit in "123456789"}
        state = selected(len(uids), uid_next=max(uids) + 1)
        return self.imap(dict.fromkeys(uids, b"x"), SELECT=state, **windows)

    def test_unread_messages_of_a_large_folder_are_searched_in_windows(self):
        uids = range(100, 170, 3)
        server = self.searched_in_windows(uids, unseen=uids)
        store = MemoryStore()
        with patch.object(imap_position, "SEARCH_WINDOW", 10):
            self.open(server).remember(store)
        self.assertEqual(store.position(ACCOUNT, "INBOX").backlog, set(uids))
        self.assertEqual(
            self.received(server, b"SEARCH"), [b"UID SEARCH %s UNSEEN" % w for w in (b"15:24", b"5:14", b"1:4")]
        )

    def test_messages_removed_between_two_windows_hide_no_other_messages(self):
        listed = list(range(1, 31))

        def window(line):
            first, last = map(int, line.split()[2].split(b":"))
            found = searched(*listed[first - 1 : last])
            del listed[:2]  # from now on all other sequence numbers are smaller by two
            return found

        script = {f"UID_SEARCH_{digit}": window for digit in "12345"}
        server = self.imap({}, SELECT=selected(30, uid_next=31), **script)
        store = MemoryStore()
        with patch.object(imap_position, "SEARCH_WINDOW", 10):
            self.open(server).remember(store)
        self.assertGreaterEqual(store.position(ACCOUNT, "INBOX").backlog, set(range(5, 31)))

    def test_new_messages_of_a_large_folder_are_searched_at_its_end(self):
        uids = range(100, 170)
        server = self.searched_in_windows(uids, unseen=())
        with patch.object(imap_position, "SEARCH_WINDOW", 10):
            store = self.fetch(server, MemoryStore(position=position(154)))
        self.assertEqual(set(store.messages), {key(uid) for uid in range(155, 170)})
        asked = [line for line in self.received(server, b"SEARCH") if b"UNSEEN" not in line]
        self.assertEqual(asked, [b"UID SEARCH 61:70 UID 155:*", b"UID SEARCH 51:60 UID 155:*"])

    def test_a_large_backlog_is_stored_once_and_continued_from_its_last_position(self):
        uids = range(100, 200, 2)
        messages = {uid: b"%d" % uid for uid in uids}
        store = MemoryStore()
        with patch.object(folder_position, "SMALL_BACKLOG", 10):
            for _visit in range(3):
                server = self.imap(messages, UID_SEARCH_UNSEEN=searched(*uids))
                box, read = self.open(server), 0
                for batch in box.new_batches(store, OneAtATime(FOREVER)):
                    store.add(batch)
                    read += len(batch.messages)
                    if read == 15:
                        break
            found = store.position(ACCOUNT, "INBOX")
        self.assertEqual(len(store.messages), 45)
        self.assertEqual((len(found.backlog), list(found.pending())), (50, [190, 192, 194, 196, 198]))

    def test_new_messages_come_before_a_large_backlog(self):
        messages = {uid: b"%d" % uid for uid in range(1, 31)}
        store = MemoryStore(position=position(25, backlog=range(1, 26)))
        with patch.object(folder_position, "SMALL_BACKLOG", 10):
            batches = self.store_all(self.imap(messages), store)
        order = [message.source for batch in batches for message in batch.messages]
        self.assertEqual(order[:6], [b"26", b"27", b"28", b"29", b"30", b"1"])
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(30))

    def test_many_new_messages_are_asked_for_in_windows(self):
        server = self.imap(THREE)
        with patch.object(windows, "MAX_IN_COMMAND", 2):
            store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(len(store.messages), 3)
        self.assertEqual(
            self.received(server, b"RFC822.SIZE"),
            [b"UID FETCH 11,12 (RFC822.SIZE)", b"UID FETCH 14 (RFC822.SIZE)"],
        )

    def test_a_message_without_content_is_refused_and_asked_for_again(self):
        nil = b"* 1 FETCH (UID 11 BODY[] NIL)\r\n* 2 FETCH (UID 12 BODY[] {6}\r\ntwelve)\r\n* 3 FETCH (UID 14)\r\n"
        script = imap_script(THREE)
        server = self.serve(
            b"* OK ready\r\n",
            lambda line: nil + b"%s OK done\r\n" % line.split()[0] if b"BODY" in line else script(line),
        )
        store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(store.messages, {key(12): b"twelve"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, backlog=[11, 14]))
        self.assertEqual((self.result.stored, self.result.refusal.count), (1, 2))

    def test_a_folder_that_is_gone_or_refused_does_not_stop_those_after_it(self):
        for gone, error in (({'LIST_"" "GONE"': b""}, UnknownFolder), ({}, IMAP4.error)):
            with self.subTest(error=error):
                server = self.imap(
                    THREE, UID_SEARCH_UNSEEN=searched(12), **{'SELECT_"GONE"': b"NO not now\r\n"}, **gone
                )
                store = self.fetch(server, folders=("Gone", "INBOX"))
                self.assertEqual(store.messages, {key(12): b"twelve"})
                self.assertIsInstance(self.result.refusal, error)

    def test_a_message_too_large_for_the_time_left_delays_no_other(self):
        server = self.imap({11: b"x" * 5_000_000, 12: b"twelve", 14: b"fourteen"})
        now = time.monotonic()
        store = MemoryStore(position=position(10))
        budget = TimeBudget(now + 40, now + 75)
        with patch.object(TimeBudget, "finish"):  # the line stays slow
            result = fetch_mailbox(server.settings("imap"), store, budget)
            self.assertEqual(set(store.messages), {key(12), key(14)})
            self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, backlog=[11]))
            self.assertEqual((result.stored, result.complete), (2, False))
            result = fetch_mailbox(server.settings("imap"), store, TimeBudget(now + 40, now + 75))
        self.assertIn(key(11), store.messages)
        self.assertEqual((result.stored, result.complete), (1, True))

    def test_every_folder_has_its_own_position(self):
        store = self.fetch(self.imap(THREE), folders=("INBOX", "Orders"))
        self.assertEqual(sorted(folder for _account, folder in store.positions), ["INBOX", "Orders"])


class TestImapLarge(ImapCase):
    """Only the head of a message that is too large is fetched, until a person requests the whole message."""

    HEAD = b"Subject: large\r\n\r\n"
    LARGE = HEAD + b"x" * 100

    def sizes(self, **sizes):
        """Return a script that states wrong sizes."""

        def size(line):
            uid = int(line.split()[2])
            return b"* 1 FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, sizes[f"of_{uid}"])

        return {"UID_FETCH_11_(RFC822.SIZE)": size}

    def test_only_the_head_of_a_large_message_is_fetched_and_not_acknowledged(self):
        server = self.imap({11: self.LARGE, 12: b"small"})
        store = self.fetch(server, MemoryStore(position=position(10)), largest=50, afterwards="delete")
        self.assertEqual(store.messages, {key(11): self.HEAD, key(12): b"small"})
        self.assertEqual(store.kept_heads, {key(11): len(self.LARGE)})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(12))
        bodies = [line.split(b"(")[1] for line in self.received(server, b"BODY")]
        self.assertEqual(bodies, [b"BODY.PEEK[HEADER]<0.262144>)", b"BODY.PEEK[])"])
        self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 12 +FLAGS.SILENT (\\Deleted)"])

    def test_a_message_with_a_stored_head_is_not_asked_for_again(self):
        store = self.fetch(self.imap({11: self.LARGE}), MemoryStore(position=position(10)), largest=50)
        again = self.imap({11: self.LARGE}, UID_SEARCH_UNSEEN=searched(11))
        self.fetch(again, store, largest=50)
        self.assertEqual(self.received(again, b"UID FETCH") + self.received(again, b"STORE"), [])

    def test_a_requested_message_is_fetched_whole_and_acknowledged(self):
        store = self.fetch(self.imap({11: self.LARGE}), MemoryStore(position=position(10)), largest=50)
        store.wanted = [key(11), key(11, generation=3), key(11, folder="Other")]
        server = self.imap({11: self.LARGE})
        with patch.object(imap_sources, "PART_BYTES", 30):
            self.fetch(server, store, largest=50)
        self.assertEqual((store.messages, store.kept_heads), ({key(11): self.LARGE}, {}))
        self.assertEqual(len(self.received(server, b"BODY")), 4)
        self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 11 +FLAGS.SILENT (\\Seen)"])

    def test_a_requested_message_that_is_gone_does_not_stop_others(self):
        store = MemoryStore({key(11): self.HEAD}, position(11))
        store.kept_heads, store.wanted = {key(11): 119}, [key(11)]
        self.fetch(self.imap({12: b"small"}), store, largest=50)
        self.assertEqual((store.messages, store.wanted), ({key(11): self.HEAD, key(12): b"small"}, [key(11)]))

    def test_only_the_head_is_kept_of_a_large_message_whose_stated_size_is_too_small(self):
        server = self.imap({11: self.LARGE}, **self.sizes(of_11=3))
        store = self.fetch(server, MemoryStore(position=position(10)), largest=50)
        self.assertEqual((store.messages, store.kept_heads), ({key(11): self.HEAD}, {key(11): len(self.LARGE)}))
        self.assertEqual(self.received(server, b"STORE"), [])

    def test_a_large_message_is_fetched_in_parts_for_any_stated_size(self):
        for size in (31, 100, len(self.LARGE), 5000):
            server = self.imap({11: self.LARGE}, **self.sizes(of_11=size))
            with self.subTest(size=size), patch.object(imap_sources, "PART_BYTES", 30):
                store = self.fetch(server, MemoryStore(position=position(10)))
                self.assertEqual(store.messages, {key(11): self.LARGE})

    def test_a_message_whose_size_is_a_multiple_of_the_part_size_is_complete(self):
        server = self.imap({11: b"x" * 60})
        with patch.object(imap_sources, "PART_BYTES", 30):
            store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(store.messages, {key(11): b"x" * 60})

    def test_a_message_from_a_server_without_partial_fetch_is_complete(self):
        whole = b"* 1 FETCH (UID 11 BODY[] {%d}\r\n%s)\r\n" % (len(self.LARGE), self.LARGE)
        script = imap_script({11: self.LARGE})
        server = self.serve(
            b"* OK ready\r\n",
            lambda line: whole + b"%s OK done\r\n" % line.split()[0] if b"BODY" in line else script(line),
        )
        with patch.object(imap_sources, "PART_BYTES", 30):
            store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(store.messages, {key(11): self.LARGE})

    def test_a_large_message_that_takes_too_long_is_reported_with_its_size(self):
        server = self.imap({11: self.LARGE})
        with patch.object(imap_sources, "PART_BYTES", 30), self.assertRaises(TookTooLong) as caught:
            fetch_mailbox(server.settings("imap"), MemoryStore(position=position(10)), InTheLastSeconds(FOREVER))
        self.assertEqual(caught.exception.size, len(self.LARGE))

    def test_a_very_long_head_is_cut(self):
        endless = b"X-Long: " + b"x" * 300_000
        store = self.fetch(self.imap({11: endless}), MemoryStore(position=position(10)), largest=50)
        self.assertEqual(len(store.messages[key(11)]), 256 * 1024)


class TestImapAcknowledgement(ImapCase):
    def acknowledge(self, *keys, script=None, **values):
        """Acknowledge the keys, by default messages 11 and 12; return the server and the keys reported as acknowledged."""
        server = self.imap(THREE, **script or {})
        mailbox = self.open(server, **values)
        mailbox.acknowledge(keys or (key(11), key(12)))
        return server, mailbox.acknowledged()

    def test_reading_does_not_change_the_flags(self):
        server = self.imap(THREE)
        list(self.open(server).new_batches(MemoryStore(position=position(10)), TimeBudget(FOREVER)))
        self.assertEqual(self.received(server, b"BODY"), [b"UID FETCH 11,12,14 (BODY.PEEK[])"])
        self.assertEqual(self.received(server, b"STORE"), [])

    def test_stored_messages_are_marked_as_read(self):
        server, done = self.acknowledge()
        self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 11,12 +FLAGS.SILENT (\\Seen)"])
        self.assertEqual(done, [key(11), key(12)])

    def test_messages_are_moved_at_once_if_the_server_offers_move(self):
        server, _done = self.acknowledge(
            script={"CAPABILITY": b"* CAPABILITY IMAP4rev1 MOVE\r\n"}, afterwards="move", move_to="Done"
        )
        self.assertEqual(self.received(server, b"Done"), [b'UID MOVE 11,12 "Done"'])
        self.assertEqual(self.received(server, b"STORE"), [])

    def test_messages_are_copied_marked_and_expunged_without_move_and_uidplus(self):
        server, _done = self.acknowledge(afterwards="move", move_to="Done")
        self.assertEqual(
            self.received(server, b"")[-4:],
            [
                b'UID COPY 11,12 "Done"',
                b"UID STORE 11,12 +FLAGS.SILENT (\\Deleted)",
                b"UID SEARCH DELETED",
                b"EXPUNGE",
            ],
        )

    def test_a_copy_that_is_refused_deletes_nothing(self):
        server = self.imap(THREE, UID_COPY=b"NO [TRYCREATE] no such folder\r\n")
        with self.assertRaises(IMAP4.error):
            self.open(server, afterwards="move", move_to="Done").acknowledge([key(11)])
        self.assertEqual(self.received(server, b"STORE"), [])

    def test_only_the_stored_messages_are_expunged_with_uidplus(self):
        server, _done = self.acknowledge(
            script={"CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n"}, afterwards="delete"
        )
        self.assertEqual(self.received(server, b"EXPUNGE"), [b"UID EXPUNGE 11,12"])

    def test_capabilities_are_read_after_the_login(self):
        script = imap_script(THREE)
        received = []

        def answer(line):
            received.append(line)
            if b"CAPABILITY" in line and any(b"LOGIN" in earlier for earlier in received):
                return b"* CAPABILITY IMAP4rev1 MOVE\r\n%s OK done\r\n" % line.split()[0]
            return script(line)

        server = self.serve(b"* OK ready\r\n", answer)
        self.open(server, afterwards="move", move_to="Done").acknowledge([key(11)])
        self.assertEqual(self.received(server, b"Done"), [b'UID MOVE 11 "Done"'])

    def test_many_messages_are_acknowledged_in_windows(self):
        with patch.object(windows, "MAX_IN_COMMAND", 1):
            server, done = self.acknowledge()
        self.assertEqual(len(self.received(server, b"STORE")), 2)
        self.assertEqual(len(done), 2)

    def test_uids_of_a_former_generation_are_not_touched(self):
        server, done = self.acknowledge(key(11, uid_validity=6))
        self.assertEqual(self.received(server, b"STORE"), [])
        self.assertEqual(done, [key(11, uid_validity=6)])

    def test_messages_of_a_folder_that_is_gone_need_no_acknowledgement(self):
        gone = {'SELECT_"ORDERS"': b"NO no such folder\r\n", 'LIST_"" "ORDERS"': b""}
        server, done = self.acknowledge(key(11, folder="Orders"), key(11), script=gone)
        self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 11 +FLAGS.SILENT (\\Seen)"])
        self.assertEqual(len(done), 2)

    def test_acknowledgements_owed_to_a_former_account_are_dropped(self):
        former = key(11, account="other@mail.example")
        server = self.imap(THREE)
        store = self.fetch(server, MemoryStore({former: b"eleven"}))
        self.assertEqual(self.received(server, b"STORE"), [])
        self.assertEqual(store.confirmed, {former})

    def test_messages_of_another_account_are_not_touched(self):
        server, done = self.acknowledge(key(11, account="other@mail.example"), "pop://x/;UIDL=1")
        self.assertEqual((self.received(server, b"STORE"), done), ([], []))
