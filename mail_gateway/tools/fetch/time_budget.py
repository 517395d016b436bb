"""Decides how much to ask a mail server for at a time, so that a visit makes progress even over a slow connection."""

import time
from collections.abc import Hashable, Iterable

# The maximum number of messages in a batch, and of their bytes together.
BATCH_COUNT = 200
BATCH_BYTES = 10 * 2**20
# Messages are stored at least this often: after a visit that broke off, the next one repeats no more than that.
BATCH_SECONDS = 5.0
# Bytes of the first batch, before the speed of the connection is known.
FIRST_BYTES = 256 * 1024
# The lowest assumed speed, in bytes per second. An answer in less than MEASURABLE_SECONDS does not lower the estimate.
MIN_RATE = 10_000
MEASURABLE_SECONDS = 1.0
# Number of messages that are asked for last, since a visit ended with them.
MAX_STALLED = 200

# Seconds at the end of a visit in which it reads no further part of a large message, which also has to be stored.
MARGIN_SECONDS = 10.0


class TimeBudget:
    """The time of one visit, and the speed of its connection.

    :param until: value of time.monotonic() after which no further batch is begun
    :param end: value of time.monotonic() at which the visit is abandoned
    :param stalled: keys of messages with which earlier visits ended: they are asked for last, and one by one, so that all
        others are read first
    :ivar broken: keys of messages at which the connection broke, and may break each time
    :ivar stored: number of new messages so far
    :ivar reading: size in bytes of the largest message that is being read right now, 0 when none is
    :ivar complete: False when the time was up before the mailbox was read to its end
    """

    def __init__(self, until: float, end: float = float("inf"), stalled: Iterable[str] = ()):
        self.stalled = tuple(stalled)
        self.broken: list[str] = []
        self._asked: tuple[str, ...] = ()
        self.stored = 0
        self.reading = 0
        self.complete = True
        self._until = until
        self._end = end
        self._start = time.monotonic()
        self._rate = FIRST_BYTES / BATCH_SECONDS
        self._begun = 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds until the visit is abandoned."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def next_stalled(self) -> list[str]:
        """Keys of stalled messages for the next visit; those with which this visit ended come last."""
        broken = [*self.broken, *(key for key in self._asked if key not in self.broken)]
        kept = [] if self.complete and not self._asked else [key for key in self.stalled if key not in broken]
        return [*kept, *broken][-MAX_STALLED:]

    @property
    def reads_one(self) -> bool:
        """Whether a single message is being read right now."""
        return bool(self.reading) and len(self._asked) <= 1

    def is_half_over(self) -> bool:
        """Whether new messages took half of the time; requested messages get the rest."""
        return time.monotonic() > (self._start + self._until) / 2

    def is_over(self) -> bool:
        """Whether it is time to end the visit."""
        return time.monotonic() > self._until

    def end_of_batch(self) -> float:
        """Return the value of time.monotonic() at which a batch that begins now should end."""
        return min(time.monotonic() + BATCH_SECONDS, self._until)

    def what_fits(self, sizes: dict) -> list:
        """Return the next batch, in order, without messages that are too large for the time that is left.

        :param sizes: key -> bytes of messages that are still to be read
        :return: keys, [] when nothing fits; a message that is larger than a batch is a batch of its own
        """
        readable = self._rate * (self._end - time.monotonic())
        limit = min(self._rate * BATCH_SECONDS, BATCH_BYTES)
        batch, total = [], 0
        for key, size in sizes.items():
            if size > readable:
                continue
            if batch and (len(batch) >= BATCH_COUNT or total + size > limit):
                break
            batch.append(key)
            total += size
        return batch

    def what_is_left(self, sizes: dict) -> list[Hashable]:
        """Return the next batch at the end of a visit, when messages that are too large delay no others.

        A visit that stored messages leaves those that are too large to the next one: reading them would take all its time,
        and it would probably be abandoned. A POP3 server would then forget the deletions of the same session.

        :param sizes: key -> bytes of messages that are still to be read
        :return: keys
        """
        if not sizes:
            return []
        if fitting := self.what_fits(sizes):
            return fitting
        if self.stored:
            self.complete = False
            return []
        return [min(sizes, key=sizes.get)]

    def check(self) -> None:
        """Make sure, between two parts of a large message, that there is time for the next one.

        :raises TookTooLong: when the visit is about to be abandoned
        """
        if time.monotonic() > self._end - MARGIN_SECONDS:
            raise TookTooLong(time.monotonic() - self._start, self.reading)

    def beyond_time(self, messages: dict) -> list:
        """Compute the values that are stored with messages, as long as there is time.

        :param messages: key -> RemoteMessage
        :return: the keys of messages for which there was no time; never all of them
        """
        late = []
        for number, (key, message) in enumerate(messages.items()):
            if number and self.is_over():
                late.append(key)
            else:
                _ = message.values
        return late

    def begin(self, size: int, keys: Iterable[str] = ()) -> None:
        """Record that the visit asks for messages.

        :param size: bytes of the largest one
        :param keys: keys of the messages, which count as stalled when :meth:`finish` is never called
        """
        self.reading, self._begun, self._asked = size, time.monotonic(), tuple(keys)

    def finish(self, size: int) -> None:
        """Record that the messages came, and measure the speed.

        :param size: bytes of all messages together
        """
        seconds = time.monotonic() - self._begun
        rate = max(size / max(seconds, 0.001), MIN_RATE)
        self._rate = rate if seconds >= MEASURABLE_SECONDS else max(self._rate, rate)
        self.reading, self._asked = 0, ()


class TookTooLong(Exception):
    """The visit was abandoned while a message was read.

    :ivar seconds: the seconds that the visit took
    :ivar size: the size of the message in bytes
    """

    def __init__(self, seconds: float, size: int):
        super().__init__(seconds, size)
        self.seconds = seconds
        self.size = size
