"""Sending to one server: several sessions side by side, each in a thread that knows nothing of Odoo."""

import threading
from typing import Protocol

from ..failures.categories import Phase
from ..secrets import Secrets
from .connection_test_values import Plan
from .envelope import Envelope, RecipientResult
from .envelope_queue import EnvelopeQueue
from .opening import OpenSession, open_session
from .transaction import JournalFailed, SessionOver
from .transmission import Transmission

# Seconds to wait for a session that is told to end.
STOP_SECONDS = 5


class SendingJournal(Protocol):
    """Where the sessions of a server write down what they do; called by several threads."""

    def opened(self, connection: int, session: OpenSession) -> None:
        """Note that a session was opened: the server works."""

    def about_to_end(self, connection: int, envelope: Envelope) -> None:
        """Write down durably that the end of data of this message is about to be sent."""

    def settle(self, connection: int, envelope: Envelope, results: tuple[RecipientResult, ...]) -> None:
        """Write down what became of the recipients."""

    def failed(self, connection: int, over: SessionOver) -> None:
        """Note that a session failed, or that none could be opened."""


class _Connection:
    """One session after the other in a thread, until the queue has no more messages or a session fails."""

    def __init__(self, number, sending):
        self.number, self._sending = number, sending
        self._session, self._is_cut = None, False
        self.thread = threading.Thread(target=self._run, name=f"mail sending {number}", daemon=True)

    def _run(self):
        sending = self._sending
        try:
            try:
                while sending.goes_on(self.number):
                    self._send()
            except SessionOver as over:
                sending.session_failed(self.number, over)
        except Exception as error:  # a bug, or the database: the caller raises it in its own thread
            sending.broke(error.__cause__ if isinstance(error, JournalFailed) else error)

    def _send(self):
        sending = self._sending
        opened = open_session(sending.plan, connected=self._connected)
        try:
            sending.session_opened(self.number, opened)
            secrets = Secrets(sending.plan.secret, *opened.session.secrets)
            Transmission(opened.session, sending.queue, self, sending.max_messages, secrets).run()
        except BaseException:  # the server waits in the middle of a message: it takes part in no farewell
            opened.session.close()
            raise
        opened.session.leave()

    def about_to_end(self, envelope):
        self._sending.journal.about_to_end(self.number, envelope)

    def settle(self, envelope, results):
        self._sending.journal.settle(self.number, envelope, results)

    def _connected(self, session):
        self._session = session
        if self._is_cut:
            session.cut()

    def cut(self):
        """End the session from another thread, also one that is being opened."""
        self._is_cut = True
        if self._session:
            self._session.cut()


class Sending:
    """The sessions with one server.

    The first session is opened alone: a server that is down or refuses costs one connection. The others follow while more
    messages wait than there are sessions.

    :param plan: how to connect
    :param journal: is told what happens, by several threads
    :param connections: at most so many sessions at the same time
    :param max_bytes: of messages that wait in memory
    :param max_messages: after which a session is replaced by another one; None or 0 for no limit
    """

    def __init__(
        self,
        plan: Plan,
        journal: SendingJournal,
        connections: int = 2,
        max_bytes: int = 32 * 2**20,
        max_messages: int | None = 100,
    ):
        self.plan, self.journal, self.max_messages = plan, journal, max_messages
        self.queue = EnvelopeQueue(max_bytes)
        self._most, self._connections = connections, []
        self._lock, self._over, self._error = threading.Lock(), None, None
        self._works = False

    @property
    def over(self) -> SessionOver | None:
        """Why nothing more can be sent now."""
        return self._over

    def put(self, envelope: Envelope, timeout: float | None = None) -> bool:
        """Have a message sent.

        :param timeout: seconds to wait for room in memory
        :return: False when there is no room, or the server failed meanwhile
        """
        self._raise_error()
        taken = self.queue.put(envelope, timeout)
        if taken:
            self._add_connections(self.queue.surplus)
        return taken

    def finish(self) -> list[Envelope]:
        """Send what waits, and end.

        :return: what was not sent because the server failed
        """
        self.queue.close()
        for connection in self._connections:
            connection.thread.join()
        self._raise_error()
        return self.queue.drain()

    def stop(self) -> list[Envelope]:
        """End at once: what is under way is cut.

        :return: what was not begun, also what sessions gave back while they ended
        """
        self.queue.stop_giving()
        left = self.queue.drain()
        for connection in self._connections:
            connection.thread.join(STOP_SECONDS)
            if connection.thread.is_alive():
                connection.cut()
                connection.thread.join(STOP_SECONDS)
        return self.queue.drain() + left

    def _add_connections(self, more):
        with self._lock:
            for number in range(len(self._connections) + 1, self._wanted(more) + 1):
                connection = _Connection(number, self)
                connection.thread.start()
                self._connections.append(connection)

    def _wanted(self, more):
        """Return how many sessions there should be: one until it works, then one more for each message too many."""
        return min(self._most, len(self._connections) + more) if self._works else 1

    def _raise_error(self):
        if self._error:
            raise self._error

    # ------------------------------------------------------------------ called by the threads

    def goes_on(self, connection: int) -> bool:
        """Return whether this connection wants another session: none has failed, and messages wait or will come."""
        return connection <= self._most and not self._over and not self._error and self.queue.is_wanted()

    def session_opened(self, connection: int, session: OpenSession) -> None:
        """Note that the server works, so that more sessions can be opened."""
        self._works = True
        self.journal.opened(connection, session)
        self._add_connections(self.queue.surplus - 1)  # this session takes one

    def session_failed(self, connection: int, over: SessionOver) -> None:
        """Let the other sessions end with the message that they are sending; what waits stays.

        A server that refuses one session more, while others work, has a limit: these go on.
        """
        if over.phase is Phase.CONNECT and connection > 1 and self._works:
            self._most = min(self._most, connection - 1)
            return
        self._over = self._over or over
        self.queue.close()
        self.queue.stop_giving()
        self.journal.failed(connection, over)

    def broke(self, error: Exception) -> None:
        """Keep a bug for the caller."""
        self._error = self._error or error
        self.queue.close()
        self.queue.stop_giving()
