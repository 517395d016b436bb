import threading
import time
from functools import partial
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.fetch import worker_threads
from odoo.addons.mail_gateway.tools.fetch.worker_threads import Abandoned, WorkerThreads

PATIENCE = 20


class TestWorkerThreads(ToolsCase):
    def setUp(self):
        super().setUp()
        self.workers = WorkerThreads()
        self.released = threading.Event()
        self.addCleanup(self.released.set)

    def serve(self, seconds=PATIENCE):
        return list(self.workers.serve(time.monotonic() + seconds))

    def hang(self):
        self.released.wait(PATIENCE)

    def test_a_job_without_calls_returns_its_result(self):
        outcome = self.workers.start("job", lambda: 42)
        self.assertEqual(self.serve(), [outcome])
        self.assertEqual(outcome.result(), 42)

    def test_serving_ends_at_once_without_jobs(self):
        self.assertEqual(self.serve(), [])

    def test_calls_run_in_the_serving_thread(self):
        outcome = self.workers.start("job", lambda: self.workers.call(threading.get_ident))
        self.serve()
        self.assertEqual(outcome.result(), threading.get_ident())

    def test_calls_pass_their_arguments_and_return_their_result(self):
        outcome = self.workers.start("job", lambda: self.workers.call(divmod, 7, 2))
        self.serve()
        self.assertEqual(outcome.result(), (3, 1))

    def test_jobs_run_at_the_same_time(self):
        together = threading.Barrier(5, timeout=PATIENCE)
        outcomes = [self.workers.start("job", together.wait) for _job in range(5)]
        self.serve()
        self.assertEqual(sorted(outcome.result() for outcome in outcomes), [0, 1, 2, 3, 4])

    def test_only_one_call_runs_at_a_time(self):
        busy = threading.Lock()

        def alone():
            self.assertTrue(busy.acquire(blocking=False))
            time.sleep(0.001)
            busy.release()

        outcomes = [
            self.workers.start("job", lambda: [self.workers.call(alone) for _n in range(10)]) for _job in range(4)
        ]
        self.serve()
        self.assertEqual([outcome.exception() for outcome in outcomes], [None] * 4)

    def test_the_error_of_a_job_is_stored_in_its_outcome(self):
        outcome = self.workers.start("job", lambda: 1 / 0)
        self.serve()
        self.assertIsInstance(outcome.exception(), ZeroDivisionError)

    def test_the_error_of_a_call_is_raised_in_the_job_which_may_continue(self):
        def job():
            with self.assertRaises(ZeroDivisionError):
                self.workers.call(divmod, 1, 0)
            return "went on"

        outcome = self.workers.start("job", job)
        self.serve()
        self.assertEqual(outcome.result(), "went on")

    def test_an_exit_in_a_job_ends_only_the_job(self):
        outcome = self.workers.start("job", partial(self.fail_with, SystemExit(1)))
        self.serve()
        self.assertIsInstance(outcome.exception(), SystemExit)

    def test_an_exit_in_a_call_is_raised_in_the_serving_thread(self):
        self.workers.start("job", lambda: self.workers.call(self.fail_with, KeyboardInterrupt()))
        with self.assertRaises(KeyboardInterrupt):
            self.serve()

    def test_a_quick_job_does_not_wait_for_a_slow_one(self):
        self.workers.start("slow", self.hang)
        quick = self.workers.start("quick", lambda: 1)
        serving = self.workers.serve(time.monotonic() + PATIENCE)
        self.assertIs(next(serving), quick)
        serving.close()

    def test_a_job_that_hangs_is_abandoned_at_the_deadline(self):
        outcome = self.workers.start("job", self.hang)
        self.assertEqual(self.serve(seconds=0.05), [outcome])
        self.assertIsInstance(outcome.exception(), Abandoned)

    def test_calls_of_an_abandoned_job_are_refused(self):
        done, refused = [], threading.Event()

        def job():
            self.hang()
            try:
                self.workers.call(done.append, 1)
            except Abandoned:
                refused.set()

        self.workers.start("job", job)
        self.serve(seconds=0.05)
        self.released.set()
        self.assertTrue(refused.wait(PATIENCE))
        self.assertEqual(done, [])

    def test_a_job_that_never_stops_calling_is_abandoned(self):
        def job():
            while not self.released.is_set():
                self.workers.call(time.sleep, 0.001)

        outcome = self.workers.start("job", job)
        emergency = threading.Timer(PATIENCE, self.released.set)
        emergency.start()
        self.addCleanup(emergency.cancel)
        self.serve(seconds=0.1)
        self.assertIsInstance(outcome.exception(), Abandoned)

    def test_calls_are_refused_when_the_serving_loop_is_left(self):
        refused = threading.Event()

        def job():
            self.hang()
            try:
                self.workers.call(int)
            except Abandoned:
                refused.set()

        self.workers.start("slow", job)
        self.workers.start("quick", int)
        serving = self.workers.serve(time.monotonic() + PATIENCE)
        next(serving)
        serving.close()
        self.released.set()
        self.assertTrue(refused.wait(PATIENCE))

    def test_a_job_that_can_be_ended_is_ended_with_its_thread(self):
        outcome = self.workers.start("job", self.hang, self.released.set)
        self.assertEqual(self.serve(seconds=0.05), [outcome])
        self.assertIsInstance(outcome.exception(), Abandoned)
        self.assertFalse(outcome.thread.is_alive())

    def test_jobs_are_ended_when_the_serving_loop_is_left(self):
        slow = self.workers.start("slow", self.hang, self.released.set)
        self.workers.start("quick", int)
        serving = self.workers.serve(time.monotonic() + PATIENCE)
        next(serving)
        serving.close()
        self.assertFalse(slow.thread.is_alive())

    def test_a_thread_that_cannot_be_ended_calls_back_when_it_is_over(self):
        told = threading.Event()
        with patch.object(worker_threads, "MAX_ENDING_SECONDS", 0.01):
            outcome = self.workers.start("job", self.hang, int)
            self.serve(seconds=0.05)
        self.assertTrue(outcome.thread.is_alive())
        outcome.thread.when_over(told.set)
        self.assertFalse(told.is_set())
        self.released.set()
        self.assertTrue(told.wait(PATIENCE))
        told.clear()
        outcome.thread.join(PATIENCE)
        outcome.thread.when_over(told.set)
        self.assertTrue(told.is_set())

    @staticmethod
    def fail_with(error):
        raise error
