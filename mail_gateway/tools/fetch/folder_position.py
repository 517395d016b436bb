"""How far a folder of an IMAP mailbox has been read."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby, takewhile

from .imap_key import ImapKey
from .imap_uid_set import UidSet

# Number of UIDs. A larger backlog is stored only once; after that, only the progress in it is stored.
SMALL_BACKLOG = 2000


@dataclass(frozen=True)
class FolderPosition:
    """How far a folder has been read.

    :ivar uid_validity: the generation of UIDs that the rest refers to (RFC 3501, section 2.3.1.1)
    :ivar last_uid: every message up to this UID is stored, or was old when the folder was first seen
    :ivar backlog: UIDs up to ``last_uid`` that still had to be stored when the backlog was computed
    :ivar generation: how often the server renumbered the folder so far
    :ivar passed: the messages of the backlog up to this UID are stored, except those in ``owed``
    :ivar owed: further UIDs up to ``last_uid`` that are still to be stored
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
        """Whether the backlog is so large that only the progress in it is stored."""
        return len(self.backlog) > SMALL_BACKLOG

    def pending(self) -> Iterator[int]:
        """UIDs up to ``last_uid`` that are still to be stored, in ascending order."""
        return (uid for uid, _same in groupby(merge(sorted(self.owed), self.backlog.above(self.passed))))

    def after(self, uids: Iterable[int], owed: Iterable[int] = ()) -> "FolderPosition":
        """Return the position after `uids` were stored.

        :param owed: UIDs that are still to be stored; they may be among `uids`, or lower
        """
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
        """Return the same position, with the messages of `keys` marked as still to be stored."""
        parsed = (ImapKey.parse(key) for key in keys)
        owed = {key.uid for key in parsed if key and key.folder == self.folder}
        return self._owing(self.owed | owed) if owed else self

    def _owing(self, owed: Set[int]) -> "FolderPosition":
        """Return the same position with `owed`, which replaces a backlog that was read to its end."""
        if self.passed >= self.backlog.last:
            return replace(self, backlog=UidSet(owed), passed=0, owed=frozenset())
        ahead = (uid for uid in owed if uid > self.passed and uid in self.backlog)
        return replace(self, owed=frozenset(owed).difference(ahead))
