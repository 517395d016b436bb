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
        self._connection, self._refusal = None, None
        self._jobs, self._closed, self._lock = queue.SimpleQueue(), False, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mail group commit", daemon=True)
        self._thread.start()

    def execute(self, statement: str, parameters: tuple = ()) -> Future:
        """Have a statement executed after all earlier ones.

        :return: the number of rows, once they are committed; or the exception of the database
        """
        outcome = Future()
        with self._lock:
            if self._closed:
                outcome.set_exception(psycopg2.InterfaceError("this session is closed"))
            else:
                self._jobs.put(_Job(statement, tuple(parameters), outcome))
        return outcome

    def close(self) -> None:
        """Execute what waits, and disconnect."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self):
        ends = False
        while not ends:
            jobs = [self._jobs.get()]
            while len(jobs) < MAX_TOGETHER and jobs[-1] is not None and not self._jobs.empty():
                jobs.append(self._jobs.get())
            ends = jobs[-1] is None
            self._commit([job for job in jobs if job is not None], time.monotonic() + self._patience)
        self._disconnect()

    def _commit(self, jobs, end):
        """Execute and commit; when a statement is at fault, the others go on without it.

        :param end: value of time.monotonic() until which to go on connecting
        """
        try:
            rows = self._transaction(jobs, end) if jobs else []
        except Exception as error:
            if len(jobs) > 1 and self._connection is not None:
                for job in jobs:
                    self._commit([job], end)
            else:
                for job in jobs:
                    job.outcome.set_exception(error)
            return
        for job, count in zip(jobs, rows, strict=True):
            job.outcome.set_result(count)

    def _transaction(self, jobs, end):
        """Execute and commit, on a new connection as long as this one is lost.

        :raises Exception: with a connection, when a statement is at fault; without one, when the database stays away
        """
        while True:
            try:
                if self._connection is None:
                    self._connection = self._open()
                rows = [self._execute(job) for job in jobs]
                self._connection.commit()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if self._connection is not None and not self._connection.closed:
                    self._connection.rollback()
                    raise
                self._disconnect()
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            except Exception:
                if self._connection is not None:
                    self._connection.rollback()
                raise
            else:
                return rows

    def _open(self):
        if self._refusal:
            raise self._refusal
        try:
            return self._connect()
        except psycopg2.OperationalError:
            raise
        except Exception as error:
            self._refusal = error
            raise

    def _execute(self, job):
        with self._connection.cursor() as cursor:
            cursor.execute(job.statement, job.parameters)
            return cursor.rowcount

    def _disconnect(self):
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
        self._connection = None
