"""Where to read on in an IMAP folder, and what is to be read there."""

from dataclasses import replace
from datetime import timedelta, timezone

from .imap_connection import ImapConnection, in_windows
from .mailbox import FolderPosition, Ledger

# SINCE looks at the date alone, in the server's time zone
DATE_MARGIN = timedelta(days=1)
# A message may have come in before the last good fetch and be stored after it
OVERLAP = timedelta(days=2)


def generation(known: FolderPosition | None, state: dict) -> int:
    """How often the UIDs of the selected folder were given out anew before.

    UIDVALIDITY should tell (RFC 3501, section 2.3.1.1). A restored backup, or another mailbox in the place of the
    old one, can have the same: then UIDNEXT is behind what was read.
    """
    if known is None:
        return 0
    return known.generation + (not _is_same_generation(known, state))


def _is_same_generation(known: FolderPosition, state: dict) -> bool:
    uid_next = state.get(b"UIDNEXT") or known.last_uid + 1
    return known.uid_validity == state.get(b"UIDVALIDITY", 0) and known.last_uid < uid_next


def read_on(connection: ImapConnection, folder: str, ledger: Ledger) -> FolderPosition:
    """Where to read on.

    A folder seen for the first time: what is unread is new, the rest is old. A folder whose UIDs were given
    out anew: what is unread or arrived since the last good fetch is looked at again, by content.
    """
    state = connection.select(folder)
    account = connection.settings.account
    known = ledger.position(account, folder)
    connection.generations[folder] = generation(known, state)
    if known and _is_same_generation(known, state):
        return replace(known, account=account)
    candidates = set(connection.client.search("UNSEEN"))
    if known:
        candidates |= _arrived_since_last_success(connection, folder, ledger)
    last_uid = _last_uid(connection, state)
    backlog = frozenset(uid for uid in candidates if uid <= last_uid)
    validity = state.get(b"UIDVALIDITY", 0)
    return FolderPosition(account, folder, validity, last_uid, backlog, connection.generations[folder])


def _arrived_since_last_success(connection: ImapConnection, folder: str, ledger: Ledger) -> set[int]:
    """What came with the last good fetch or later, but not before the folder was seen for the first time."""
    first = ledger.first_visit(connection.settings.account, folder).replace(microsecond=0)
    since = max((ledger.last_success() or first) - OVERLAP, first - DATE_MARGIN)
    found = connection.client.search(["SINCE", since.date()])
    return set(found).difference(*(_older(connection, window, first) for window in in_windows(found)))


def _older(connection: ImapConnection, uids: list[int], moment) -> set[int]:
    dates = connection.client.fetch(uids, ["INTERNALDATE"])
    moment = moment.replace(tzinfo=timezone.utc)
    return {uid for uid, items in dates.items() if (items.get(b"INTERNALDATE") or moment) < moment}


def _last_uid(connection: ImapConnection, state: dict) -> int:
    if state.get(b"UIDNEXT"):
        return state[b"UIDNEXT"] - 1
    return max(connection.client.search("ALL"), default=0)


def wanted(connection: ImapConnection, position: FolderPosition, ledger: Ledger) -> list[int]:
    """UIDs to fetch: everything above the watermark, read or not, the backlog, and what is unread.

    Unread messages below the watermark that were never stored are those a person marked as unread to have
    them fetched, as with Odoo's own gateway.
    """
    unseen = connection.client.search("UNSEEN")
    uids = {*position.backlog, *unseen, *_above(connection, position)}
    known = ledger.known([connection.key(uid) for uid in uids])
    return sorted(uid for uid in uids if connection.key(uid) not in known)


def _above(connection: ImapConnection, position: FolderPosition) -> set[int]:
    last_uid = position.last_uid
    if connection.select(position.folder).get(b"UIDNEXT", last_uid + 2) <= last_uid + 1:
        return set()
    # `n:*` always answers with the last message, even when its UID is below n
    return {uid for uid in connection.client.search(["UID", f"{last_uid + 1}:*"]) if uid > last_uid}
