"""What every kind of remote mailbox has in common.

A mailbox knows how to list what is new, to hand over its bytes and to acknowledge it, nothing else. What is
known already is asked of a :class:`MailboxStore`, which also makes messages durable.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from heapq import merge
from itertools import groupby, takewhile
from typing import NamedTuple, Protocol
from urllib.parse import quote

from ..secrets import Secrets
from ..source_values import SourceValues, read_source
from ..text.indexed_text import REASON_CHARS
from .imap_key import ImapKey
from .imap_uid_set import UidSet
from .time_budget import TimeBudget
from .visit import Visit

# PostgreSQL writes bytes as twice as many characters, and a value has 1 GB at most.
MAX_BYTES = 500 * 2**20
# What a column for the size holds; a server may tell anything
MAX_SIZE = 2**31 - 1


class MailboxProblem(Exception):
    """The mail server works, but the settings do not fit it. The text is meant for the administrator."""


class UnknownFolder(MailboxProblem):
    """A folder named in the settings is not on the server.

    :ivar folder: the name that was looked for
    :ivar existing: the names that are there
    """

    def __init__(self, folder: str, existing: Iterable[str]):
        self.folder = folder
        self.existing = tuple(existing)
        super().__init__(folder)


class NotStored(MailboxProblem):
    """The database does not take some messages, for a reason that lies in them; all others were stored.

    :ivar keys: theirs; they stay on the mail server, unacknowledged
    :ivar errors: why; none for those that nobody wants any more
    """

    def __init__(self, errors: dict[str, Exception | None]):
        self.keys = frozenset(errors)
        self.errors = [error for error in errors.values() if error]
        super().__init__(*{type(error).__name__ for error in self.errors})


class LoginRefused(MailboxProblem):
    """The server does not accept user name and password (or token). The text is the server's own."""


class MessagesRefused(MailboxProblem):
    """The server does not hand out some messages; all others were read. The text is the server's own.

    :ivar count: how many
    """

    def __init__(self, errors: Iterable[Exception]):
        errors = list(errors)
        self.count = len(errors)
        super().__init__(server_words(errors[0]))


def server_words(error: Exception) -> str:
    """The reply in an error of imaplib or poplib, which keep it as bytes."""
    words = (part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in error.args)
    return " ".join(words)[:REASON_CHARS]


@dataclass(frozen=True)
class MailboxSettings:
    """Everything a network thread needs, so that it never touches the database.

    :ivar log_in: logs in on the imaplib or poplib connection it is given
    :ivar afterwards: ``seen``, ``move`` or ``delete`` (IMAP); ``delete`` or ``leave`` (POP3)
    :ivar timeout: seconds that connecting, and each later answer, may take
    :ivar visit: what the visit may take as a whole
    :ivar secrets: what no error may hold; gets what the sign-in sends
    :ivar largest: bytes; of larger messages only the headers are fetched, until a person wants them
    :ivar most: bytes; larger messages are not fetched whatever a person wants
    """

    protocol: str
    host: str
    port: int
    user: str
    log_in: Callable[[object], None]
    tls: bool = False
    starttls: bool = False
    verify_certificate: bool = True
    folders: tuple[str, ...] = ("INBOX",)
    afterwards: str = "seen"
    move_to: str = ""
    timeout: float = 30.0
    visit: Visit = field(default_factory=Visit, repr=False, compare=False)
    secrets: Secrets = field(default_factory=Secrets, repr=False, compare=False)
    largest: int = MAX_BYTES
    most: int = MAX_BYTES

    @property
    def account(self) -> str:
        """The mailbox as ``user@host``, percent-encoded as in an IMAP URL (RFC 5092).

        The port is left out: the same mailbox behind another port is still the same mailbox.
        """
        return f"{quote(self.user, safe='@')}@{self.host.lower()}"

    def tls_context(self) -> ssl.SSLContext:
        """A client context that verifies certificate and host name unless the administrator said otherwise."""
        context = ssl.create_default_context()
        if not self.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return self.visit.prepare(context)


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


# A backlog beyond it is written down once; from then on it is only noted how far it is read.
SMALL_BACKLOG = 2000


@dataclass(frozen=True)
class FolderPosition:
    """How far a folder has been read.

    :ivar uid_validity: the generation of UIDs that the rest refers to (RFC 3501, section 2.3.1.1)
    :ivar last_uid: every message up to this UID is stored, or was old when the folder was first seen
    :ivar backlog: UIDs up to ``last_uid`` that were to be stored when it was written down
    :ivar generation: how often the UIDs were given out anew before
    :ivar passed: those of the backlog up to this UID are stored
    :ivar owed: further UIDs up to ``last_uid`` that are to be stored, whatever ``passed`` says
    """

    account: str
    folder: str
    uid_validity: int
    last_uid: int
    backlog: Set[int] = UidSet()
    generation: int = 0
    passed: int = 0
    owed: frozenset[int] = frozenset()

    def __post_init__(self):
        if not isinstance(self.backlog, UidSet):
            object.__setattr__(self, "backlog", UidSet(self.backlog))

    @property
    def is_backlog_large(self) -> bool:
        """Whether there is more to be made up for than a visit reads."""
        return len(self.backlog) > SMALL_BACKLOG

    def pending(self) -> Iterator[int]:
        """UIDs up to ``last_uid`` that are still to be stored, in ascending order."""
        return (uid for uid, _same in groupby(merge(sorted(self.owed), self.backlog.above(self.passed))))

    def after(self, uids: Iterable[int], owed: Iterable[int] = ()) -> "FolderPosition":
        """The position once `uids` are stored, all but those of them and of the lower ones that are still `owed`."""
        uids = set(uids)
        last_uid = max(self.last_uid, *uids) if uids else self.last_uid
        owed = {uid for uid in owed if uid <= last_uid}
        if not self.is_backlog_large:
            backlog = UidSet(owed.union(self.pending()) - (uids - owed))
            return replace(self, last_uid=last_uid, backlog=backlog, passed=0, owed=frozenset())
        passed = max((uid for uid in uids if uid in self.backlog), default=self.passed)
        between = set(takewhile(passed.__ge__, self.backlog.above(self.passed)))
        position = replace(self, last_uid=last_uid, passed=max(self.passed, passed))
        return position._owing((self.owed | between) - uids | owed)

    def owing(self, keys: Iterable[str]) -> "FolderPosition":
        """The same position, but that the messages of `keys` are still to be stored."""
        parsed = (ImapKey.parse(key) for key in keys)
        owed = {key.uid for key in parsed if key and key.folder == self.folder}
        return self._owing(self.owed | owed) if owed else self

    def _owing(self, owed: Set[int]) -> "FolderPosition":
        """The same position with these `owed`; without the backlog when that is done with."""
        if self.passed >= self.backlog.last:
            return replace(self, backlog=UidSet(owed), passed=0, owed=frozenset())
        ahead = (uid for uid in owed if uid > self.passed and uid in self.backlog)
        return replace(self, owed=frozenset(owed).difference(ahead))


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

    def forget_vanished(self, prefix: str, keys: Iterable[str]) -> None:
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
