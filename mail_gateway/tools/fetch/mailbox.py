"""What every kind of remote mailbox has in common.

A mailbox knows how to list what is new, to hand over its bytes and to acknowledge it, nothing else. What is
known already is asked of a :class:`MailboxStore`, which also makes messages durable.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Protocol

from ..source_values import SourceValues, read_source
from .folder_position import FolderPosition
from .mailbox_errors import NotStored
from .time_budget import TimeBudget

# What a column for the size holds; a server may tell anything
MAX_SIZE = 2**31 - 1


@dataclass(frozen=True)
class RemoteMessage:
    """One message as fetched.

    :ivar key: names the message on its server for good; never given to another message
    :ivar source: its bytes, unchanged; or its headers alone
    :ivar size: in bytes, as the server says, when only the headers were fetched; else None
    :ivar was_requested: a person wants it whole, its headers are stored
    """

    key: str
    source: bytes
    size: int | None = None
    was_requested: bool = False

    @property
    def is_head(self) -> bool:
        """Whether only its headers were fetched. It is not acknowledged."""
        return self.size is not None

    @cached_property
    def values(self) -> SourceValues:
        """What is stored with it; read once, by the thread that asks first."""
        return read_source(self.source)


class Batch(NamedTuple):
    """Messages to be stored and committed together, and the position that is true from then on.

    :ivar keys: what may be acknowledged after the commit; also messages whose content is stored already
    :ivar refusal: why some messages are missing; they are asked for again next time
    """

    messages: list[RemoteMessage]
    keys: list[str]
    position: FolderPosition | None = None
    refusal: Exception | None = None


class MailboxStore(Protocol):
    """What is stored already. Every method returns only when its effect is committed."""

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are stored."""

    def known_sources(self, sources: Iterable[bytes]) -> set[bytes]:
        """Those of `sources` that this server delivered before under any key."""

    def unacknowledged(self) -> list[str]:
        """Keys that are stored, but that no acknowledgement is recorded for."""

    def position(self, account: str, folder: str) -> FolderPosition | None:
        """How far the folder was read, under a former name of its host too; None when it was never seen."""

    def last_success(self) -> datetime | None:
        """The moment (UTC) of the last fetch that went well, None when there was none."""

    def first_visit(self, account: str, folder: str) -> datetime:
        """The moment (UTC) when a folder that has a position was seen first."""

    def requested(self) -> list[str]:
        """Keys of messages whose headers are stored, and that a person wants whole; those tried least first."""

    def count_request(self, key: str) -> None:
        """Note that a requested message is asked for now, or is not there: that is a try."""

    def heads(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` of which only the headers are stored: they are neither read again nor acknowledged."""

    def add(self, batch: Batch) -> NotStored | None:
        """Make the batch durable.

        :return: which messages the database does not take, None when it took all
        """

    def acknowledged(self, keys: Iterable[str]) -> None:
        """Record that the mail server was told."""

    def forget_removed(self, prefix: str, keys: Iterable[str]) -> None:
        """Free the names that begin with `prefix` and are not among `keys`: their server may give them to others."""


class Mailbox(Protocol):
    """A signed-in connection to one mailbox; a context manager."""

    def leftovers(self, store: MailboxStore) -> list[str]:
        """Keys that were stored by a run that ended before it could acknowledge them."""

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """What is new, oldest first, but for what is too large for the time that the visit has."""

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Do with the messages what the settings say about messages that are stored."""

    def acknowledged(self) -> list[str]:
        """Keys whose acknowledgement the server confirmed for good; asked after the mailbox was closed."""

    def check(self) -> None:
        """:raises MailboxProblem: when the settings do not fit the server"""

    def remember(self, store: MailboxStore) -> None:
        """Fix what counts as old where nothing was read yet."""
