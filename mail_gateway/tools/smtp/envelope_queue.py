"""The messages that wait for a session, within a limit of memory."""

import threading
from collections import deque

from .envelope import Envelope


class EnvelopeQueue:
    """Messages for the sessions of one server; several threads take from it.

    :param max_bytes: of messages that wait; one that is larger than that waits alone
    """

    def __init__(self, max_bytes: int):
        self._max_bytes, self._bytes = max_bytes, 0
        self._waiting, self._closed, self._gives = deque(), False, True
        self._takers = 0
        self._changed = threading.Condition()

    def put(self, envelope: Envelope, timeout: float | None = None) -> bool:
        """Add a message, once there is room.

        :param timeout: seconds to wait for room; None for any time
        :return: False when there was no room in time, or the queue is closed
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._has_room(envelope), timeout) or self._closed:
                return False
            self._waiting.append(envelope)
            self._bytes += len(envelope.content)
            self._changed.notify_all()
            return True

    def _has_room(self, envelope):
        return not self._waiting or self._bytes + len(envelope.content) <= self._max_bytes

    def take(self, wait: float) -> Envelope | None:
        """Return the message that has waited longest; None when there is none.

        :param wait: seconds to wait for one, unless the queue is closed
        """
        with self._changed:
            self._takers += 1
            self._changed.wait_for(lambda: self._waiting or self._closed, wait)
            self._takers -= 1
            if not self._waiting or not self._gives:
                return None
            envelope = self._waiting.popleft()
            self._bytes -= len(envelope.content)
            self._changed.notify_all()
            return envelope

    def give_back(self, envelope: Envelope) -> None:
        """Take a message back; it is the next one, even if the queue is closed."""
        with self._changed:
            self._waiting.appendleft(envelope)
            self._bytes += len(envelope.content)
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more messages; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stop_giving(self) -> None:
        """Give no more messages: sessions end, and what waits stays for :meth:`drain`."""
        with self._changed:
            self._gives = False
            self._changed.notify_all()

    def is_wanted(self) -> bool:
        """Return whether messages wait or may come; waits until one of both is certain."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return bool(self._waiting) and self._gives

    def drain(self) -> list[Envelope]:
        """Close the queue, and return what waits."""
        with self._changed:
            self._closed, left = True, list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()
            return left

    @property
    def surplus(self) -> int:
        """How many messages wait that nobody is about to take."""
        return max(len(self._waiting) - self._takers, 0)
