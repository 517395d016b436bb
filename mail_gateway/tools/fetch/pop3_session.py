"""One POP3 session (RFC 1939): login, listing, messages, deletions."""

import poplib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property

from .login import encrypt_and_log_in
from .mailbox_errors import server_words
from .mailbox_settings import MailboxSettings
from .pop3_listing import Listing, read_sizes, read_uidls
from .pop3_protocol import CommandRefused, Pop3

# Bytes of headers that are read; fewer of them are kept.
MAX_HEAD = 4 * 2**20
# Refusals that begin like this report a fault of the server, not of the command (RFC 3206, RFC 2449).
_FAULTS = ("-ERR [SYS/", "-ERR [IN-USE]")


class Pop3Session:
    """A logged-in connection.

    :param settings: server and account
    :raises OSError: (also ssl.SSLError, TimeoutError) when no connection can be made
    :raises EOFError: when the server closes the connection, or an earlier reply was not read to its end
    :raises poplib.error_proto: when the server refuses
    """

    def __init__(self, settings: MailboxSettings):
        self._settings = settings
        self._deleted = []
        self._client = self._connect()

    def _connect(self) -> Pop3:
        client = Pop3(self._settings)
        encrypt_and_log_in(self._settings, client, lambda context: client.stls(context=context), client.close)
        return client

    def close(self) -> list[str]:
        """Send QUIT, which makes deletions take effect.

        :return: the keys of deleted messages; none unless the server confirms QUIT
        """
        confirmed = []
        with suppress(OSError, EOFError, poplib.error_proto):
            self._client.quit()
            confirmed = self._deleted
        self._deleted = []
        with suppress(OSError):
            self._client.close()
        return confirmed

    # ------------------------------------------------------------------ listing

    @cached_property
    def listing(self) -> Listing:
        """The messages that the server lists; the session asks for them once."""
        uidls, no_uidl = self._uidls()
        return Listing(self._settings.account, uidls, read_sizes(self._client.list()[1]), no_uidl)

    def _uidls(self) -> tuple[dict[int, str], Exception | None]:
        """Ask for UIDLs, which are optional (RFC 1939, section 7).

        :return: number -> UIDL, and the refusal of a server that has none
        """
        try:
            return read_uidls(self._client.uidl()[1]), None
        except CommandRefused as refusal:
            # the server has UIDLs at other times: without them all messages would get other keys, and be stored again
            if server_words(refusal).startswith(_FAULTS) or "UIDL" in self._client.offered():
                raise
            return {}, refusal

    def check(self) -> None:
        """Ask for the state of the mailbox.

        :raises poplib.error_proto: when it can't be read
        """
        try:
            self._client.stat()
        except (ValueError, LookupError) as error:
            raise poplib.error_proto("-ERR a reply to STAT that makes no sense") from error

    # ------------------------------------------------------------------ messages

    def retrieve(self, key: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """Fetch the source of a message.

        :param most: bytes that are read of it
        :param check: called after each megabyte; its exceptions end the visit
        :raises MessageTooLarge: when it is larger; the session can't send further commands
        """
        return self._message(f"RETR {self.listing.numbers[key]}", most, check)

    def head(self, key: str) -> bytes:
        """Fetch the headers of a message; b"" when the server does not support TOP, which is optional (RFC 1939, section 7).

        :raises MessageTooLarge: when they have no end; the session can't send further commands
        """
        try:
            return self._message(f"TOP {self.listing.numbers[key]} 0", MAX_HEAD)
        except CommandRefused:
            return b""

    def _message(self, command: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """Fetch the lines of a message. After a refusal, NOOP shows whether the server closed the connection with it."""
        try:
            return self._client.message(command, most, check)
        except CommandRefused:
            with suppress(CommandRefused):
                self._client.noop()
            raise

    @property
    def has_deleted(self) -> bool:
        """Whether messages were deleted in this session; the deletions take effect at its end."""
        return bool(self._deleted)

    def delete(self, key: str) -> None:
        """Mark a message to be deleted at the end of the session.

        :raises CommandRefused: when the server refuses
        """
        self._client.dele(self.listing.numbers[key])
        self._deleted.append(key)
