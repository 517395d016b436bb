"""One POP3 session (RFC 1939): signing in, what is listed, fetched out and deleted."""

import poplib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property

from .login import encrypt_and_log_in
from .mailbox_errors import server_words
from .mailbox_settings import MailboxSettings
from .pop3_listing import Listing, read_sizes, read_uidls
from .pop3_protocol import CommandRefused, Pop3

# bytes of a head that the server may send; less of it is kept
MAX_HEAD = 4 * 2**20
# beginnings of refusals that are no answer to the command: the mailbox is not well (RFC 3206, RFC 2449)
_FAULTS = ("-ERR [SYS/", "-ERR [IN-USE]")


class Pop3Session:
    """A signed-in connection.

    :raises OSError: (also ssl.SSLError, TimeoutError) when there is no connection to be had
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
        """Say QUIT, which is what deletes.

        :return: the keys of what is deleted for good: only a good answer to QUIT confirms it
        """
        confirmed = []
        with suppress(OSError, EOFError, poplib.error_proto):
            self._client.quit()
            confirmed = self._deleted
        self._deleted = []
        with suppress(OSError):
            self._client.close()
        return confirmed

    # ------------------------------------------------------------------ what there is

    @cached_property
    def listing(self) -> Listing:
        """What the server lists."""
        uidls, no_uidl = self._uidls()
        return Listing(self._settings.account, uidls, read_sizes(self._client.list()[1]), no_uidl)

    def _uidls(self) -> tuple[dict[int, str], Exception | None]:
        """UIDL is optional (RFC 1939, section 7); a server without it is known by content.

        :return: number -> UIDL, and why there is none
        """
        try:
            return read_uidls(self._client.uidl()[1]), None
        except CommandRefused as refusal:
            # one that has it at other times fails: all would get other names, and be stored again
            if server_words(refusal).startswith(_FAULTS) or "UIDL" in self._client.offered():
                raise
            return {}, refusal

    def check(self) -> None:
        """:raises poplib.error_proto: when the mailbox can't be read"""
        try:
            self._client.stat()
        except (ValueError, LookupError) as error:
            raise poplib.error_proto("-ERR a reply to STAT that makes no sense") from error

    # ------------------------------------------------------------------ messages

    def retrieve(self, key: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """A message.

        :param most: bytes
        :param check: called every megabyte, to raise what ends the visit
        :raises MessageTooLarge: when it has more; nothing else can be asked in this session
        """
        return self._message(f"RETR {self.listing.numbers[key]}", most, check)

    def head(self, key: str) -> bytes:
        """The headers, nothing where the server can't tell them alone: TOP is optional (RFC 1939, section 7).

        :raises MessageTooLarge: when they have no end; nothing else can be asked in this session
        """
        try:
            return self._message(f"TOP {self.listing.numbers[key]} 0", MAX_HEAD)
        except CommandRefused:
            return b""

    def _message(self, command: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """The lines of a message; a server that hangs up with its refusal is found out before anything else is asked."""
        try:
            return self._client.message(command, most, check)
        except CommandRefused:
            with suppress(CommandRefused):
                self._client.noop()
            raise

    @property
    def has_deleted(self) -> bool:
        """Whether something was deleted, which only the end of the session makes true."""
        return bool(self._deleted)

    def delete(self, key: str) -> None:
        """Have a message deleted at the end of the session."""
        self._client.dele(self.listing.numbers[key])
        self._deleted.append(key)
