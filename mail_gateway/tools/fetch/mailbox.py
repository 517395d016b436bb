"""What all kinds of remote mailboxes have in common.

A :class:`Mailbox` lists what is new, returns its bytes and acknowledges it, nothing else. A :class:`MailboxStore` knows what
is stored already, and stores messages for good.
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
    """One message as fetched.

    :ivar key: identifies the message on its server for good; no other message ever gets it
    :ivar source: its bytes, unchanged; or only its headers
    :ivar size: in bytes, as the server says, when only the headers were fetched; else None
    :ivar was_requested: a person requested the whole message, of which the headers are stored
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
        """What is stored with the message; computed once, by the first thread that asks."""
        return read_source(self.source)


class Batch(NamedTuple):
    """Messages to be stored and committed together, and the position in the folder after that.

    :ivar keys: messages that may be acknowledged after the commit, among them some whose content is stored already
    :ivar refusal: why some messages are missing; the next visit asks for them again
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
        """Keys of stored messages whose acknowledgement is not recorded."""

    def position(self, account: str, folder: str) -> FolderPosition | None:
        """How far the folder was read, also under a former name of its host; None when it was never read."""

    def last_success(self) -> datetime | None:
        """When (UTC, naive) the last fetch without an error ended; None when there was none."""

    def first_visit(self, account: str, folder: str) -> datetime:
        """When (UTC, naive) a folder that has a position was read first."""

    def requested(self) -> list[str]:
        """Keys of messages that are stored as headers and that a person requested whole; the least often tried first."""

    def count_request(self, key: str) -> None:
        """Count a try for a requested message that is asked for now, or is not there."""

    def heads(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` of which only the headers are stored. They are neither read again nor acknowledged."""

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
        """Keys of messages that an earlier visit stored, but did not acknowledge."""

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """What is new, oldest first; what is too large for the time that the visit has comes last."""

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Do with stored messages what the settings say: mark as read, move, delete or leave."""

    def acknowledged(self) -> list[str]:
        """Keys whose acknowledgement the server confirmed; complete after the mailbox was closed."""

    def check(self) -> None:
        """Try what the settings say, such as the names of folders.

        :raises MailboxProblem: when the settings do not fit the server
        """

    def remember(self, store: MailboxStore) -> None:
        """Store the position in folders that were never read, so that messages that are old now stay old."""
