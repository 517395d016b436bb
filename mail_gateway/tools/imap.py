"""Reading an IMAP mailbox (RFC 3501) by UID, so that nothing depends on the \\Seen flag that people share with us."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from imaplib import IMAP4

from .imap_afterwards import ImapAfterwards
from .imap_connection import ImapConnection, NothingHandedOut, in_windows
from .imap_key import ImapKey
from .imap_position import generation, read_on, wanted
from .mailbox import (
    Batch,
    FolderPosition,
    Ledger,
    MailboxSettings,
    MessagesRefused,
    RemoteMessage,
    UnknownFolder,
)
from .pace import FIRST_BYTES, Pace


@dataclass
class _Reading:
    """A folder that is being read.

    :ivar old: up to this UID a message may have been stored before, under another UID
    :ivar sizes: UID -> bytes of what is still to be read
    """

    folder: str
    position: FolderPosition | None = None
    old: int = 0
    sizes: dict[int, int] = field(default_factory=dict)


class ImapMailbox:
    """One signed-in IMAP connection.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
    :raises imaplib.IMAP4.error: when the server refuses; IMAPClient's exceptions derive from it
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._connection = ImapConnection(settings)
        self._afterwards = ImapAfterwards(self._connection)
        self._of_former_accounts = []
        self._announced = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.disconnect()

    def disconnect(self):
        """Log out; a connection that is dead already is just dropped."""
        self._connection.disconnect()

    # ------------------------------------------------------------------ what is new

    def leftovers(self, ledger: Ledger) -> list[str]:
        self._afterwards.ledger = ledger
        owed = {text: ImapKey.parse(text) for text in ledger.unacknowledged()}
        mine = {text: key for text, key in owed.items() if key and key.account == self.settings.account}
        self._of_former_accounts = [text for text in owed if text not in mine]
        for folder in {key.folder for key in mine.values()}:
            self._note_generation(folder, ledger)
        return list(mine)

    def _note_generation(self, folder: str, ledger: Ledger) -> None:
        """Before anything is done to messages: their UIDs may belong to others by now."""
        known = ledger.position(self.settings.account, folder)
        try:
            state = self._connection.select(folder)
        except IMAP4.abort:
            raise  # the connection broke
        except (IMAP4.error, UnknownFolder):
            return  # found out again, and told, by whoever wants to do something there
        self._connection.generations[folder] = generation(known, state)

    def new_batches(self, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        readings = [_Reading(folder) for folder in self.settings.folders]
        for read in (self._read_what_fits, self._read_what_is_left):
            for reading in readings:
                try:
                    yield from read(reading, ledger, pace)
                except IMAP4.abort:
                    raise  # the connection broke
                except (IMAP4.error, UnknownFolder) as refusal:
                    reading.sizes.clear()
                    yield Batch([], [], refusal=refusal)

    def _read_what_fits(self, reading: _Reading, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        reading.position = read_on(self._connection, reading.folder, ledger)
        reading.old = reading.position.last_uid
        yield Batch([], [], reading.position)  # from now on a crash does not change what counts as old
        for window in in_windows(wanted(self._connection, reading.position, ledger)):
            reading.sizes |= self._sizes(window)
            yield from self._read(reading, ledger, pace, pace.what_fits)

    def _read_what_is_left(self, reading: _Reading, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        if reading.sizes:
            self._connection.select(reading.folder)
            yield from self._read(reading, ledger, pace, pace.what_is_left)

    def _read(self, reading: _Reading, ledger: Ledger, pace: Pace, choose: Callable) -> Iterator[Batch]:
        while uids := choose(reading.sizes):
            pace.begin(max(map(reading.sizes.pop, uids)))
            fetched, refused = self._fetch_or_set_aside(uids)
            pace.finish(sum(map(len, fetched.values())))
            again = self._stored_before({uid: fetched[uid] for uid in fetched if uid <= reading.old}, ledger)
            reading.position = reading.position.after(uids, owed=[*refused, *reading.sizes])
            messages = [
                RemoteMessage(self._connection.key(uid), source) for uid, source in fetched.items() if uid not in again
            ]
            refusal = MessagesRefused(refused.values()) if refused else None
            yield Batch(messages, [self._connection.key(uid) for uid in fetched], reading.position, refusal)

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        try:
            found = self._connection.client.fetch(uids, ["RFC822.SIZE"])
        except (IMAP4.error, OSError):
            # one of them cannot be read, which is found out when it travels alone
            self._connection.reconnect()
            return dict.fromkeys(uids, FIRST_BYTES)
        sizes = {uid: found.get(uid, {}).get(b"RFC822.SIZE", 0) for uid in uids}
        self._announced |= {uid: size for uid, size in sizes.items() if isinstance(size, int)}
        return {uid: self._announced.get(uid, 0) for uid in uids}

    def _fetch_or_set_aside(self, uids: list[int]) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """What the server hands out, and the errors on what it does not: one message must not hold up the others.

        Dovecot, for one, hangs up on a message that it can't read. It would do so at each visit.
        """
        try:
            return self._fetch(uids)
        except (IMAP4.error, OSError) as error:
            self._connection.reconnect()
            if len(uids) == 1:
                return {}, {uids[0]: error}
        fetched, refused = {}, {}
        for uid in uids:
            found, missing = self._fetch_or_set_aside([uid])
            fetched |= found
            refused |= missing
        return fetched, refused

    def _fetch(self, uids: list[int]) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """UID -> source, and an error for each message that the server lists and does not hand out.

        Exchange, for one, answers OK without data at times. BODY.PEEK leaves the \\Seen flag alone.
        """
        self._connection.client.allow(sum(self._announced.get(uid, 0) for uid in uids))
        found = self._connection.client.fetch(uids, ["BODY.PEEK[]"])
        sources = {uid: found[uid].get(b"BODY[]") for uid in uids if uid in found}
        sources = {uid: source for uid, source in sources.items() if isinstance(source, bytes)}
        missing = self._connection.listed([uid for uid in uids if uid not in sources])
        return sources, {uid: NothingHandedOut(uid) for uid in missing}

    def _stored_before(self, fetched: dict[int, bytes], ledger: Ledger) -> set[int]:
        """UIDs whose content this server delivered before, under a UID that is no longer valid."""
        known = ledger.known_sources(list(fetched.values())) if fetched else ()
        return {uid for uid, source in fetched.items() if source in known}

    # ------------------------------------------------------------------ afterwards

    def acknowledge(self, keys: Iterable[str]) -> None:
        self._afterwards.acknowledge(keys)

    def acknowledged(self) -> list[str]:
        # whoever gets here signed in to another account: nobody can tell the former one any more
        return [*self._afterwards.acknowledged(), *self._of_former_accounts]

    # ------------------------------------------------------------------ folders

    def check(self) -> None:
        moves = self.settings.afterwards == "move"
        for folder in (*self.settings.folders, *([self.settings.move_to] if moves else [])):
            self._connection.select(folder)

    def remember(self, ledger: Ledger) -> None:
        """Fix what counts as old in folders seen for the first time."""
        for folder in self.settings.folders:
            ledger.store(Batch([], [], read_on(self._connection, folder, ledger)))
