"""poplib on the connection of a visit, with long lines, bounded replies, and login in any charset."""

import poplib
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import contextmanager, suppress
from io import BytesIO

from .mailbox_errors import server_words
from .mailbox_settings import MailboxSettings
from .reply_budget import MAX_REPLY, ReplyBudget

# Bytes of a message between two checks of the time.
CHECKED_BYTES = 2**20
# No argument may contain these characters: they would end the command.
_CONTROL = re.compile(r"[\0\r\n]")


class CommandRefused(poplib.error_proto):
    """The server answers -ERR. Any other error_proto is a malformed reply."""


class UnfinishedReply(EOFError):
    """A reply was not read to its end, so that poplib would take the rest of it for replies to other commands."""

    def __init__(self):
        super().__init__("a reply of the mail server was not read to its end")


class MessageTooLarge(EOFError):
    """A message is larger than the server says. The rest of it is not read.

    :ivar start: the bytes that were read of it
    """

    def __init__(self, start: bytes = b""):
        super().__init__("a message is larger than the server says")
        self.start = start


class Pop3(poplib.POP3):
    """poplib's client (Python 3.10 to 3.14), with TLS or without.

    A single line may hold megabytes of HTML; poplib stops at 2 kB, by a setting of the whole process.

    After a reply that was not read to its end no further command is sent.

    :param settings: server, account and visit
    :ivar budget: how many bytes the next reply may have
    """

    def __init__(self, settings: MailboxSettings):
        self._settings = settings
        self._is_reply_unfinished = False
        self.budget = ReplyBudget()
        try:
            super().__init__(settings.host, settings.port, settings.timeout)
        except BaseException:
            if hasattr(self, "file"):
                with suppress(OSError):
                    self.close()
            raise

    def _create_socket(self, timeout):
        """Replaces poplib's method: the connection belongs to the visit."""
        return self._settings.connect(timeout)

    def close(self):
        """Extends poplib's method: no command can be sent afterwards."""
        self._is_reply_unfinished = True
        return super().close()

    # ------------------------------------------------------------------ commands and replies

    @contextmanager
    def _one_reply(self):
        """Guard one command and the reading of its reply.

        :raises UnfinishedReply: when an earlier reply was not read to its end
        """
        if self._is_reply_unfinished:
            raise UnfinishedReply
        self._is_reply_unfinished = True  # until the reply is read, whatever exception comes before that
        try:
            yield
        except CommandRefused:
            self._is_reply_unfinished = False
            raise
        self._is_reply_unfinished = False

    def _shortcmd(self, line):
        """Extends poplib's method: sends nothing after a reply that was not read to its end."""
        with self._one_reply():
            return super()._shortcmd(line)

    def _longcmd(self, line):
        """Extends poplib's method, in the same manner."""
        with self._one_reply():
            return super()._longcmd(line)

    def _getresp(self):
        """Extends poplib's method: raises another exception for a refusal than for a malformed reply.

        :raises CommandRefused: when the server answers -ERR
        """
        try:
            reply = super()._getresp()
        except poplib.error_proto as error:
            self._settings.log.received(server_words(error))
            if server_words(error).startswith("-ERR"):
                raise CommandRefused(*error.args) from None
            raise
        self._settings.log.received(reply)
        return reply

    def _putcmd(self, line):
        """Extends poplib's method: sends only commands of one line.

        :raises poplib.error_proto: when a user name or password would make the command longer than one line
        """
        if _CONTROL.search(line):
            raise poplib.error_proto("a line feed or NUL character in a command")
        self.budget.begin()
        self._settings.log.sent(line)
        return super()._putcmd(line)

    def _getline(self):
        """Replaces poplib's method: applies another limit.

        :raises EndlessServer: when the reply is too long
        """
        line = self.file.readline(self.budget.line_limit + 1)
        self.budget.count_line(len(line))
        if not line.endswith(b"\n"):
            # also for an incomplete line: one that is cut after its first dot would look like the end of the message
            raise EOFError("the server closed the connection")
        octets = len(line)
        return line.removesuffix(b"\n").removesuffix(b"\r"), octets

    def message(self, command: str, most: int, check: Callable[[], None] = lambda: None) -> bytes:
        """Read a message into one piece of memory, instead of one for each line.

        :param command: RETR or TOP, with its arguments
        :param most: bytes that are read of the message
        :param check: called after each megabyte; its exceptions end the visit
        :raises MessageTooLarge: when the message has more bytes
        """
        self.budget.limit = MAX_REPLY + most
        with self._one_reply():
            self._putcmd(command)
            self._getresp()
            return self._lines(most, check)

    def _lines(self, most: int, check: Callable[[], None]) -> bytes:
        reply, checked = BytesIO(), 0
        while (line := self._getline()[0]) != b".":
            reply.write(line[1:] if line.startswith(b"..") else line)
            reply.write(b"\r\n")
            self.budget.begin()  # the budget counts each line alone, since lines are not kept
            if reply.tell() > most:
                raise MessageTooLarge(reply.getvalue())
            if reply.tell() - checked > CHECKED_BYTES:
                checked = reply.tell()
                check()
        return reply.getvalue()

    # ------------------------------------------------------------------ login

    def login(self, user, password):
        """Log in; send characters beyond ASCII by SASL PLAIN (RFC 5034) or after UTF8 (RFC 6856), if offered.

        :raises poplib.error_proto: when the server refuses
        """
        self._settings.secrets.add(password)
        if not (user + password).isascii():
            offered = self.offered()
            if "PLAIN" in offered.get("SASL", ()):
                return self._authenticate_plain(user, password)
            if "UTF8" in offered:
                self.utf8()
        self.user(user)
        return self.pass_(password)

    def offered(self) -> dict[str, list[str]]:
        """Return capability -> its parameters (RFC 2449); {} when the server does not list them."""
        try:
            lines = [line.decode("ascii", "replace").upper().split() for line in self._longcmd("CAPA")[1]]
        except poplib.error_proto:
            return {}
        return {words[0]: words[1:] for words in lines if words}

    def _authenticate_plain(self, user, password):
        if "\0" in user + password:
            raise poplib.error_proto("user name or password contain a NUL character")
        self._shortcmd("AUTH PLAIN")
        reply = self._shortcmd(b64encode(f"\0{user}\0{password}".encode()).decode())
        if not reply.startswith(b"+OK"):
            raise poplib.error_proto(reply)
        self._after_login()
        return reply

    def pass_(self, pswd):
        """Extends poplib's method: records the password as a secret."""
        self._settings.secrets.add(pswd)
        reply = super().pass_(pswd)
        self._after_login()
        return reply

    def _after_login(self):
        self.budget.limit = MAX_REPLY
