"""Message-Ids as programs write them."""

import time

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, some_of
from odoo.addons.mail_gateway.tools.headers.message_ids import MAX_IDS, is_message_id, nearest_first, referred_ids

PATIENCE = 5


class TestThreadIds(ToolsCase):
    def test_texts_are_message_ids_only_if_they_can_identify_a_message(self):
        for text in ("<a@b>", "a@b", "<Fax 1001@fax.example>", "<m(1)@fax.example>", "<[x@y]>", "<é@x>"):
            self.assertTrue(is_message_id(text), text)
        for text in ("", "<>", "< >", "<@>", "@", "<a@>", "<@b>", "<null>", "order.1", "<...@...>"):
            self.assertFalse(is_message_id(text), text)

    def test_ids_are_found_among_other_text(self):
        for text, *expected in (
            ("<1@x>", "<1@x>"),
            ("1@x", "<1@x>"),
            ("<1@x> <2@x>", "<1@x>", "<2@x>"),
            ("<1@x>,<2@x>", "<1@x>", "<2@x>"),
            ('Your message of "Monday" <1@x>', "<1@x>"),
            ("<1\r\n @x>", "<1@x>", "<1 @x>"),
            ("< 1@x >", "<1@x>"),
            ("1@x>", "<1@x>"),
            ("@x 1@ 1@x@y @", "<1@x@y>"),
            ("<1@x from Mary", "<1@x>"),
            ("<>",),
            ("Monday",),
        ):
            self.assertEqual(referred_ids(text), list(expected), text)

    def test_the_nearest_id_comes_first(self):
        self.assertEqual(nearest_first("<b@x>", "<a@x> <b@x> <c@x>"), ["<b@x>", "<c@x>", "<a@x>"])

    def test_the_first_and_last_ids_of_very_long_references_are_read(self):
        found = referred_ids(" ".join(f"<{number}@x>" for number in range(100_000)))
        self.assertEqual((found[0], found[-1]), ("<0@x>", "<99999@x>"))
        self.assertEqual(len(found), MAX_IDS)

    def test_any_text_is_read_in_bounded_time(self):
        for piece in ("<", ">", "@", "a@", "<@", "< ", "a", "<a@b", "'", "@a "):
            text = piece * (2**20 // len(piece))
            started = time.thread_time()
            referred_ids(text)
            is_message_id(f"<{text}")
            self.assertLess(time.thread_time() - started, PATIENCE, piece)

    def test_headers_of_any_length_are_read_in_bounded_time(self):
        pieces = ("<", ">", "@", "a@", "<@", "< ", "a", "<a", "<a@b", "'", "@a ", "a'", "é", "a,", "<>", "@@a")
        for piece in some_of(pieces):
            for length in (998, 19_900, 20_001):
                text = (piece * length)[:length]
                started = time.thread_time()
                # reading one of them took 0.8 s when its time grew with the square of its length
                for value in (*[text] * 20, f"{text}@", f"@{text}", f"{text}@x", f"<{text}", f"{text} <1@x>"):
                    referred_ids(value)
                self.assertLess(time.thread_time() - started, PATIENCE, (piece, length))
