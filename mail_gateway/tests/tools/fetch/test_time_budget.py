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

    def test_nothing_makes_no_batch(self):
        self.assertEqual((self.budget.what_fits({}), self.budget.what_is_left({})), ([], []))
        self.assertTrue(self.budget.complete)

    def test_a_batch_holds_so_many_messages(self):
        batches = self.batches(dict.fromkeys(range(2 * BATCH_COUNT + 1), 1))
        self.assertEqual([len(batch) for batch in batches], [BATCH_COUNT, BATCH_COUNT, 1])

    def test_the_first_batch_is_small(self):
        half = FIRST_BYTES // 2
        self.assertEqual(self.batches({"a": half, "b": half, "c": 1}), [["a", "b"], ["c"]])

    def test_a_message_above_the_limit_travels_alone(self):
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

    def test_what_cannot_be_read_in_the_time_left_is_passed_over(self):
        self.read(400 * KB, 10)  # 65 s are left
        self.assertEqual(self.batches({"a": 2700 * KB, "b": 2500 * KB, "c": 1}), [["b"], ["c"]])

    def test_what_is_too_large_is_left_to_a_visit_that_has_nothing_else_to_do(self):
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

    def test_a_person_waits_for_half_of_a_visit_at_most(self):
        self.assertFalse(self.budget.is_half_over())
        self.now = 1021.0
        self.assertEqual((self.budget.is_half_over(), self.budget.is_over()), (True, False))

    def test_messages_with_which_a_visit_ended_are_the_last_of_the_next_one(self):
        self.budget = TimeBudget(1040.0, 1075.0, ["a", "b", "c"])
        self.budget.begin(7, ["b"])
        self.budget.broken.append("b")
        self.budget.finish(0)
        self.budget.begin(7, ["d", "e"])
        self.budget.complete = False
        self.assertEqual(self.budget.next_stalled, ["a", "c", "b", "d", "e"])

    def test_after_a_whole_visit_only_those_are_left_that_broke_it(self):
        self.budget = TimeBudget(1040.0, 1075.0, ["a", "b"])
        self.budget.broken.append("b")
        self.assertEqual(self.budget.next_stalled, ["b"])

    def test_the_messages_to_be_asked_for_last_are_no_more_than_so_many(self):
        self.budget.begin(7, map(str, range(MAX_STALLED + 5)))
        self.assertEqual(self.budget.next_stalled, [*map(str, range(5, MAX_STALLED + 5))])

    def test_the_size_of_what_is_being_read_is_known(self):
        self.budget.begin(7)
        self.assertEqual(self.budget.reading, 7)
        self.budget.finish(7)
        self.assertEqual(self.budget.reading, 0)
