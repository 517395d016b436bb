"""Statements of several threads, committed together: a commit takes as long for a hundred of them as for one."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

import psycopg2

# Statements of one transaction.
MAX_TOGETHER = 500
# Seconds between two tries to connect again.
_PAUSE = 0.2


class _Job(NamedTuple):
    statement: str
    parameters: tuple
    outcome: Future


class GroupCommit:
    """A database session of its own, in a thread of its own.

    A connection that is lost is opened again, and what was not committed is executed again. It may have been committed
    when the connection broke, so statements have to do the same when they are executed twice.

    :param connect: returns a new psycopg2 connection, ready for statements. What it raises ends everything, except
        :class:`psycopg2.OperationalError`, after which it is called again
    :param patience: seconds to go on trying to connect
    """

    def __init__(self, connect: Callable, patience: float = 60):
        self._connect, self._patience = connect, patience
        self._connection, self._error = None, None
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mail group commit", daemon=True)
        self._thread.start()

    def execute(self, statement: str, parameters: tuple = ()) -> Future:
        """Have a statement executed after all earlier ones.

        :return: the number of rows, once they are committed; or the exception of the database
        """
        outcome = Future()
        self._jobs.put(_Job(statement, tuple(parameters), outcome))
        return outcome

    def close(self) -> None:
        """Execute what waits, and disconnect. What comes later is never executed."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self):
        ends = False
        while not ends:
            jobs = [self._jobs.get()]
            while len(jobs) < MAX_TOGETHER:
                try:
                    jobs.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            ends = None in jobs
            self._commit([job for job in jobs if job is not None])
        if self._connection:
            self._connection.close()

    def _commit(self, jobs):
        try:
            self._execute(jobs)
        except psycopg2.Error as error:
            if len(jobs) == 1:
                jobs[0].outcome.set_exception(error)
                return
            for job in jobs:  # one of them is at fault: the others go on without it
                self._commit([job])
        except Exception as error:
            self._error = error
            for job in jobs:
                job.outcome.set_exception(error)

    def _execute(self, jobs):
        """Execute and commit, on a new connection when this one is lost.

        :raises psycopg2.Error: when a statement is at fault, or the database stays away
        """
        end = time.monotonic() + self._patience
        while jobs:
            try:
                rows = self._transaction(jobs)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._disconnect()
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
                continue
            except psycopg2.Error:
                self._connection.rollback()
                raise
            for job, count in zip(jobs, rows, strict=True):
                job.outcome.set_result(count)
            return

    def _transaction(self, jobs):
        if self._error:
            raise self._error
        if self._connection is None:
            self._connection = self._connect()
        rows = []
        with self._connection.cursor() as cursor:
            for job in jobs:
                cursor.execute(job.statement, job.parameters)
                rows.append(cursor.rowcount)
        self._connection.commit()
        return rows

    def _disconnect(self):
        if self._connection:
            with suppress(psycopg2.Error):
                self._connection.close()
        self._connection = None
