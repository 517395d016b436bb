"""Finds out which messages of a POP3 mailbox are stored already, and under which keys the new ones are stored."""

from collections.abc import Set
from dataclasses import dataclass

from ..headers.message_head import head_bytes
from .mailbox import MailboxStore, RemoteMessage
from .pop3_listing import Listing


@dataclass(frozen=True)
class _Content:
    """The content of a message, as far as it was read.

    :ivar source: all bytes that were read
    :ivar is_whole: whether all of it is stored; only the headers of a message that turned out to be too large are stored
    :ivar kept: the bytes that are stored
    :ivar name: its key by content
    :ivar is_doubtful: whether the message that is stored under its UIDL may be this one or another one; a second copy of
        a listed message is not doubtful
    """

    source: bytes
    is_whole: bool
    kept: bytes
    name: str
    is_doubtful: bool

    def is_stored(self, names: Set[str], sources: Set[bytes]) -> bool:
        """Whether the message is stored already, at least the part that would be stored now."""
        return self.name in names or (self.is_doubtful and not sources.isdisjoint((self.source, self.kept)))

    def is_stored_whole(self, names: Set[str], sources: Set[bytes]) -> bool:
        """Whether the message may be acknowledged."""
        return (self.is_whole and self.name in names) or (self.is_doubtful and self.source in sources)


def tell_apart(
    sources: dict[str, bytes], listing: Listing, store: MailboxStore, known: Set[str], largest: int
) -> tuple[dict[str, RemoteMessage], list[str]]:
    """Return the new messages, and the keys of stored ones that may be acknowledged.

    A server may give a UIDL to another message once the first one is gone (RFC 1939, section 7). Deleting by UIDL alone
    could therefore delete a message that was never stored. Messages that share a UIDL, or have none, have a key by their
    content.

    :param sources: key of the session -> bytes that were read
    :param known: listed keys that are stored
    :param largest: size in bytes up to which a message is stored whole
    :return: messages by their key of the session, each with the key under which it is to be stored; and keys of stored
        messages
    """
    contents = {key: _content(key, source, listing, known, largest) for key, source in sources.items()}
    names, stored = _stored_among(contents.values(), store)
    messages, done = {}, []
    for key, content in contents.items():
        own_name = content.name if key in known or key in listing.unnamed else key
        if not content.is_stored(names, stored):
            size = None if content.is_whole else len(content.source)
            messages[key] = RemoteMessage(listing.rename(key, own_name), content.kept, size)
            continue
        name = listing.rename(key, key if key in known else own_name)
        if content.is_stored_whole(names, stored):
            done.append(name)
    return messages, done


def _content(key: str, source: bytes, listing: Listing, known: Set[str], largest: int) -> _Content:
    is_whole = len(source) <= largest
    kept = source if is_whole else head_bytes(source)
    name = listing.name_by_content(key, kept)
    is_doubtful = listing.unnamed.get(key, key) in known and not listing.is_copy(key)
    return _Content(source, is_whole, kept, name, is_doubtful)


def _stored_among(contents, store: MailboxStore) -> tuple[Set[str], Set[bytes]]:
    """Return the keys by content and the sources that are stored."""
    doubtful = {part for each in contents if each.is_doubtful for part in (each.source, each.kept)}
    names = store.known([each.name for each in contents]) if contents else set()
    return names, store.known_sources(list(doubtful)) if doubtful else set()
