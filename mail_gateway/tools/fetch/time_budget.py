"""How much to ask of a mail server at a time, so that a slow line too gets on in the time that a visit has."""

import time
from collections.abc import Hashable, Iterable

BATCH_COUNT = 200
BATCH_BYTES = 10 * 2**20
# What is read is stored this often: a visit that is broken off loses no more than that.
BATCH_SECONDS = 5.0
# until the line is measured
FIRST_BYTES = 256 * 1024
# Bytes per second. Answers to short questions take the line's delay, and say nothing about how much it carries.
SLOWEST = 10_000
MEASURABLE_SECONDS = 1.0


# Messages that are asked for last, since a visit ended with them.
MAX_STALLED = 200

# What a large message may take less than all the time that a visit has: it is to be stored, too.
MARGIN_SECONDS = 10.0


class TimeBudget:
    """The time of one visit, and what was learned about the line.

    :param until: value of time.monotonic() after which no further batch is begun
    :param end: value of time.monotonic() at which the visit is abandoned
    :param stalled: keys of messages with which earlier visits ended: asked for last, and one by one, so that they keep
        nobody else waiting
    :ivar broken: keys of messages with which the connection ended, as it may each time
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
        """Until the visit is abandoned."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def next_stalled(self) -> list[str]:
        """Those of the next visit, those that ended one last at the end."""
        broken = [*self.broken, *(key for key in self._asked if key not in self.broken)]
        kept = [] if self.complete and not self._asked else [key for key in self.stalled if key not in broken]
        return [*kept, *broken][-MAX_STALLED:]

    @property
    def reads_one(self) -> bool:
        """Whether a single message is being read right now."""
        return bool(self.reading) and len(self._asked) <= 1

    def is_half_over(self) -> bool:
        """Whether new messages had half of the time: what else a person wants has a right to the rest."""
        return time.monotonic() > (self._start + self._until) / 2

    def is_over(self) -> bool:
        """Whether it is time to end the visit."""
        return time.monotonic() > self._until

    def end_of_batch(self) -> float:
        """The value of time.monotonic() at which a batch that begins now should end."""
        return min(time.monotonic() + BATCH_SECONDS, self._until)

    def what_fits(self, sizes: dict) -> list:
        """The next batch, in order, without what is too large to be read in the time left.

        :param sizes: key -> bytes of what is still to be read
        :return: keys, [] when nothing (else) fits; a message larger than a batch travels alone
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
        """The next batch at the end of a visit, when nobody is kept waiting by what is too large.

        A visit that stored something leaves that to the next one: it takes all its time, and is likely to be
        abandoned. A POP3 server would then forget what was deleted in the same session.
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
        """Between the parts of a large message.

        :raises TookTooLong: when the visit is about to be abandoned
        """
        if time.monotonic() > self._end - MARGIN_SECONDS:
            raise TookTooLong(time.monotonic() - self._start, self.reading)

    def beyond_time(self, messages: dict) -> list:
        """Look into messages before they are stored, which takes time.

        :param messages: key -> RemoteMessage
        :return: the keys of those that there was no time for; not all of them
        """
        late = []
        for number, (key, message) in enumerate(messages.items()):
            if number and self.is_over():
                late.append(key)
            else:
                _ = message.values
        return late

    def begin(self, size: int, keys: Iterable[str] = ()) -> None:
        """Reading begins.

        :param size: of the largest message
        :param keys: of the messages: stalled, if :meth:`finish` is never called
        """
        self.reading, self._begun, self._asked = size, time.monotonic(), tuple(keys)

    def finish(self, size: int) -> None:
        """So many bytes were read."""
        seconds = time.monotonic() - self._begun
        rate = max(size / max(seconds, 0.001), SLOWEST)
        self._rate = rate if seconds >= MEASURABLE_SECONDS else max(self._rate, rate)
        self.reading, self._asked = 0, ()


class TookTooLong(Exception):
    """The visit was abandoned while a message was read.

    :ivar seconds: that the visit had
    :ivar size: of the message in bytes
    """

    def __init__(self, seconds: float, size: int):
        super().__init__(seconds, size)
        self.seconds = seconds
        self.size = size
