"""Acknowledges stored messages on an IMAP server: marks them as read, moves or deletes them.

EXPUNGE deletes all messages that anybody marked with \\Deleted. On a server without UIDPLUS, the gateway uses it only when
all of them are stored (docs/adr/0009-what-a-mail-server-may-do.md).
"""

from collections.abc import Iterable
from imaplib import IMAP4
from itertools import groupby

from imapclient import DELETED, SEEN
from imapclient.exceptions import IMAPClientError

from .imap_connection import ImapConnection
from .imap_key import ImapKey
from .mailbox import MailboxStore
from .mailbox_errors import UnknownFolder
from .windows import in_windows


class ImapAcknowledgement:
    """Acknowledges messages on a connection.

    :ivar store: knows which other messages are stored; None when that is unknown
    """

    def __init__(self, connection: ImapConnection):
        self._connection = connection
        self._settings = connection.settings
        self._done = []
        self.store: MailboxStore | None = None

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Mark as read, move or delete messages, as the settings say. A refusal in one folder does not stop the others.

        :raises imaplib.IMAP4.error, UnknownFolder: the first refusal
        """
        parsed = [key for key in map(ImapKey.parse, keys) if key and key.account == self._settings.account]
        refusals = []
        for folder, group in groupby(sorted(parsed), key=lambda key: key.folder):
            try:
                self._acknowledge_in(folder, list(group))
            except IMAP4.abort:
                raise  # the connection broke
            except (IMAP4.error, UnknownFolder) as refusal:
                refusals.append(refusal)
        for refusal in refusals:
            raise refusal

    def _acknowledge_in(self, folder: str, keys: list[ImapKey]) -> None:
        # a folder that was renumbered or removed has no messages left to acknowledge
        present = self._present(folder)
        for window in in_windows([key.uid for key in keys if (key.uid_validity, key.generation) == present]):
            self._finish(window)
        self._done += map(str, keys)

    def _present(self, folder: str) -> tuple[int, int] | None:
        """Return UIDVALIDITY and generation of a folder, None when it does not exist any more."""
        try:
            validity = self._connection.select(folder).get(b"UIDVALIDITY", 0)
        except UnknownFolder:
            return None
        return validity, self._connection.generations.get(folder, 0)

    def _finish(self, uids: list[int]) -> None:
        if self._settings.afterwards == "move":
            self._move(uids)
        elif self._settings.afterwards == "delete":
            self._delete(uids)
        else:
            self._connection.client.add_flags(uids, [SEEN], silent=True)

    def _move(self, uids: list[int]) -> None:
        try:
            self._move_or_copy(uids)
        except IMAPClientError:
            self._connection.expect_folder(self._settings.move_to)
            raise

    def _move_or_copy(self, uids: list[int]) -> None:
        if self._connection.client.has_capability("MOVE"):  # RFC 6851
            self._connection.client.move(uids, self._settings.move_to)
        else:
            self._connection.client.copy(uids, self._settings.move_to)
            self._delete(uids)

    def _delete(self, uids: list[int]) -> None:
        client = self._connection.client
        client.add_flags(uids, [DELETED], silent=True)
        if client.has_capability("UIDPLUS"):  # RFC 4315: expunges these and no others
            client.uid_expunge(uids)
        elif self._all_marked_are_stored(uids):
            client.expunge()

    def _all_marked_are_stored(self, uids: list[int]) -> bool:
        """Whether all messages that are marked as deleted are stored, as `uids` are. Others must not be deleted here."""
        try:
            marked = self._connection.client.search("DELETED")
        except IMAP4.abort:
            raise  # the connection broke
        except IMAP4.error:
            return False
        others = {self._connection.key(uid) for uid in set(marked) - set(uids)}
        if not others or self.store is None:
            return not others
        # a message of which only the headers are stored must not be deleted
        return others <= self.store.known(others) - self.store.heads(others)

    def acknowledged(self) -> list[str]:
        """Return keys of messages that are acknowledged."""
        return self._done
