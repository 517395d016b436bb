import time
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.fetch.time_budget import (
    BATCH_BYTES,
    BATCH_COUNT,
    FIRST_BYTES,
    MAX_STALLED,
    TimeBudget,
)

KB = 1000


class TestTimeBudget(ToolsCase):
    def setUp(self):
        super().setUp()
        self.now = 1000.0
        clock = patch.object(time, "monotonic", lambda: self.now)
        clock.start()
        self.addCleanup(clock.stop)
        self.budget = TimeBudget(1040.0, 1075.0)

    def read(self, size, seconds):
        self.budget.begin(size)
        self.now += seconds
        self.budget.finish(size)

    def batches(self, sizes):
        sizes, batches = dict(sizes), []
        while batch := self.budget.what_fits(sizes):
            batches.append(batch)
            for key in batch:
                del sizes[key]
        return batches

    def test_no_messages_make_no_batch(self):
        self.assertEqual((self.budget.what_fits({}), self.budget.what_is_left({})), ([], []))
        self.assertTrue(self.budget.complete)

    def test_the_number_of_messages_in_a_batch_is_limited(self):
        batches = self.batches(dict.fromkeys(range(2 * BATCH_COUNT + 1), 1))
        self.assertEqual([len(batch) for batch in batches], [BATCH_COUNT, BATCH_COUNT, 1])

    def test_the_first_batch_is_small(self):
        half = FIRST_BYTES // 2
        self.assertEqual(self.batches({"a": half, "b": half, "c": 1}), [["a", "b"], ["c"]])

    def test_a_message_above_the_limit_has_a_batch_of_its_own(self):
        self.assertEqual(self.batches({"a": 1, "b": FIRST_BYTES + 1, "c": 1}), [["a"], ["b"], ["c"]])

    def test_on_a_fast_line_batches_grow_up_to_a_limit(self):
        self.read(FIRST_BYTES, 0.001)
        self.assertEqual(self.batches({"a": BATCH_BYTES - 1, "b": 1, "c": 1}), [["a", "b"], ["c"]])

    def test_on_a_slow_line_a_batch_takes_some_seconds(self):
        self.read(400 * KB, 10)  # 40 kB/s
        self.assertEqual(self.batches(dict.fromkeys(range(8), 50 * KB)), [[0, 1, 2, 3], [4, 5, 6, 7]])

    def test_a_line_with_a_long_delay_is_not_taken_for_a_slow_one(self):
        self.read(400, 0.5)
        self.assertEqual(self.batches({"a": 100 * KB, "b": 100 * KB}), [["a", "b"]])

    def test_messages_too_large_for_the_time_left_are_passed_over(self):
        self.read(400 * KB, 10)  # 65 s are left
        self.assertEqual(self.batches({"a": 2700 * KB, "b": 2500 * KB, "c": 1}), [["b"], ["c"]])

    def test_a_message_too_large_for_a_visit_is_tried_only_if_nothing_else_was_stored(self):
        sizes = {"a": 9000 * KB, "b": 8000 * KB}
        self.assertEqual(self.budget.what_is_left(sizes), ["b"])
        self.assertTrue(self.budget.complete)
        self.budget.stored = 1
        self.assertEqual(self.budget.what_is_left(sizes), [])
        self.assertFalse(self.budget.complete)

    def test_a_batch_ends_before_the_visit_does(self):
        self.assertEqual(self.budget.end_of_batch(), 1005.0)
        self.now = 1039.0
        self.assertEqual(self.budget.end_of_batch(), 1040.0)

    def test_a_visit_knows_when_half_of_its_time_is_over(self):
        self.assertFalse(self.budget.is_half_over())
        self.now = 1021.0
        self.assertEqual((self.budget.is_half_over(), self.budget.is_over()), (True, False))

    def test_messages_that_ended_a_visit_come_last_in_the_next_one(self):
        self.budget = TimeBudget(1040.0, 1075.0, ["a", "b", "c"])
        self.budget.begin(7, ["b"])
        self.budget.broken.append("b")
        self.budget.finish(0)
        self.budget.begin(7, ["d", "e"])
        self.budget.complete = False
        self.assertEqual(self.budget.next_stalled, ["a", "c", "b", "d", "e"])

    def test_after_a_complete_visit_only_messages_that_broke_it_remain_stalled(self):
        self.budget = TimeBudget(1040.0, 1075.0, ["a", "b"])
        self.budget.broken.append("b")
        self.assertEqual(self.budget.next_stalled, ["b"])

    def test_the_number_of_stalled_messages_is_limited(self):
        self.budget.begin(7, map(str, range(MAX_STALLED + 5)))
        self.assertEqual(self.budget.next_stalled, [*map(str, range(5, MAX_STALLED + 5))])

    def test_the_size_of_the_messages_being_read_is_known(self):
        self.budget.begin(7)
        self.assertEqual(self.budget.reading, 7)
        self.budget.finish(7)
        self.assertEqual(self.budget.reading, 0)
