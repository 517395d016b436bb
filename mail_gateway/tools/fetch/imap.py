"""Reads an IMAP mailbox (RFC 3501) by UID, so that nothing depends on the \\Seen flag, which people change, too.

Start reading at :meth:`ImapMailbox.new_batches`. :mod:`.imap_position` decides which UIDs are new, :mod:`.imap_sources`
asks for them, :mod:`.imap_acknowledge` acknowledges them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from imaplib import IMAP4

from ..headers.message_head import head_bytes
from .folder_position import FolderPosition
from .imap_acknowledge import ImapAcknowledgement
from .imap_connection import ImapConnection
from .imap_key import ImapKey
from .imap_position import UidsToFetch, generation, resume_position
from .imap_sources import ImapSources
from .mailbox import Batch, MailboxStore, RemoteMessage
from .mailbox_errors import MessagesRefused, UnknownFolder
from .mailbox_settings import MailboxSettings
from .time_budget import TimeBudget, TookTooLong

HEADS_AT_A_TIME = 20


@dataclass
class _FolderProgress:
    """A folder that is being read.

    :ivar old: messages up to this UID may have been stored before, under other UIDs
    :ivar sizes: UID -> bytes of messages that are still to be read
    :ivar put_off: UIDs that are asked for last
    """

    folder: str
    position: FolderPosition | None = None
    old: int = 0
    sizes: dict[int, int] = field(default_factory=dict)
    put_off: set[int] = field(default_factory=set)

    def move_on(self, uids: Iterable[int], owed: Iterable[int] = ()) -> FolderPosition:
        """Update and return the position after `uids` were stored, except those that are still `owed`."""
        self.position = self.position.after(uids, owed=[*owed, *self.sizes, *self.put_off])
        return self.position


class ImapMailbox:
    """A :class:`.mailbox.Mailbox` on a logged-in IMAP connection.

    :param settings: its server, account, folders and limits
    :raises OSError: (also ssl.SSLError, TimeoutError) when no connection can be made
    :raises imaplib.IMAP4.error: when the server refuses; IMAPClient's exceptions derive from it
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._connection = ImapConnection(settings)
        self._sources = ImapSources(self._connection, settings.largest)
        self._acknowledgement = ImapAcknowledgement(self._connection)
        self._of_former_accounts = []
        self._requested = []

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.disconnect()

    def disconnect(self):
        """Log out, if the connection is still alive, and close it."""
        self._connection.disconnect()

    # ------------------------------------------------------------------ new messages

    def leftovers(self, store: MailboxStore) -> list[str]:
        """Return keys of stored messages of this account that are not acknowledged yet."""
        self._acknowledgement.store = store
        owed = {text: ImapKey.parse(text) for text in store.unacknowledged()}
        mine = {text: key for text, key in owed.items() if key and key.account == self.settings.account}
        self._of_former_accounts = [text for text in owed if text not in mine]
        for folder in {key.folder for key in mine.values()}:
            self._note_generation(folder, store)
        return list(mine)

    def _note_generation(self, folder: str, store: MailboxStore) -> None:
        """Find out whether a folder was renumbered, since the UIDs of stored messages may belong to others now."""
        known = store.position(self.settings.account, folder)
        try:
            state = self._connection.select(folder)
        except IMAP4.abort:
            raise  # the connection broke
        except (IMAP4.error, UnknownFolder):
            return  # acknowledging in this folder fails in the same way, and reports it
        self._connection.generations[folder] = generation(known, state)

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """Yield new messages of all folders: first those that fit into the time, then requested ones, then the rest."""
        self._requested = self._reachable(store)
        folders = [_FolderProgress(folder) for folder in self.settings.folders]
        for read in (self._read_what_fits, self._read_requested, self._read_what_is_left):
            for progress in folders:
                try:
                    yield from read(progress, store, budget)
                except IMAP4.abort:
                    raise  # the connection broke
                except (IMAP4.error, UnknownFolder) as refusal:
                    progress.sizes.clear()
                    yield Batch([], [], refusal=refusal)

    def _read_what_fits(self, progress: _FolderProgress, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        progress.position = resume_position(self._connection, progress.folder, store)
        progress.old = progress.position.last_uid
        yield Batch([], [], progress.position)  # stored now, so that a crash does not change which messages are old
        stalled = [
            key.uid for key in map(ImapKey.parse, budget.stalled) if key and self._is_there(key, progress.folder)
        ]
        for window, stored in UidsToFetch(self._connection, progress.position, store, stalled, progress.put_off):
            sizes = self._sources.sizes(window)
            large = {uid: size for uid, size in sizes.items() if size > self.settings.largest}
            progress.sizes |= {uid: size for uid, size in sizes.items() if uid not in large}
            yield from self._read_heads(progress, store, budget, large)
            yield from self._read(progress, store, budget, budget.what_fits)
            # yielded even when no message came, so that the caller checks the time
            yield Batch([], [], progress.move_on(stored))

    def _is_there(self, key: ImapKey, folder: str) -> bool:
        """Whether a key names a message of the selected folder."""
        return key.folder == folder and self._connection.key(key.uid) == str(key)

    def _read_what_is_left(self, progress: _FolderProgress, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        if progress.sizes:
            self._connection.select(progress.folder)
            yield from self._read(progress, store, budget, budget.what_is_left)

    def _read(
        self, progress: _FolderProgress, store: MailboxStore, budget: TimeBudget, choose: Callable
    ) -> Iterator[Batch]:
        while uids := choose(progress.sizes):
            sizes = {uid: progress.sizes.pop(uid) for uid in uids}
            budget.begin(max(sizes.values()), map(self._connection.key, uids))
            fetched = self._sources.whole(sizes, budget)
            budget.finish(sum(map(len, fetched.sources.values())))
            messages = {uid: self._message(uid, source) for uid, source in fetched.sources.items()}
            for uid in [*fetched.unasked, *budget.beyond_time(messages)]:
                messages.pop(uid, None)
                progress.sizes[uid] = sizes.pop(uid)
            yield self._batch(progress, store, list(sizes), messages, fetched)
            if budget.is_half_over():
                yield from self._read_requested(progress, store, budget)

    def _message(self, uid: int, source: bytes) -> RemoteMessage:
        """Return a fetched message; if it turns out to be too large, only its headers, as if its size had been known."""
        key = self._connection.key(uid)
        if len(source) <= self.settings.largest:
            return RemoteMessage(key, source)
        return RemoteMessage(key, head_bytes(source), len(source))

    def _batch(self, progress, store, uids, messages, fetched) -> Batch:
        """Return a batch with the new messages of `uids`, and the position after they were stored."""
        refused = fetched.refused
        compared = {uid: message.source for uid, message in messages.items() if uid <= progress.old}
        again = self._stored_before(compared, store)
        return Batch(
            [message for uid, message in messages.items() if uid not in again],
            [message.key for message in messages.values() if not message.is_head],
            progress.move_on(uids, [*refused, *fetched.unasked]),
            MessagesRefused(refused.values()) if refused else None,
        )

    def _stored_before(self, fetched: dict[int, bytes], store: MailboxStore) -> set[int]:
        """Return UIDs of messages that are stored already, under UIDs that are no longer valid."""
        known = store.known_sources(list(fetched.values())) if fetched else ()
        return {uid for uid, source in fetched.items() if source in known}

    # ------------------------------------------------------------------ large messages

    def _read_heads(
        self, progress: _FolderProgress, store: MailboxStore, budget: TimeBudget, sizes: dict[int, int]
    ) -> Iterator[Batch]:
        """Read the headers of large messages; the rest stays on the server until a person requests it."""
        uids = list(sizes)
        for start in range(0, len(uids), HEADS_AT_A_TIME):
            window = uids[start : start + HEADS_AT_A_TIME]
            budget.begin(0, map(self._connection.key, window))
            fetched = self._sources.heads(window, budget)
            budget.begin(0)  # headers are too short to measure the connection
            messages = {
                uid: RemoteMessage(self._connection.key(uid), head_bytes(head), sizes[uid])
                for uid, head in fetched.sources.items()
            }
            asked = [uid for uid in window if uid not in fetched.unasked]
            yield self._batch(progress, store, asked, messages, fetched)

    def _reachable(self, store: MailboxStore) -> list[ImapKey]:
        """Return requested messages in the folders of the settings; a request for any other message counts as a try."""
        found = []
        for name in store.requested():
            key = ImapKey.parse(name)
            if key and key.account == self.settings.account and key.folder in self.settings.folders:
                found.append(key)
            else:
                store.count_request(name)
        return found

    def _read_requested(self, progress: _FolderProgress, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """Read large messages that a person requested, whole and one by one; each may take all the time of the visit."""
        wanted = [key for key in self._requested if key.folder == progress.folder]
        if wanted:
            self._connection.select(progress.folder)
        for key in wanted:
            self._requested.remove(key)
            store.count_request(str(key))
            if not self._is_there(key, progress.folder):
                continue
            try:
                fetched = self._sources.requested(key.uid, self.settings.most, budget)
            except TookTooLong as refusal:
                yield Batch([], [], refusal=refusal)
                return
            messages = [RemoteMessage(str(key), source, was_requested=True) for source in fetched.sources.values()]
            refusal = MessagesRefused(fetched.refused.values()) if fetched.refused else None
            yield Batch(messages, [message.key for message in messages], refusal=refusal)

    # ------------------------------------------------------------------ acknowledging

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Mark as read, move or delete stored messages.

        :raises imaplib.IMAP4.error, UnknownFolder: the first refusal; those in the other folders are acknowledged anyway
        """
        self._acknowledgement.acknowledge(keys)

    def acknowledged(self) -> list[str]:
        """Return keys whose acknowledgement the server confirmed, and keys of accounts that are no longer used."""
        # this connection is logged in to another account: messages of the former one can't be acknowledged any more
        return [*self._acknowledgement.acknowledged(), *self._of_former_accounts]

    # ------------------------------------------------------------------ folders

    def check(self) -> None:
        """Select each folder that the settings name.

        :raises UnknownFolder: when one does not exist
        """
        moves = self.settings.afterwards == "move"
        for folder in (*self.settings.folders, *([self.settings.move_to] if moves else [])):
            self._connection.select(folder)

    def remember(self, store: MailboxStore) -> None:
        """Store the position in folders that were never read, so that messages that are old now stay old."""
        for folder in self.settings.folders:
            store.add(Batch([], [], resume_position(self._connection, folder, store)))
