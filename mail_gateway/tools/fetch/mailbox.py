"""The interfaces that all kinds of remote mailboxes have in common.

A :class:`Mailbox` lists new messages, returns their bytes and acknowledges them; it does nothing else. A
:class:`MailboxStore` knows which messages are stored already, and stores new ones permanently.
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

# The largest number in a database column for the size; a server may state any number.
MAX_SIZE = 2**31 - 1


@dataclass(frozen=True)
class RemoteMessage:
    """One fetched message.

    :ivar key: identifies the message on its server permanently; no other message ever gets the same key
    :ivar source: its bytes, unchanged; or only its headers
    :ivar size: in bytes, as the server says, when only the headers were fetched; else None
    :ivar was_requested: whether a person requested the whole message, of which only the headers are stored
    """

    key: str
    source: bytes
    size: int | None = None
    was_requested: bool = False

    @property
    def is_head(self) -> bool:
        """Whether only its headers were fetched. Such a message is not acknowledged."""
        return self.size is not None

    @cached_property
    def values(self) -> SourceValues:
        """The values that are stored with the message; the first thread that asks for them computes them."""
        return read_source(self.source)


class Batch(NamedTuple):
    """Messages to be stored and committed together, and the position in the folder after that.

    :ivar keys: keys of messages that may be acknowledged after the commit; the content of some is stored already
    :ivar refusal: why some messages are missing; the next visit asks for them again
    """

    messages: list[RemoteMessage]
    keys: list[str]
    position: FolderPosition | None = None
    refusal: Exception | None = None


class MailboxStore(Protocol):
    """The messages that are stored already. Every method returns only when its effect is committed."""

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of stored messages among `keys`."""

    def known_sources(self, sources: Iterable[bytes]) -> set[bytes]:
        """Return those of `sources` that this server delivered before, under any key."""

    def unacknowledged(self) -> list[str]:
        """Return keys of stored messages whose acknowledgement is not recorded."""

    def position(self, account: str, folder: str) -> FolderPosition | None:
        """Return how far the folder was read, also under a former name of its host; None when it was never read."""

    def last_success(self) -> datetime | None:
        """Return when (UTC, naive) the last fetch without an error ended; None when there was none."""

    def first_visit(self, account: str, folder: str) -> datetime:
        """Return when (UTC, naive) a folder that has a position was first read."""

    def requested(self) -> list[str]:
        """Return keys of messages that are stored as headers and that a person requested whole; fewest tries first."""

    def count_request(self, key: str) -> None:
        """Count a try for a requested message that the visit asks for now, or does not find."""

    def heads(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of messages of which only the headers are stored. They are not read again or acknowledged."""

    def add(self, batch: Batch) -> NotStored | None:
        """Store and commit a batch.

        :return: which messages the database refuses, None when it refuses none
        """

    def acknowledged(self, keys: Iterable[str]) -> None:
        """Record that messages are acknowledged on the mail server."""

    def forget_removed(self, prefix: str, keys: Iterable[str]) -> None:
        """Free the keys that begin with `prefix` and are not among `keys`: the server may give them to other messages."""


class Mailbox(Protocol):
    """A logged-in connection to one mailbox; a context manager that logs out."""

    def leftovers(self, store: MailboxStore) -> list[str]:
        """Return keys of messages that an earlier visit stored, but did not acknowledge."""

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """Yield new messages, oldest first; those that are too large for the time of the visit come last."""

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Mark as read, move, delete or leave stored messages, as the settings say."""

    def acknowledged(self) -> list[str]:
        """Return keys whose acknowledgement the server confirmed; the list is complete after the mailbox was closed."""

    def check(self) -> None:
        """Check that the settings, such as the names of folders, fit the server.

        :raises MailboxProblem: when the settings do not fit the server
        """

    def remember(self, store: MailboxStore) -> None:
        """Store the position in folders that were never read, so that messages that are old now stay old."""
