"""Reading a POP3 mailbox (RFC 1939). The ledger of UIDLs says what is known; DELE takes effect only with QUIT."""

import poplib
import time
from collections.abc import Callable, Iterable, Iterator

from ..headers.message_head import head_bytes
from .mailbox import Batch, MailboxStore, RemoteMessage
from .mailbox_errors import MessagesRefused
from .mailbox_settings import MailboxSettings
from .pop3_comparison import tell_apart
from .pop3_progress import FetchedBatch, Progress
from .pop3_protocol import CommandRefused, MessageTooLarge
from .pop3_session import Pop3Session
from .time_budget import TimeBudget, TookTooLong
from .windows import in_windows

# Bytes beyond Largest Message that are read nevertheless: many servers count a line end as one byte, and send two. To
# break off a message costs a session.
SPARE_SHARE = 0.1
SPARE_BYTES = 1000


class Pop3Mailbox:
    """One mailbox, read in one session or several.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
    :raises EOFError: when the server closes the connection
    :raises poplib.error_proto: when the server refuses
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self._confirmed = []
        self._session = Pop3Session(settings)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, *_exc):
        self.disconnect()

    def disconnect(self):
        """End the session, which is what deletes."""
        self._confirmed += self._session.close()

    # ------------------------------------------------------------------ what is new

    @property
    def _deletes(self) -> bool:
        return self.settings.afterwards == "delete"

    @property
    def _listing(self):
        """What is listed, and named, in the session of the moment."""
        return self._session.listing

    def leftovers(self, store: MailboxStore) -> list[str]:
        """What is gone from the server, or may stay there.

        What a lost connection left undeleted is read again by new_batches: QUIT may have taken effect although its
        answer was lost, and the UIDL may name another message since.
        """
        owed = store.unacknowledged()
        if not self._deletes:
            return owed
        self._expect_uidls(owed)
        return [key for key in owed if key not in self._listing.numbers]

    def _expect_uidls(self, keys: Iterable[str]) -> None:
        """:raises poplib.error_proto: when the server has no UIDLs, but had when it gave one of the `keys`"""
        if self._listing.no_uidl and any(map(self._listing.is_by_uidl, keys)):
            raise self._listing.no_uidl

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        progress = self._begin(store, budget)
        try:
            yield from self._read_what_fits(progress)
            yield from self._read_requested(progress)
            yield from self._read(progress, budget.what_is_left)
            yield from self._read_stalled(progress)
        except TookTooLong as refusal:
            budget.complete = False
            yield Batch([], [], refusal=refusal)
        self._forget_removed_contents(progress)

    def _begin(self, store: MailboxStore, budget: TimeBudget) -> Progress:
        """What is to be read, and in which order."""
        requested = self._requested(store)
        self._forget_removed(store)
        known = store.known([*self._listing.numbers, *self._listing.unnamed.values()])
        unread = self._unread(known, store)
        put_off = {*unread, *requested}.intersection(budget.stalled)
        return Progress(
            store,
            budget,
            known,
            queue=[key for key in unread if key not in put_off],
            requested=[key for key in requested if key not in put_off],
            stalled=[key for key in budget.stalled if key in put_off],
            late_requests=put_off.intersection(requested),
        )

    def _requested(self, store: MailboxStore) -> list[str]:
        """Keys of what a person wants whole."""
        requested = store.requested()
        if self._listing.no_uidl:
            # tries, or a mailbox whose UIDLs are gone for good would never be read again
            for key in filter(self._listing.is_by_uidl, requested):
                store.count_request(key)
        self._expect_uidls(requested)
        return requested

    def _unread(self, known: set[str], store: MailboxStore) -> list[str]:
        """Keys of what is to be read."""
        numbers, unnamed = self._listing.numbers, self._listing.unnamed
        # what is to be deleted is read once more, to compare it; but for what stays there until a person wants it
        settled = store.heads(known) if self._deletes else known
        # what is new comes before what is only to be compared, or a line that breaks again and again would not get on
        return sorted(numbers.keys() - settled, key=lambda key: (key in known, key in unnamed, numbers[key]))

    def _forget_removed(self, store: MailboxStore) -> None:
        listing = self._listing
        # an empty listing may also be a mail server that is not well
        if listing.numbers and not listing.no_uidl and not self._deletes:
            store.forget_removed(listing.prefix, [*listing.numbers, *listing.unnamed.values()])

    def _forget_removed_contents(self, progress: Progress) -> None:
        """The same where messages are known by their content, which is only known of what was read."""
        listing = self._listing
        if listing.numbers and listing.no_uidl and not self._deletes and progress.is_whole and progress.budget.complete:
            progress.store.forget_removed(listing.content_prefix, list(listing.numbers))

    def _read_what_fits(self, progress: Progress) -> Iterator[Batch]:
        for window in in_windows(progress.in_order()):
            progress.wanted |= {key: self._listing.size(key) for key in window}
            yield from self._read_heads(progress, [key for key in window if self._is_large(key, progress)])
            yield from self._read(progress, progress.budget.what_fits)

    def _is_large(self, key: str, progress: Progress) -> bool:
        """Whether only the head is read; what is stored under its name may be there whole, at a person's request."""
        return self._listing.size(key) > self.settings.largest and key not in progress.known

    def _read(self, progress: Progress, choose: Callable) -> Iterator[Batch]:
        """What is new, and what has to be compared with what is stored under its name.

        :param choose: finds the next batch in `progress.wanted`, which loses what was asked for
        """
        while keys := choose(progress.wanted):
            fetched = self._ask(progress, keys)
            messages, stored = self._tell_apart(fetched.sources, progress)
            for key in progress.budget.beyond_time(messages):
                del messages[key]
                progress.wanted[key] = len(fetched.sources[key])
            progress.is_whole &= not fetched.refused
            done = [*stored, *(message.key for message in messages.values() if not message.is_head)]
            yield Batch(list(messages.values()), [] if fetched.broken else done, refusal=fetched.refusal)
            if fetched.broken:
                self._resume_after(fetched.broken, progress)
            if progress.budget.is_half_over():
                yield from self._read_requested(progress)

    def _tell_apart(self, sources: dict[str, bytes], progress: Progress) -> tuple[dict[str, RemoteMessage], list[str]]:
        return tell_apart(sources, self._listing, progress.store, progress.known, self.settings.largest)

    def _ask(self, progress: Progress, keys: Iterable[str]) -> FetchedBatch:
        """What the server hands out in the time of a batch: what it can't read must not hold up the others."""
        sources, refused, broken = {}, [], None
        end = progress.budget.end_of_batch()
        for key in keys:
            size = progress.wanted.pop(key)
            try:
                sources[key] = self._source(key, size, self._most(key, progress), progress.budget)
            except CommandRefused as error:
                refused.append(error)
            except MessageTooLarge as error:
                sources[key], broken = error.start, error
            except (OSError, EOFError, poplib.error_proto) as error:
                broken = error
            if broken or time.monotonic() > end:
                break
        return FetchedBatch(sources, refused, broken)

    def _most(self, key: str, progress: Progress) -> int:
        """Bytes that are read of a message."""
        if key in progress.known:
            return self.settings.most
        return self.settings.largest + int(self.settings.largest * SPARE_SHARE) + SPARE_BYTES

    def _source(self, key: str, size: int, most: int, budget: TimeBudget, check: Callable = lambda: None) -> bytes:
        """A message, which is a suspect if the session ends with it."""
        budget.begin(size, [key])
        try:
            source = self._session.retrieve(key, most, check)
        except CommandRefused:
            budget.begin(0)  # an answer like any other
            raise
        except MessageTooLarge as error:
            budget.finish(len(error.start))
            budget.broken.append(key)
            raise
        budget.finish(len(source))
        return source

    # ------------------------------------------------------------------ one session after another

    def _resume_after(self, error: Exception, progress: Progress) -> None:
        """Open another session where it was us who broke one off.

        What was deleted in that one is still there, and is compared by the next visit.

        :raises Exception: `error`, when it was the server: the next visit asks for that message last
        """
        if not isinstance(error, MessageTooLarge):
            raise error
        self._renew(progress)

    def _confirm_deletions(self, progress: Progress) -> None:
        """Before a message that may end the session: what was deleted in it stays deleted."""
        if self._session.has_deleted:
            self._renew(progress)

    def _renew(self, progress: Progress) -> None:
        """End the session and open another one, in which messages may have other numbers."""
        before = self._listing
        self.disconnect()
        self._session = Pop3Session(self.settings)
        if not before.no_uidl:
            self._expect_uidls(before.numbers)
        gone = before.numbers.keys() - self._listing.numbers.keys()
        if not self._listing.follow(before):
            gone |= before.unnamed.keys()
            progress.is_whole = False
        progress.drop(gone)

    def _read_stalled(self, progress: Progress) -> Iterator[Batch]:
        """What earlier visits ended with, as this one may, one by one."""
        for key in progress.stalled:
            if key in progress.late_requests:
                progress.requested = [key]
                yield from self._read_requested(progress)
            else:
                self._confirm_deletions(progress)
                yield from self._read_stalled_message(progress, key)

    def _read_stalled_message(self, progress: Progress, key: str) -> Iterator[Batch]:
        if key not in self._listing.numbers:
            return
        progress.wanted = {key: self._listing.size(key)}
        if self._is_large(key, progress):
            yield from self._read_heads(progress, [key])
        yield from self._read(progress, progress.budget.what_is_left)

    # ------------------------------------------------------------------ what is large

    def _read_heads(self, progress: Progress, keys: Iterable[str]) -> Iterator[Batch]:
        """Of what is larger than may be, the head: the rest stays on the server until a person wants it."""
        for key in keys:
            if key not in progress.wanted:
                continue  # named by a session that is over
            size = progress.wanted.pop(key)
            head, broken = self._head(key, progress.budget)
            messages, _stored = self._tell_apart({key: head}, progress)
            yield Batch([RemoteMessage(each.key, each.source, size) for each in messages.values()], [])
            if broken:
                self._resume_after(broken, progress)

    def _head(self, key: str, budget: TimeBudget) -> tuple[bytes, Exception | None]:
        """The headers of a message, which is a suspect if the session ends with it.

        :return: also the error when they have no end
        """
        broken = None
        budget.begin(0, [key])
        try:
            head = self._session.head(key)
        except MessageTooLarge as error:
            head, broken = error.start, error
            budget.broken.append(key)
        budget.begin(0)
        return head_bytes(head), broken

    def _read_requested(self, progress: Progress) -> Iterator[Batch]:
        """What a person wants although it is large: whole, one by one, each as long as the visit may take."""
        while progress.requested:
            key = progress.requested.pop(0)
            if key in self._listing.numbers or self._candidates(key, progress):
                self._confirm_deletions(progress)
                yield from self._find(key, progress)
            progress.store.count_request(key)
            if key in self._listing.numbers and self._listing.size(key) <= self.settings.most:
                yield from self._read_whole(key, progress)

    def _find(self, name: str, progress: Progress) -> Iterator[Batch]:
        """Read heads until one of the messages turns out to have a name by content."""
        for key in self._candidates(name, progress):
            if name in self._listing.numbers:
                return
            progress.wanted[key] = self._listing.size(key)
            yield from self._read_heads(progress, [key])

    def _candidates(self, name: str, progress: Progress) -> list[str]:
        """Keys of large messages whose name by content may be `name`: their heads were not read yet."""
        keys = self._listing.candidates(name) if name not in self._listing.numbers else ()
        return [key for key in keys if self._is_large(key, progress) and key not in progress.stalled]

    def _read_whole(self, key: str, progress: Progress) -> Iterator[Batch]:
        """:raises TookTooLong: when the visit would have to be abandoned"""
        size, budget = self._listing.size(key), progress.budget
        try:
            source = self._source(key, size, self.settings.most, budget, budget.check)
        except CommandRefused as error:
            yield Batch([], [], refusal=MessagesRefused([error]))
        except MessageTooLarge as error:
            yield Batch([], [], refusal=error)
            self._renew(progress)
        else:
            yield Batch([RemoteMessage(key, source, was_requested=True)], [key])

    # ------------------------------------------------------------------ afterwards

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Have what is stored deleted; what the server does not delete keeps nothing else from it.

        :raises poplib.error_proto: what the server refused on the way
        """
        refusal = None
        for key in keys:
            if not self._deletes or key not in self._listing.numbers:
                self._confirmed.append(key)
                continue
            try:
                self._session.delete(key)
            except CommandRefused as error:
                refusal = error
        if refusal:
            raise refusal

    def acknowledged(self) -> list[str]:
        return self._confirmed

    def check(self) -> None:
        """POP3 has no folders: whoever can sign in can read."""
        self._session.check()

    def remember(self, store: MailboxStore) -> None:
        """POP3 does not tell read from unread: all that is there is new, as with Odoo's own gateway."""
