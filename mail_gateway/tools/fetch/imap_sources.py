"""Asks an IMAP server for sizes, headers and sources of messages."""

from collections.abc import Callable
from functools import partial
from imaplib import IMAP4
from io import BytesIO
from typing import NamedTuple

from ..headers.message_head import HEADER_BYTES
from .imap_connection import ImapConnection, NoMessageData
from .time_budget import FIRST_BYTES, TimeBudget

# Larger messages are fetched in parts of this size: they are in memory only once, and the visit can end between two parts.
PART_BYTES = 4 * 2**20


class FetchedSources(NamedTuple):
    """The sources that the server returned, and those that it did not.

    :ivar sources: UID -> bytes
    :ivar refused: UID -> why the server does not return a message that it lists
    :ivar unasked: UIDs that there was no time to ask for
    """

    sources: dict[int, bytes]
    refused: dict[int, Exception]
    unasked: list[int]


class ImapSources:
    """Asks for messages of the selected folder, without touching their flags (BODY.PEEK).

    :param most: bytes that are fetched at most of a message that nobody requested
    """

    def __init__(self, connection: ImapConnection, most: int):
        self._connection = connection
        self._most = most

    def sizes(self, uids: list[int]) -> dict[int, int]:
        """Return UID -> bytes as the server states them, which may be wrong; 0 where it states none."""
        try:
            found = self._connection.client.fetch(uids, ["RFC822.SIZE"])
        except (IMAP4.error, OSError):
            # the server can't read one of the messages; asking for each one alone shows which
            self._connection.reconnect()
            return dict.fromkeys(uids, FIRST_BYTES)
        sizes = {uid: found.get(uid, {}).get(b"RFC822.SIZE", 0) for uid in uids}
        return {uid: size if isinstance(size, int) else 0 for uid, size in sizes.items()}

    def heads(self, uids: list[int], budget: TimeBudget) -> FetchedSources:
        """Fetch the headers of messages."""
        return self._ask(uids, self._fetch_heads, budget)

    def whole(self, sizes: dict[int, int], budget: TimeBudget) -> FetchedSources:
        """Fetch the sources of messages.

        :param sizes: UID -> bytes, see :meth:`sizes`
        """
        return self._ask(list(sizes), lambda uids: self._fetch({uid: sizes[uid] for uid in uids}, budget), budget)

    def requested(self, uid: int, most: int, budget: TimeBudget) -> FetchedSources:
        """Fetch the source of one message, however large.

        :param most: bytes; a message that turns out to be larger is refused
        :raises TookTooLong: when the visit would have to be abandoned
        """
        size = self.sizes([uid])[uid]
        budget.begin(size, [self._connection.key(uid)])
        fetched = self._ask([uid], partial(self._fetch_requested, size, most, budget), budget)
        budget.finish(sum(map(len, fetched.sources.values())))
        return fetched

    # ------------------------------------------------------------------ one message does not hold up the others

    def _ask(self, uids: list[int], fetch: Callable[[list[int]], dict], budget: TimeBudget) -> FetchedSources:
        """Ask for all messages at once, and for each one alone when that fails.

        Some servers, such as Dovecot, close the connection in each visit when they are asked for a message that they can't
        read.

        :param fetch: a function that takes UIDs and returns UID -> source, or a value that is not bytes where there is none
        """
        keys = {uid: self._connection.key(uid) for uid in uids}
        try:
            return self._told_apart(fetch(uids))
        except (IMAP4.error, OSError) as error:
            if len(uids) == 1 and isinstance(error, OSError | IMAP4.abort):
                budget.broken.append(keys[uids[0]])
            self._connection.reconnect()
            if len(uids) == 1:
                return FetchedSources({}, {uids[0]: error}, [])
        return self._ask_each(uids, fetch, budget)

    def _ask_each(self, uids, fetch, budget):
        fetched = FetchedSources({}, {}, [])
        for number, uid in enumerate(uids):
            # the visit stores the messages that came so far before it is abandoned
            if number and budget.is_over():
                fetched.unasked.extend(uids[number:])
                break
            sources, refused, _unasked = self._ask([uid], fetch, budget)
            fetched.sources.update(sources)
            fetched.refused.update(refused)
        return fetched

    def _told_apart(self, found: dict[int, object]) -> FetchedSources:
        """Return the sources, and an error for each message that has none although the server still lists it.

        Exchange sometimes answers OK without data. A message that is no longer listed was removed meanwhile.
        """
        sources = {uid: source for uid, source in found.items() if isinstance(source, bytes)}
        missing = self._connection.listed([uid for uid in found if uid not in sources])
        return FetchedSources(sources, {uid: NoMessageData(uid) for uid in missing}, [])

    # ------------------------------------------------------------------ fetching

    def _fetch_heads(self, uids: list[int]) -> dict[int, object]:
        self._connection.client.allow(len(uids) * HEADER_BYTES)
        found = self._connection.client.fetch(uids, [f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"])
        # servers without partial fetches leave out the offset
        return {
            uid: found.get(uid, {}).get(b"BODY[HEADER]<0>", found.get(uid, {}).get(b"BODY[HEADER]")) for uid in uids
        }

    def _fetch(self, sizes: dict[int, int], budget: TimeBudget) -> dict[int, object]:
        small = [uid for uid, size in sizes.items() if size <= PART_BYTES]
        self._connection.client.allow(sum(sizes[uid] for uid in small))
        found = self._connection.client.fetch(small, ["BODY.PEEK[]"])
        large = {uid: self._fetch_in_parts(uid, sizes[uid], self._most, budget) for uid in sizes if uid not in small}
        return {uid: found.get(uid, {}).get(b"BODY[]") for uid in small} | large

    def _fetch_requested(self, size, most, budget, uids):
        source = self._fetch_in_parts(uids[0], size, most, budget)
        return {uids[0]: source if source and len(source) <= most else None}

    def _fetch_in_parts(self, uid: int, size: int, most: int, budget: TimeBudget) -> bytes | None:
        """Fetch the source of a large message in parts, into one piece of memory.

        :param size: in bytes, as the server states it; some servers estimate it
        :param most: bytes; the client asks for no part beyond that
        :return: None when the server does not return it, or not all of it
        :raises TookTooLong: when the visit would have to be abandoned
        """
        source, is_full = BytesIO(), True
        self._connection.client.allow(PART_BYTES)
        while (offset := source.tell()) <= most:
            items = self._connection.client.fetch([uid], [f"BODY.PEEK[]<{offset}.{PART_BYTES}>"]).get(uid, {})
            part = items.get(b"BODY[]<%d>" % offset)
            if not isinstance(part, bytes):
                if not offset:
                    return items.get(b"BODY[]")  # a server without partial fetches
                # beyond the end, servers return an empty string (RFC 3501, section 6.4.5); none at all does not mean the end
                return source.getvalue() if offset == size or not is_full else None
            source.write(part)
            is_full = len(part) >= PART_BYTES
            if not part or (not is_full and source.tell() >= size):
                break
            budget.check()
        return source.getvalue()
