"""How far a POP3 mailbox has been read in a visit."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .mailbox import MailboxStore
from .mailbox_errors import MessagesRefused
from .time_budget import TimeBudget


class FetchedBatch(NamedTuple):
    """The answer of the server to the requests of a batch.

    :ivar sources: key -> bytes; of a message that is too large, the beginning
    :ivar refused: the refusals of the server
    :ivar broken: the error that ended the session. Messages that came before it are stored nevertheless, so that even
        visits over a connection that breaks each time make progress
    """

    sources: dict[str, bytes]
    refused: list[Exception]
    broken: Exception | None

    @property
    def refusal(self) -> MessagesRefused | None:
        """All refusals as one error."""
        return MessagesRefused(self.refused) if self.refused else None


@dataclass
class Progress:
    """A mailbox that is being read.

    :ivar known: listed keys that are stored
    :ivar queue: keys of messages that are to be read, in order
    :ivar store: the messages that are stored already
    :ivar requested: keys of messages that a person requested whole
    :ivar stalled: keys of messages that are asked for last, since earlier visits ended with them
    :ivar late_requests: keys of stalled messages that a person requested whole
    :ivar wanted: key -> bytes of messages that are to be read next
    :ivar gone: keys of earlier sessions that are no longer valid
    :ivar is_whole: whether all listed messages were read or are known
    """

    store: MailboxStore
    budget: TimeBudget
    known: set[str]
    queue: list[str]
    requested: list[str]
    stalled: list[str]
    late_requests: set[str]
    wanted: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    is_whole: bool = True

    def in_order(self) -> Iterator[str]:
        """Yield the keys of the queue that are still valid; leave the other messages to the next visit."""
        for key in self.queue:
            if key in self.gone:
                self.budget.complete = False
            else:
                yield key

    def drop(self, keys: Collection[str]) -> None:
        """Leave messages whose keys are no longer valid to the next visit."""
        self.gone.update(keys)
        for key in self.gone.intersection(self.wanted):
            del self.wanted[key]
            self.budget.complete = False
