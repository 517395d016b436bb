"""One logged-in IMAP connection (RFC 3501) and the folder that is selected on it."""

from contextlib import suppress
from imaplib import IMAP4

from imapclient.exceptions import IMAPClientError

from .imap_key import ImapKey
from .imap_protocol import ImapClient
from .login import encrypt_and_log_in
from .mailbox_errors import UnknownFolder
from .mailbox_settings import MailboxSettings
from .windows import in_windows


class NoMessageData(IMAP4.error):
    """The server answers OK without data for a message, although it lists it.

    :param uid: the UID of the message
    """

    def __init__(self, uid: int):
        super().__init__(f"OK without data for UID {uid}, which is listed")


class ImapConnection:
    """Wraps IMAPClient, and can connect again.

    :param settings: server and account
    :ivar client: the client; another one after :meth:`reconnect`
    :ivar generations: folder -> how often the server renumbered it before
    :raises OSError: (also ssl.SSLError, TimeoutError) when no connection can be made
    :raises imaplib.IMAP4.error: when the server refuses; IMAPClient's exceptions derive from it
    """

    def __init__(self, settings: MailboxSettings):
        self.settings = settings
        self.generations = {}
        self._selected = None
        self.client = self._connect()

    def _connect(self) -> ImapClient:
        client = ImapClient(self.settings)
        # Odoo's OAuth modules expect imaplib's own object
        encrypt_and_log_in(self.settings, client._imap, client.starttls, client.shutdown)
        client.logged_in()
        return client

    def disconnect(self):
        """Log out, if the connection is still alive, and close it."""
        if self.client.is_of_use:
            with suppress(OSError, IMAPClientError, ValueError):
                self.client.logout()
        with suppress(OSError):
            self.client.shutdown()

    def reconnect(self) -> None:
        """Connect and log in again, and select the same folder.

        :raises imaplib.IMAP4.abort: (also OSError) when that fails, or when the folder was renumbered
        """
        folder, state = self._selected
        self._selected = None
        with suppress(OSError):
            self.client.shutdown()
        self.client = self._connect()
        again = self.select(folder)
        same = again.get(b"UIDVALIDITY") == state.get(b"UIDVALIDITY")
        if not same or again.get(b"UIDNEXT", 0) < state.get(b"UIDNEXT", 0):
            raise IMAP4.abort(f"the server renumbered {folder}")

    def select(self, folder: str) -> dict:
        """Select a folder, unless it is selected already.

        :return: the server's reply, as IMAPClient returns it
        :raises UnknownFolder: when there is no folder of that name
        """
        if self._selected and self._selected[0] == folder:
            return self._selected[1]
        self._selected = None
        try:
            state = self.client.select_folder(folder)
        except IMAPClientError:
            self.expect_folder(folder)
            raise
        self._selected = folder, state
        return state

    def state(self) -> dict:
        """Return the server's reply to the selection of the folder, as IMAPClient returns it."""
        return self._selected[1]

    def expect_folder(self, folder: str) -> None:
        """Make sure that a folder exists.

        :raises UnknownFolder: when there is no folder of that name
        """
        if not self.client.folder_exists(folder):
            raise UnknownFolder(folder, self.client.folder_names()) from None

    def listed(self, uids: list[int]) -> set[int]:
        """Return those of `uids` that are in the selected folder, whatever their flags. The others never come back."""
        found = set()
        for window in in_windows(uids):
            found.update(self.client.search(["UID", ",".join(map(str, window))]))
        return found.intersection(uids)

    def key(self, uid: int) -> str:
        """Return the remote key of a message in the selected folder."""
        folder, state = self._selected
        generation = self.generations.get(folder, 0)
        return str(ImapKey(self.settings.account, folder, state.get(b"UIDVALIDITY", 0), uid, generation))
