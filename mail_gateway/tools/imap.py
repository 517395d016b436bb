"""Reading an IMAP mailbox (RFC 3501) by UID, so that nothing depends on the \\Seen flag that people share with us."""

import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from imaplib import IMAP4
from itertools import groupby
from typing import NamedTuple

from imapclient import DELETED, SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from .mailbox import (
    BATCH_BYTES,
    Batch,
    FolderPosition,
    Ledger,
    MailboxSettings,
    MessagesRefused,
    RemoteMessage,
    SignInRefused,
    UnknownFolder,
    in_batches,
    server_words,
)

# imaplib refuses reply lines over 1 MB. A UID has ten digits at most, so a search over that many messages fits.
SEARCH_WINDOW = 80_000
# servers limit the length of a command line
UID_WINDOW = 500

_KEY = re.compile(r"imap://(?P<account>[^/]*)/(?P<folder>.*);UIDVALIDITY=(?P<uid_validity>\d+)/;UID=(?P<uid>\d+)", re.S)


class ImapKey(NamedTuple):
    """The parts of a remote key; written as an IMAP URL (RFC 5092)."""

    account: str
    folder: str
    uid_validity: int
    uid: int

    def __str__(self):
        return f"imap://{self.account}/{self.folder};UIDVALIDITY={self.uid_validity}/;UID={self.uid}"

    @classmethod
    def parse(cls, text: str) -> "ImapKey | None":
        """The parts of `text`, None when it is not such a key."""
        found = _KEY.fullmatch(text)
        return found and cls(found["account"], found["folder"], int(found["uid_validity"]), int(found["uid"]))


class ImapMailbox:
    """One signed-in IMAP connection.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
    :raises imaplib.IMAP4.error: when the server refuses; IMAPClient's exceptions derive from it
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._done = []
        self._selected = None
        self._client = self._connect()

    def _connect(self) -> IMAPClient:
        settings = self.settings
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=settings.tls,
            ssl_context=settings.tls_context() if settings.tls else None,
            timeout=SocketTimeout(settings.timeout, settings.timeout),
        )
        try:
            if settings.starttls and not settings.tls:
                self._start_tls(client)
            self._sign_in(client)
            client._cached_capabilities = None  # signing in changes them
        except BaseException:
            with suppress(OSError):  # a failed handshake closed the socket already
                client.shutdown()
            raise
        return client

    def _start_tls(self, client: IMAPClient) -> None:
        try:
            client.starttls(self.settings.tls_context())
        except IMAP4.abort:
            raise  # the connection broke
        except IMAP4.error as error:
            raise ssl.SSLError(server_words(error)) from error

    def _sign_in(self, client: IMAPClient) -> None:
        client._imap._encoding = "utf-8"  # imaplib would not send a password beyond ASCII
        try:
            self.settings.sign_in(client._imap)  # imaplib's own object is what Odoo's OAuth modules expect
        except IMAP4.abort:
            raise  # the connection broke
        except IMAP4.error as error:
            raise SignInRefused(server_words(error)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.disconnect()

    def disconnect(self):
        """Log out; a connection that is dead already is just dropped."""
        with suppress(OSError, IMAPClientError, ValueError):
            self._client.logout()
        with suppress(OSError):
            self._client.shutdown()

    # ------------------------------------------------------------------ what is new

    def leftovers(self, ledger: Ledger) -> list[str]:
        return ledger.unacknowledged()

    def new_batches(self, ledger: Ledger) -> Iterator[Batch]:
        for folder in self.settings.folders:
            yield from self._new_in_folder(folder, ledger)

    def _new_in_folder(self, folder: str, ledger: Ledger) -> Iterator[Batch]:
        state = self._select(folder)
        position = self._position(folder, state, ledger)
        old = position.last_uid
        yield Batch([], [], position)  # from now on a crash does not change what counts as old
        for uids in self._size_batches(self._wanted(position, state, ledger)):
            fetched, refused = self._fetch_or_set_aside(uids)
            again = self._stored_before({uid: fetched[uid] for uid in fetched if uid <= old}, ledger)
            position = position.after(uids, refused)
            messages = [RemoteMessage(self._key(uid), source) for uid, source in fetched.items() if uid not in again]
            refusal = MessagesRefused(refused.values()) if refused else None
            yield Batch(messages, [self._key(uid) for uid in fetched], position, refusal)

    def _position(self, folder: str, state: dict, ledger: Ledger) -> FolderPosition:
        """Where to read on.

        A folder seen for the first time: what is unread is new, the rest is old. A folder whose UIDs were given
        out anew: what is unread or arrived since the last good fetch is looked at again, by content.
        """
        validity = state.get(b"UIDVALIDITY", 0)
        known = ledger.position(self.settings.account, folder)
        if known and known.uid_validity == validity:
            return replace(known, account=self.settings.account)
        candidates = set(self._search("UNSEEN", state))
        since = known and ledger.last_success()
        if since:
            # SINCE looks at the date alone, in the server's time zone
            candidates |= set(self._search(["SINCE", (since - timedelta(days=2)).date()], state))
        last_uid = self._last_uid(state)
        backlog = frozenset(uid for uid in candidates if uid <= last_uid)
        return FolderPosition(self.settings.account, folder, validity, last_uid, backlog)

    def _last_uid(self, state: dict) -> int:
        if state.get(b"UIDNEXT"):
            return state[b"UIDNEXT"] - 1
        return max(self._search("ALL", state), default=0)

    def _wanted(self, position: FolderPosition, state: dict, ledger: Ledger) -> list[int]:
        """UIDs to fetch: everything above the watermark, read or not, the backlog, and what is unread.

        Unread messages below the watermark that were never stored are those a person marked as unread to have
        them fetched, as with Odoo's own gateway.
        """
        uids = set(position.backlog) | set(self._search("UNSEEN", state)) | self._above(position.last_uid, state)
        known = ledger.known([self._key(uid) for uid in uids])
        return sorted(uid for uid in uids if self._key(uid) not in known)

    def _above(self, last_uid: int, state: dict) -> set[int]:
        if state.get(b"UIDNEXT", last_uid + 2) <= last_uid + 1:
            return set()
        # `n:*` always answers with the last message, even when its UID is below n
        return {uid for uid in self._search(["UID", f"{last_uid + 1}:*"], state) if uid > last_uid}

    def _search(self, criteria, state: dict) -> list[int]:
        criteria = [criteria] if isinstance(criteria, str) else criteria
        if state.get(b"EXISTS", 0) <= SEARCH_WINDOW:
            return self._client.search(criteria)
        uids = []
        for first in range(1, state[b"EXISTS"] + 1, SEARCH_WINDOW):
            # message sequence numbers, unlike UIDs, have no gaps
            uids += self._client.search([f"{first}:{first + SEARCH_WINDOW - 1}", *criteria])
        return uids

    def _size_batches(self, uids: list[int]) -> Iterator[list[int]]:
        for start in range(0, len(uids), UID_WINDOW):
            window = uids[start : start + UID_WINDOW]
            yield from in_batches(self._sizes(window))

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        try:
            found = self._client.fetch(uids, ["RFC822.SIZE"])
        except (IMAP4.error, OSError):
            # one of them cannot be read, which is found out when each travels alone
            self._reconnect()
            return dict.fromkeys(uids, BATCH_BYTES)
        return {uid: found.get(uid, {}).get(b"RFC822.SIZE", 0) for uid in uids}

    def _fetch_or_set_aside(self, uids: list[int]) -> tuple[dict[int, bytes], dict[int, Exception]]:
        """What the server hands out, and the errors on what it does not: one message must not hold up the others.

        Dovecot, for one, hangs up on a message that it can't read. It would do so at each visit.
        """
        try:
            return self._fetch(uids), {}
        except (IMAP4.error, OSError) as error:
            self._reconnect()
            if len(uids) == 1:
                return {}, {uids[0]: error}
        fetched, refused = {}, {}
        for uid in uids:
            found, missing = self._fetch_or_set_aside([uid])
            fetched |= found
            refused |= missing
        return fetched, refused

    def _reconnect(self) -> None:
        """Sign in anew, back to the selected folder.

        :raises imaplib.IMAP4.abort: (also OSError) when that fails, or the folder is not the same any more
        """
        folder, state = self._selected
        self._selected = None
        with suppress(OSError):
            self._client.shutdown()
        self._client = self._connect()
        if self._select(folder).get(b"UIDVALIDITY") != state.get(b"UIDVALIDITY"):
            raise IMAP4.abort(f"{folder} has another UIDVALIDITY now")

    def _fetch(self, uids: list[int]) -> dict[int, bytes]:
        """UID -> source. BODY.PEEK leaves the \\Seen flag alone; a message that vanished meanwhile is left out."""
        found = self._client.fetch(uids, ["BODY.PEEK[]"])
        return {uid: found[uid][b"BODY[]"] for uid in uids if found.get(uid, {}).get(b"BODY[]") is not None}

    def _stored_before(self, fetched: dict[int, bytes], ledger: Ledger) -> set[int]:
        """UIDs whose content this server delivered before, under a UID that is no longer valid."""
        known = ledger.known_sources(list(fetched.values())) if fetched else ()
        return {uid for uid, source in fetched.items() if source in known}

    # ------------------------------------------------------------------ afterwards

    def acknowledge(self, keys: Iterable[str]) -> None:
        parsed = [key for key in map(ImapKey.parse, keys) if key and key.account == self.settings.account]
        refusals = []
        for (folder, validity), group in groupby(sorted(parsed), key=lambda key: (key.folder, key.uid_validity)):
            try:
                self._acknowledge_in(folder, validity, list(group))
            except IMAP4.abort:
                raise  # the connection broke
            except (IMAP4.error, UnknownFolder) as refusal:
                refusals.append(refusal)
        for refusal in refusals:
            raise refusal

    def _acknowledge_in(self, folder: str, validity: int, keys: list[ImapKey]) -> None:
        # keys of a former generation of UIDs, or of a folder that is gone, have nothing left to acknowledge
        if self._uid_validity(folder) == validity:
            self._acknowledge_uids([key.uid for key in keys])
        self._done += map(str, keys)

    def _uid_validity(self, folder: str) -> int | None:
        """That of a folder, None when it is gone."""
        try:
            return self._select(folder).get(b"UIDVALIDITY", 0)
        except UnknownFolder:
            return None

    def _acknowledge_uids(self, uids: list[int]) -> None:
        for start in range(0, len(uids), UID_WINDOW):
            self._finish(uids[start : start + UID_WINDOW])

    def _finish(self, uids: list[int]) -> None:
        if self.settings.afterwards == "move":
            self._move(uids)
        elif self.settings.afterwards == "delete":
            self._delete(uids)
        else:
            self._client.add_flags(uids, [SEEN], silent=True)

    def _move(self, uids: list[int]) -> None:
        try:
            self._move_or_copy(uids)
        except IMAPClientError:
            self._expect_folder(self.settings.move_to)
            raise

    def _move_or_copy(self, uids: list[int]) -> None:
        if self._client.has_capability("MOVE"):  # RFC 6851
            self._client.move(uids, self.settings.move_to)
        else:
            self._client.copy(uids, self.settings.move_to)
            self._delete(uids)

    def _delete(self, uids: list[int]) -> None:
        self._client.add_flags(uids, [DELETED], silent=True)
        if self._client.has_capability("UIDPLUS"):  # RFC 4315: expunges these and no others
            self._client.uid_expunge(uids)
        else:
            self._client.expunge()

    def acknowledged(self) -> list[str]:
        return self._done

    # ------------------------------------------------------------------ folders

    def check(self) -> None:
        wanted = [*self.settings.folders, *([self.settings.move_to] if self.settings.afterwards == "move" else [])]
        for folder in wanted:
            self._select(folder)

    def remember(self, ledger: Ledger) -> None:
        """Fix what counts as old in folders seen for the first time."""
        for folder in self.settings.folders:
            ledger.store(Batch([], [], self._position(folder, self._select(folder), ledger)))

    def _select(self, folder: str) -> dict:
        if self._selected and self._selected[0] == folder:
            return self._selected[1]
        self._selected = None
        try:
            state = self._client.select_folder(folder)
        except IMAPClientError:
            self._expect_folder(folder)
            raise
        self._selected = folder, state
        return state

    def _expect_folder(self, folder: str) -> None:
        if not self._client.folder_exists(folder):
            raise UnknownFolder(folder, [name for _flags, _delimiter, name in self._client.list_folders()]) from None

    def _key(self, uid: int) -> str:
        folder, state = self._selected
        return str(ImapKey(self.settings.account, folder, state.get(b"UIDVALIDITY", 0), uid))
