"""Lets network threads work at the same time while one thread alone uses the database cursor."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait


class Abandoned(Exception):
    """Raised in a network thread that outlived its time: nothing it asks for is done any more."""


class Relay:
    """Runs jobs in threads of their own and what they call through :meth:`call` in the thread that serves.

    A thread that hangs in the network is left behind after the deadline. It can do no harm then: whatever it
    wants stored is refused, so it never gets to acknowledge it.
    """

    def __init__(self):
        self._requests = queue.SimpleQueue()
        self._closed = threading.Event()
        self._running = set()

    def start(self, name: str, job: Callable[[], object]) -> Future:
        """Run `job` in a thread of its own.

        :return: a future that the serving thread settles
        :raises RuntimeError: when the system has no thread to give
        """
        outcome = Future()

        def run():
            try:
                settle, value = outcome.set_result, job()
            except BaseException as error:
                settle, value = outcome.set_exception, error
            self._requests.put((Future(), settle, (value,)))

        threading.Thread(target=run, name=name, daemon=True).start()
        self._running.add(outcome)
        return outcome

    def call(self, function: Callable, *args):
        """To be called by a job: `function(*args)`, done by the serving thread.

        :raises Abandoned: when nobody serves any more
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
        """Do what the jobs ask for until all are done.

        :param deadline: value of time.monotonic() at which those that are not done are abandoned
        :return: each job's future as soon as it is settled; abandoned ones end in :class:`Abandoned`
        """
        try:
            while self._running:
                if time.monotonic() >= deadline:
                    self._closed.set()  # no further requests; those made in time are still done
                try:
                    request = self._requests.get(timeout=max(deadline - time.monotonic(), 0.01))
                except queue.Empty:
                    break
                self._do(*request)
                yield from self._settled()
        finally:
            self._closed.set()
        for outcome in self._running:
            outcome.set_exception(Abandoned())
        yield from self._settled()

    @staticmethod
    def _do(answer: Future, function: Callable, args: tuple) -> None:
        try:
            answer.set_result(function(*args))
        except Exception as error:
            answer.set_exception(error)

    def _settled(self) -> list[Future]:
        done = [outcome for outcome in self._running if outcome.done()]
        self._running.difference_update(done)
        return done
