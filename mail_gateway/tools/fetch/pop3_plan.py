"""Decides which messages of a POP3 mailbox a visit reads, and in which order."""

from collections.abc import Iterable

from .mailbox import MailboxStore
from .pop3_listing import Listing
from .pop3_progress import Progress
from .time_budget import TimeBudget


def plan_visit(listing: Listing, store: MailboxStore, budget: TimeBudget, deletes: bool) -> Progress:
    """Decide which messages to read. If messages stay on the server, free the keys of removed ones first.

    :param listing: the listing of the first session
    :param deletes: whether messages that are stored are deleted on the server
    :raises poplib.error_proto: when the server lost its UIDLs, see :func:`expect_uidls`
    """
    requested = _requested(listing, store)
    if not deletes:
        _forget_removed(listing, store)
    known = store.known([*listing.numbers, *listing.unnamed.values()])
    unread = _unread(listing, known, store, deletes)
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


def expect_uidls(listing: Listing, keys: Iterable[str]) -> None:
    """Make sure that messages can still be found by their UIDLs.

    :raises poplib.error_proto: when the server has no UIDLs, but had them when one of the `keys` was stored
    """
    if listing.no_uidl and any(map(listing.is_by_uidl, keys)):
        raise listing.no_uidl


def _requested(listing, store) -> list[str]:
    """Return keys of messages that a person requested whole."""
    requested = store.requested()
    if listing.no_uidl:
        # count a try for each: otherwise a mailbox whose UIDLs never come back would never be read again
        for key in filter(listing.is_by_uidl, requested):
            store.count_request(key)
    expect_uidls(listing, requested)
    return requested


def _unread(listing, known, store, deletes) -> list[str]:
    """Return keys of the messages to read, in order."""
    numbers, unnamed = listing.numbers, listing.unnamed
    # A message that is to be deleted is read once more, to compare it with the stored one. A message of which only the
    # headers are stored stays on the server until a person requests it.
    settled = store.heads(known) if deletes else known
    # New messages come before those that are only compared: a connection that breaks each time would never reach them.
    return sorted(numbers.keys() - settled, key=lambda key: (key in known, key in unnamed, numbers[key]))


def _forget_removed(listing, store):
    """Free the UIDLs of messages that are no longer on the server, since it may give them to other messages."""
    # an empty listing may also mean that the server has a fault
    if listing.numbers and not listing.no_uidl:
        store.forget_removed(listing.prefix, [*listing.numbers, *listing.unnamed.values()])


def forget_removed_contents(listing: Listing, progress: Progress) -> None:
    """Free the keys of removed messages that are known by their content, once all listed messages were read."""
    if listing.numbers and listing.no_uidl and progress.is_whole and progress.budget.complete:
        progress.store.forget_removed(listing.content_prefix, list(listing.numbers))
