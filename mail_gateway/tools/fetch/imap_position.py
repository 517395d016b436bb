"""Decides where to continue in an IMAP folder, and which UIDs to fetch there."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from heapq import merge
from itertools import groupby

from .folder_position import FolderPosition
from .imap_connection import ImapConnection
from .imap_uid_set import UidSet
from .mailbox import MailboxStore
from .windows import in_windows

# Messages in one search; the reply takes up to 11 bytes for each of them.
SEARCH_WINDOW = 20_000

# SINCE compares only the date, in the server's time zone.
DATE_MARGIN = timedelta(days=1)
# A message may have arrived before the last successful fetch, and be stored after it.
OVERLAP = timedelta(days=2)


def generation(known: FolderPosition | None, state: dict) -> int:
    """Return how often the server renumbered the selected folder, judging by its present state and the stored position.

    A server that renumbers a folder should change UIDVALIDITY (RFC 3501, section 2.3.1.1). A restored backup, or another
    mailbox in place of the old one, can have the same UIDVALIDITY: then UIDNEXT is not higher than the last UID that was
    read.

    :param known: the stored position, None for a folder that was never read
    :param state: what the server says about the folder
    """
    if known is None:
        return 0
    return known.generation + (not _is_same_generation(known, state))


def _is_same_generation(known: FolderPosition, state: dict) -> bool:
    uid_next = state.get(b"UIDNEXT") or known.last_uid + 1
    return known.uid_validity == state.get(b"UIDVALIDITY", 0) and known.last_uid < uid_next


def resume_position(connection: ImapConnection, folder: str, store: MailboxStore) -> FolderPosition:
    """Select a folder, and return the position from which to continue in it.

    In a folder that was never read, the unread messages are new and the others old. In a folder that was renumbered,
    messages that are unread or arrived since the last successful fetch are compared by content.
    """
    state = connection.select(folder)
    account = connection.settings.account
    known = store.position(account, folder)
    connection.generations[folder] = generation(known, state)
    if known and _is_same_generation(known, state):
        return replace(known, account=account)
    last_uid = _last_uid(connection, state)
    backlog = UidSet(cut(search(connection, "UNSEEN"), last_uid))
    if known:
        backlog |= _arrived_since_last_success(connection, folder, store, last_uid)
    validity = state.get(b"UIDVALIDITY", 0)
    return FolderPosition(account, folder, validity, last_uid, backlog, connection.generations[folder])


def cut(uids: array, last_uid: int) -> array:
    """Return the UIDs up to `last_uid` out of ascending `uids`."""
    return uids[: bisect_right(uids, last_uid)]


def _arrived_since_last_success(connection: ImapConnection, folder: str, store: MailboxStore, last_uid: int) -> UidSet:
    """Return UIDs of messages that arrived since the last successful fetch, but not before the folder was first read."""
    first = store.first_visit(connection.settings.account, folder).replace(microsecond=0)
    since = max((store.last_success() or first) - OVERLAP, first - DATE_MARGIN)
    found = cut(search(connection, "SINCE", since.date()), last_uid)
    return UidSet(uid for window in in_windows(found) for uid in _not_older(connection, window, first))


def _not_older(connection: ImapConnection, uids: Sequence[int], moment) -> list[int]:
    dates = connection.client.fetch(uids, ["INTERNALDATE"])
    moment = moment.replace(tzinfo=timezone.utc)
    return [uid for uid in uids if (dates.get(uid, {}).get(b"INTERNALDATE") or moment) >= moment]


def _last_uid(connection: ImapConnection, state: dict) -> int:
    if state.get(b"UIDNEXT"):
        return state[b"UIDNEXT"] - 1
    return max(search(connection, "ALL"), default=0)


# ---------------------------------------------------------------------- UIDs to read


@dataclass
class UidsToFetch:
    """UIDs to fetch: all above the last UID that was read, whatever their flags; the backlog; and unread messages.

    A person can mark an older message as unread to have it fetched, as with Odoo's own gateway: unread messages that were
    never stored are fetched. While there is a large backlog, the gateway does not search for them, and new messages come
    before the backlog.

    Iterating returns pairs, in ascending order except that new messages come before a large backlog: UIDs to fetch, and
    UIDs that are stored already.

    :ivar position: where to continue
    :ivar stalled: UIDs that are asked for last, one by one, if they are to be fetched at all
    :ivar put_off: stalled UIDs that were skipped so far
    """

    connection: ImapConnection
    position: FolderPosition
    store: MailboxStore
    stalled: Sequence[int] = ()
    put_off: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[tuple[list[int], list[int]]]:
        for window in self._windows():
            names = {self.connection.key(uid): uid for uid in window}
            known = {names[key] for key in self.store.known(names)}
            yield [uid for uid in window if uid not in known], sorted(known)

    def _windows(self) -> Iterator[list[int]]:
        for queue in self._queues():
            yield from in_windows(self._without_stalled(queue))
        for uid in self.stalled:
            if uid in self.put_off:
                self.put_off.remove(uid)
                yield [uid]

    def _queues(self) -> list[Iterable[int]]:
        new = _above(self.connection, self.position)
        if self.position.is_backlog_large:
            return [new, self.position.pending()]
        unseen = cut(search(self.connection, "UNSEEN"), self.position.last_uid)
        return [_ascending(unseen, self.position.pending(), new)]

    def _without_stalled(self, queue: Iterable[int]) -> Iterator[int]:
        stalled = set(self.stalled)
        for uid in queue:
            if uid in stalled:
                self.put_off.add(uid)
            else:
                yield uid


def _ascending(*queues: Iterable[int]) -> Iterator[int]:
    return (uid for uid, _same in groupby(merge(*queues)))


def _above(connection: ImapConnection, position: FolderPosition) -> array:
    last_uid = position.last_uid
    if connection.select(position.folder).get(b"UIDNEXT", last_uid + 2) <= last_uid + 1:
        return array("L")
    # the server always answers `n:*` with the last message, even when its UID is below n
    uids = search(connection, "UID", f"{last_uid + 1}:*", at_end=True)
    return uids[bisect_right(uids, last_uid) :]


def search(connection: ImapConnection, *criteria, at_end: bool = False) -> array:
    """Search the selected folder, in several commands when it is large.

    The commands go through ranges of sequence numbers from the end: when messages are removed meanwhile, the numbers of
    later ones go down, so that one may be found twice, but none is missed.

    :param criteria: as IMAPClient takes them
    :param at_end: whether the messages lie together at the end of the folder, so that the search can stop early
    :return: UIDs in ascending order
    """
    exists = connection.state().get(b"EXISTS", 0)
    if exists <= SEARCH_WINDOW:
        return array("L", sorted(_plausible(connection.client.search(list(criteria)))))
    windows, lowest = [], 2**32
    for last in range(exists, 0, -SEARCH_WINDOW):
        first = max(last - SEARCH_WINDOW + 1, 1)
        found = connection.client.search([f"{first}:{last}", *criteria])
        windows.append(array("L", sorted(uid for uid in _plausible(found) if uid < lowest)))
        lowest = min(windows[-1], default=lowest)
        if at_end and len(found) <= last - first:
            break
    uids = array("L")
    for window in reversed(windows):
        uids.extend(window)
    return uids


def _plausible(uids: Iterable[int]) -> Iterator[int]:
    """Drop numbers that can't be UIDs: a UID is a positive number of 32 bits (RFC 3501, section 2.3.1.1)."""
    return (uid for uid in uids if 0 < uid < 2**32)
