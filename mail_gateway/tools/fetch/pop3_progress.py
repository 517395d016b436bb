"""How far a POP3 mailbox is read in a visit."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .mailbox import MailboxStore
from .mailbox_errors import MessagesRefused
from .time_budget import TimeBudget


class FetchedBatch(NamedTuple):
    """What a batch brought.

    :ivar sources: key -> bytes; of what is too large for the visit, the beginning
    :ivar refused: what the server does not hand out
    :ivar broken: what ended the session; what came before it counts, so that a line that breaks again and again still
        gets on
    """

    sources: dict[str, bytes]
    refused: list[Exception]
    broken: Exception | None

    @property
    def refusal(self) -> MessagesRefused | None:
        return MessagesRefused(self.refused) if self.refused else None


@dataclass
class Progress:
    """A mailbox that is being read.

    :ivar known: listed keys that are stored
    :ivar queue: keys of what is to be read, in order
    :ivar requested: keys of what a person wants whole
    :ivar stalled: keys of what is to be read, or wanted whole, but is asked for last
    :ivar late_requests: those of them that a person wants whole
    :ivar wanted: key -> bytes of what is to be read next
    :ivar gone: keys of earlier sessions that hold no more
    :ivar is_whole: whether all that is listed was read or is known
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
        """The queue; leaves what has no name any more to the next visit."""
        for key in self.queue:
            if key in self.gone:
                self.budget.complete = False
            else:
                yield key

    def drop(self, keys: Collection[str]) -> None:
        """Leave what had these names to the next visit."""
        self.gone.update(keys)
        for key in self.gone.intersection(self.wanted):
            del self.wanted[key]
            self.budget.complete = False
