"""Reads a POP3 mailbox (RFC 1939).

Messages are recognised by their UIDLs, or by their content where the server has none. DELE takes effect only with QUIT.
Start reading at :meth:`Pop3Mailbox.new_batches`: :mod:`.pop3_plan` decides the order of reading, :mod:`.pop3_session`
talks to the server, :mod:`.pop3_comparison` finds out which messages are stored already.
"""

import poplib
import time
from collections.abc import Callable, Iterable, Iterator

from ..headers.message_head import head_bytes
from .mailbox import Batch, MailboxStore, RemoteMessage
from .mailbox_errors import MessagesRefused
from .mailbox_settings import MailboxSettings
from .pop3_comparison import tell_apart
from .pop3_plan import expect_uidls, forget_removed_contents, plan_visit
from .pop3_progress import FetchedBatch, Progress
from .pop3_protocol import CommandRefused, MessageTooLarge
from .pop3_session import Pop3Session
from .time_budget import TimeBudget, TookTooLong
from .windows import in_windows

# A message may exceed the largest size by this share and these bytes: many servers count a line end as one byte, and send
# two. Breaking off a message costs a session.
EXTRA_SHARE = 0.1
EXTRA_BYTES = 1000


class Pop3Mailbox:
    """A :class:`.mailbox.Mailbox` that is read by POP3, in one session or several.

    :param settings: its server, account and limits
    :raises OSError: (also ssl.SSLError, TimeoutError) when no connection can be made
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
        """End the session, which makes deletions take effect."""
        self._confirmed += self._session.close()

    # ------------------------------------------------------------------ new messages

    @property
    def _deletes(self) -> bool:
        return self.settings.afterwards == "delete"

    @property
    def _listing(self):
        """The listing of the current session."""
        return self._session.listing

    def leftovers(self, store: MailboxStore) -> list[str]:
        """Return keys of stored messages that are no longer on the server, or may stay there.

        Messages that were not deleted because the connection broke are read again by :meth:`new_batches`: QUIT may have
        taken effect although no reply came, and the UIDL may name another message now.
        """
        owed = store.unacknowledged()
        if not self._deletes:
            return owed
        expect_uidls(self._listing, owed)
        return [key for key in owed if key not in self._listing.numbers]

    def new_batches(self, store: MailboxStore, budget: TimeBudget) -> Iterator[Batch]:
        """Yield new messages: first those that fit into the time, then those that a person requested, then the rest."""
        progress = plan_visit(self._listing, store, budget, self._deletes)
        try:
            yield from self._read_what_fits(progress)
            yield from self._read_requested(progress)
            yield from self._read(progress, budget.what_is_left)
            yield from self._read_stalled(progress)
        except TookTooLong as refusal:
            budget.complete = False
            yield Batch([], [], refusal=refusal)
        if not self._deletes:
            forget_removed_contents(self._listing, progress)

    def _read_what_fits(self, progress: Progress) -> Iterator[Batch]:
        for window in in_windows(progress.in_order()):
            progress.wanted |= {key: self._listing.size(key) for key in window}
            yield from self._read_heads(progress, [key for key in window if self._is_large(key, progress)])
            yield from self._read(progress, progress.budget.what_fits)

    def _is_large(self, key: str, progress: Progress) -> bool:
        """Whether only the headers are read. A stored message of the same key may be whole, since a person requested it."""
        return self._listing.size(key) > self.settings.largest and key not in progress.known

    def _read(self, progress: Progress, choose: Callable) -> Iterator[Batch]:
        """Read new messages, and those that have to be compared with the messages that are stored under their keys.

        :param choose: chooses the next batch of `progress.wanted`, from which it is then removed
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
        """Ask for messages until the time of a batch is over. One that the server can't read does not stop the others."""
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
        """Return how many bytes of a message are read at most."""
        if key in progress.known:
            return self.settings.most
        return self.settings.largest + int(self.settings.largest * EXTRA_SHARE) + EXTRA_BYTES

    def _source(self, key: str, size: int, most: int, budget: TimeBudget, check: Callable = lambda: None) -> bytes:
        """Fetch the source of a message, which counts as stalled if the session ends while it is read."""
        budget.begin(size, [key])
        try:
            source = self._session.retrieve(key, most, check)
        except CommandRefused:
            budget.begin(0)  # a refusal is an answer: nothing stalled
            raise
        except MessageTooLarge as error:
            budget.finish(len(error.start))
            budget.broken.append(key)
            raise
        budget.finish(len(source))
        return source

    # ------------------------------------------------------------------ one session after another

    def _resume_after(self, error: Exception, progress: Progress) -> None:
        """Open another session when the gateway itself broke off this one.

        Messages that were deleted in it are still on the server, and the next visit compares them.

        :raises Exception: `error`, when the server ended the session: the next visit asks for that message last
        """
        if not isinstance(error, MessageTooLarge):
            raise error
        self._renew(progress)

    def _confirm_deletions(self, progress: Progress) -> None:
        """Make deletions take effect before asking for a message that may end the session."""
        if self._session.has_deleted:
            self._renew(progress)

    def _renew(self, progress: Progress) -> None:
        """End the session and open another one, in which messages may have other numbers."""
        before = self._listing
        self.disconnect()
        self._session = Pop3Session(self.settings)
        if not before.no_uidl:
            expect_uidls(self._listing, before.numbers)
        gone = before.numbers.keys() - self._listing.numbers.keys()
        if not self._listing.follow(before):
            gone |= before.unnamed.keys()
            progress.is_whole = False
        progress.drop(gone)

    def _read_stalled(self, progress: Progress) -> Iterator[Batch]:
        """Read the messages with which earlier visits ended, one by one, since they may end this visit, too."""
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

    # ------------------------------------------------------------------ large messages

    def _read_heads(self, progress: Progress, keys: Iterable[str]) -> Iterator[Batch]:
        """Read the headers of large messages; the rest stays on the server until a person requests it."""
        for key in keys:
            if key not in progress.wanted:
                continue  # the key is one of an earlier session
            size = progress.wanted.pop(key)
            head, broken = self._head(key, progress.budget)
            messages, _stored = self._tell_apart({key: head}, progress)
            yield Batch([RemoteMessage(each.key, each.source, size) for each in messages.values()], [])
            if broken:
                self._resume_after(broken, progress)

    def _head(self, key: str, budget: TimeBudget) -> tuple[bytes, Exception | None]:
        """Fetch the headers of a message, which counts as stalled if the session ends while they are read.

        :return: the headers, and the error when they have no end
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
        """Read large messages that a person requested, whole and one by one; each may take all the time of the visit."""
        while progress.requested:
            key = progress.requested.pop(0)
            if key in self._listing.numbers or self._candidates(key, progress):
                self._confirm_deletions(progress)
                yield from self._find(key, progress)
            progress.store.count_request(key)
            if key in self._listing.numbers and self._listing.size(key) <= self.settings.most:
                yield from self._read_whole(key, progress)

    def _find(self, name: str, progress: Progress) -> Iterator[Batch]:
        """Read headers until one of the messages turns out to have the key `name` by its content."""
        for key in self._candidates(name, progress):
            if name in self._listing.numbers:
                return
            progress.wanted[key] = self._listing.size(key)
            yield from self._read_heads(progress, [key])

    def _candidates(self, name: str, progress: Progress) -> list[str]:
        """Return keys of large messages whose key by content may be `name`, since their headers were not read yet."""
        keys = self._listing.candidates(name) if name not in self._listing.numbers else ()
        return [key for key in keys if self._is_large(key, progress) and key not in progress.stalled]

    def _read_whole(self, key: str, progress: Progress) -> Iterator[Batch]:
        """Read a requested message whole.

        :raises TookTooLong: when the visit would have to be abandoned
        """
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

    # ------------------------------------------------------------------ acknowledging

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Delete stored messages if the settings say so. A refusal to delete one message does not stop the others.

        :raises poplib.error_proto: the last refusal
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
        """Return keys of messages whose deletion the server confirmed, or which need not be deleted."""
        return self._confirmed

    def check(self) -> None:
        """Ask for the state of the mailbox; POP3 has no folders that could be missing.

        :raises poplib.error_proto: when the mailbox can't be read
        """
        self._session.check()

    def remember(self, _store: MailboxStore) -> None:
        """Do nothing: POP3 does not tell read from unread, so that all messages are new, as with Odoo's own gateway."""
