"""Reading an IMAP mailbox (RFC 3501) by UID, so that nothing depends on the \\Seen flag that people share with us."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from imaplib import IMAP4
from io import BytesIO

from .headers import HEADER_BYTES
from .imap_afterwards import ImapAfterwards
from .imap_connection import ImapConnection, NothingHandedOut
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
    head_of,
)
from .pace import FIRST_BYTES, Pace, TookTooLong

# What is larger is fetched in parts of this size: it is in memory once, and the visit can end between them.
PART_BYTES = 4 * 2**20
HEADS_AT_A_TIME = 20


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
        self._requested = []

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
        self._requested = [key for key in map(ImapKey.parse, ledger.requested()) if key]
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
        yield from self._read_requested(reading.folder, pace)
        for window, stored in wanted(self._connection, reading.position, ledger):
            sizes = self._sizes(window)
            large = {uid: size for uid, size in sizes.items() if size > self.settings.largest}
            reading.sizes |= {uid: size for uid, size in sizes.items() if uid not in large}
            yield from self._read_heads(reading, ledger, large)
            yield from self._read(reading, ledger, pace, pace.what_fits)
            reading.position = reading.position.after(stored, owed=reading.sizes)

    def _read_what_is_left(self, reading: _Reading, ledger: Ledger, pace: Pace) -> Iterator[Batch]:
        if reading.sizes:
            self._connection.select(reading.folder)
            yield from self._read(reading, ledger, pace, pace.what_is_left)

    def _read(self, reading: _Reading, ledger: Ledger, pace: Pace, choose: Callable) -> Iterator[Batch]:
        while uids := choose(reading.sizes):
            sizes = {uid: reading.sizes.pop(uid) for uid in uids}
            pace.begin(max(sizes.values()))
            fetched, refused = self._fetch_or_set_aside(uids, lambda uids, sizes=sizes: self._fetch(uids, sizes, pace))
            pace.finish(sum(map(len, fetched.values())))
            messages = {uid: self._message(uid, source) for uid, source in fetched.items()}
            for uid in pace.beyond_time(messages):
                del messages[uid]
                reading.sizes[uid] = sizes.pop(uid)
            yield self._batch(reading, ledger, list(sizes), messages, refused)

    def _message(self, uid: int, source: bytes) -> RemoteMessage:
        """What was fetched; of what turns out to be too large only the head is kept, as if its size had been told."""
        key = self._connection.key(uid)
        if len(source) <= self.settings.largest:
            return RemoteMessage(key, source)
        return RemoteMessage(key, head_of(source), len(source))

    def _batch(self, reading, ledger, uids, messages, refused) -> Batch:
        """What `uids` brought, and the position that is true once it is stored."""
        compared = {uid: message.source for uid, message in messages.items() if uid <= reading.old}
        again = self._stored_before(compared, ledger)
        reading.position = reading.position.after(uids, owed=[*refused, *reading.sizes])
        return Batch(
            [message for uid, message in messages.items() if uid not in again],
            [message.key for message in messages.values() if not message.is_head],
            reading.position,
            MessagesRefused(refused.values()) if refused else None,
        )

    # ------------------------------------------------------------------ what is large

    def _read_heads(self, reading: _Reading, ledger: Ledger, sizes: dict[int, int]) -> Iterator[Batch]:
        """Of what is larger than may be, the head: the rest stays on the server until a person wants it."""
        uids = list(sizes)
        for start in range(0, len(uids), HEADS_AT_A_TIME):
            window = uids[start : start + HEADS_AT_A_TIME]
            fetched, refused = self._fetch_or_set_aside(window, self._fetch_heads)
            messages = {
                uid: RemoteMessage(self._connection.key(uid), head_of(head), sizes[uid])
                for uid, head in fetched.items()
            }
            yield self._batch(reading, ledger, window, messages, refused)

    def _fetch_heads(self, uids: list[int]) -> tuple[dict[int, bytes], dict[int, Exception]]:
        self._connection.client.allow(len(uids) * HEADER_BYTES)
        found = self._connection.client.fetch(uids, [f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"])
        return self._told_apart({uid: _body(found.get(uid, {}), b"BODY[HEADER]") for uid in uids})

    def _read_requested(self, folder: str, pace: Pace) -> Iterator[Batch]:
        """What a person wants although it is large: whole, one by one, each as long as the visit may take."""
        for key in self._requested:
            name = str(key)
            if key.folder != folder or self._connection.key(key.uid) != name:
                continue
            size = self._sizes([key.uid])[key.uid]
            pace.begin(size)
            try:
                fetched, refused = self._fetch_or_set_aside([key.uid], partial(self._fetch_requested, size, pace))
            except TookTooLong as refusal:
                yield Batch([], [], refusal=refusal)
                return
            pace.finish(sum(map(len, fetched.values())))
            messages = [RemoteMessage(name, source, was_requested=True) for source in fetched.values()]
            yield Batch(
                messages, [name] if messages else [], refusal=MessagesRefused(refused.values()) if refused else None
            )

    def _fetch_requested(self, size, pace, uids):
        source = self._fetch_in_parts(uids[0], size, self.settings.most, pace)
        if source and len(source) > self.settings.most:
            source = None
        return self._told_apart({uids[0]: source})

    def _fetch_in_parts(self, uid: int, size: int, most: int, pace: Pace) -> bytes | None:
        """A large message, in one piece of memory.

        The size that the server tells is no more than a hint: some tell one that is somewhat too small.

        :param most: bytes; no part is asked for beyond that
        :return: None when the server does not hand it out
        :raises TookTooLong: when the visit would have to be abandoned
        """
        source = BytesIO()
        self._connection.client.allow(PART_BYTES)
        while source.tell() <= most:
            offset = source.tell()
            items = self._connection.client.fetch([uid], [f"BODY.PEEK[]<{offset}.{PART_BYTES}>"]).get(uid, {})
            part = items.get(b"BODY[]<%d>" % offset)
            if not isinstance(part, bytes) and not offset:
                return items.get(b"BODY[]")  # a server that knows no parts
            if not isinstance(part, bytes) or not part:
                break
            source.write(part)
            if len(part) < PART_BYTES and source.tell() >= size:
                break
            pace.check()
        return source.getvalue()

    # ------------------------------------------------------------------ fetching

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        try:
            found = self._connection.client.fetch(uids, ["RFC822.SIZE"])
        except (IMAP4.error, OSError):
            # one of them cannot be read, which is found out when it travels alone
            self._connection.reconnect()
            return dict.fromkeys(uids, FIRST_BYTES)
        sizes = {uid: found.get(uid, {}).get(b"RFC822.SIZE", 0) for uid in uids}
        return {uid: size if isinstance(size, int) else 0 for uid, size in sizes.items()}

    def _fetch_or_set_aside(self, uids: list[int], fetch: Callable) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """What the server hands out, and the errors on what it does not: one message must not hold up the others.

        Dovecot, for one, hangs up on a message that it can't read. It would do so at each visit.
        """
        try:
            return fetch(uids)
        except (IMAP4.error, OSError) as error:
            self._connection.reconnect()
            if len(uids) == 1:
                return {}, {uids[0]: error}
        fetched, refused = {}, {}
        for uid in uids:
            found, missing = self._fetch_or_set_aside([uid], fetch)
            fetched |= found
            refused |= missing
        return fetched, refused

    def _fetch(
        self, uids: list[int], sizes: dict[int, int], pace: Pace
    ) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """UID -> source, and an error for each message that the server lists and does not hand out.

        BODY.PEEK leaves the \\Seen flag alone.
        """
        large = [uid for uid in uids if sizes[uid] > PART_BYTES]
        small = [uid for uid in uids if uid not in large]
        self._connection.client.allow(sum(sizes[uid] for uid in small))
        found = self._connection.client.fetch(small, ["BODY.PEEK[]"])
        sources = {uid: found.get(uid, {}).get(b"BODY[]") for uid in small}
        sources |= {uid: self._fetch_in_parts(uid, sizes[uid], self.settings.largest, pace) for uid in large}
        return self._told_apart(sources)

    def _told_apart(self, sources: dict[int, object]) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """What was handed out, and an error for each message that was not but is listed.

        Exchange, for one, answers OK without data at times. What is no longer listed vanished meanwhile.
        """
        handed_out = {uid: source for uid, source in sources.items() if isinstance(source, bytes)}
        missing = self._connection.listed([uid for uid in sources if uid not in handed_out])
        return handed_out, {uid: NothingHandedOut(uid) for uid in missing}

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


def _body(items: dict, name: bytes) -> bytes | None:
    """The beginning of a body that was asked for in part, whether the server knows parts or not."""
    return items.get(b"%s<0>" % name, items.get(name))
