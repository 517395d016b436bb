"""Network threads that work at the same time, while a single thread uses the database cursor."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait

# Seconds that a job may take to notice that it was ended.
MAX_ENDING_SECONDS = 5.0


class Abandoned(Exception):
    """Raised in a network thread whose time is up: its calls are no longer made."""


class WorkerThreads:
    """Runs jobs in threads of their own, and makes their calls by :meth:`call` in the thread that calls :meth:`serve`.

    Jobs are ended after the deadline. Their further calls are refused, so that they acknowledge no message that was not
    stored.
    """

    def __init__(self):
        self._requests = queue.SimpleQueue()
        self._closed = threading.Event()
        self._running = {}

    def start(self, name: str, job: Callable[[], object], end: Callable[[], None] | None = None) -> Future:
        """Run a job in a thread of its own.

        :param name: the name of the thread
        :param job: a function that is called in the thread
        :param end: a function that is called from another thread to end the job; the caller then waits for the job
        :return: a future that the serving thread completes
        :raises RuntimeError: when the system can't start a thread
        """
        outcome = Future()

        def run():
            try:
                settle, value = outcome.set_result, job()
            except BaseException as error:
                settle, value = outcome.set_exception, error
            self._requests.put((Future(), settle, (value,)))

        thread = _Thread(run, name, end)
        thread.start()
        self._running[outcome] = outcome.thread = thread
        return outcome

    def call(self, function: Callable, *args):
        """Have the serving thread call `function(*args)`, and return the result; called by a job.

        :raises Abandoned: when no thread serves any more
        """
        if self._closed.is_set():
            raise Abandoned
        answer = Future()
        self._requests.put((answer, function, args))
        while not wait([answer], timeout=1).done:
            if self._closed.is_set() and not answer.done():
                raise Abandoned
        return answer.result()

    def serve(self, deadline: float) -> Iterator[Future]:
        """Make the calls of the jobs until all jobs are done.

        :param deadline: value of time.monotonic() at which unfinished jobs are abandoned
        :return: the future of each job as soon as it is completed; abandoned ones raise :class:`Abandoned`
        """
        try:
            while self._running:
                if time.monotonic() >= deadline:
                    self._closed.set()  # refuse further requests; those that were made in time are still answered
                try:
                    request = self._requests.get(timeout=max(deadline - time.monotonic(), 0.01))
                except queue.Empty:
                    break
                self._do(*request)
                yield from self._settled()
        finally:
            self.close()
        for outcome in self._running:
            outcome.set_exception(Abandoned())
        yield from self._settled()

    def close(self) -> None:
        """Refuse all further calls, and end the jobs that still run."""
        self._closed.set()
        ending = [thread for thread in self._running.values() if thread.end]
        for thread in ending:
            thread.end()
        until = time.monotonic() + MAX_ENDING_SECONDS
        for thread in ending:
            thread.join(max(until - time.monotonic(), 0))

    @staticmethod
    def _do(answer: Future, function: Callable, args: tuple) -> None:
        try:
            answer.set_result(function(*args))
        except Exception as error:
            answer.set_exception(error)

    def _settled(self) -> list[Future]:
        done = [outcome for outcome in self._running if outcome.done()]
        for outcome in done:
            del self._running[outcome]
        return done


class _Thread(threading.Thread):
    """The thread of a job."""

    def __init__(self, run, name, end):
        super().__init__(name=name, daemon=True)
        self.end = end
        self._job = run
        self._lock = threading.Lock()
        self._when_over = []
        self._is_over = False

    def run(self):
        """Extends Thread's method: calls the functions that wait for the end."""
        try:
            self._job()
        finally:
            with self._lock:
                self._is_over = True
            for function in self._when_over:
                function()

    def when_over(self, function: Callable[[], None]) -> None:
        """Call `function` when the job is over: at once if it is over already, else later in the thread of the job."""
        with self._lock:
            if not self._is_over:
                self._when_over.append(function)
                return
        function()
