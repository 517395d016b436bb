"""poplib on the connection of a visit: long lines, bounded replies, sign-in in any charset."""

import poplib
import re
from base64 import b64encode
from contextlib import suppress

from .mailbox import MailboxSettings
from .visit import MAX_REPLY, ReplyBudget

# what no argument may have, for it would end the command
_CONTROL = re.compile(r"[\0\r\n]")


class Pop3(poplib.POP3):
    """poplib's client (Python 3.10 to 3.14), with TLS or without.

    A single line may hold megabytes of HTML. poplib stops at 2 kB, and that for the whole process.

    :ivar budget: what the next reply may have
    """

    def __init__(self, settings: MailboxSettings):
        self._settings = settings
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
        settings = self._settings
        context = settings.tls_context() if settings.tls else None
        return settings.visit.connect(self.host, self.port, timeout, context)

    # ------------------------------------------------------------------ commands and replies

    def _putcmd(self, line):
        """Extends poplib's method: a command is one line.

        :raises poplib.error_proto: when a user name or password would make it more
        """
        if _CONTROL.search(line):
            raise poplib.error_proto("a line feed or NUL character in a command")
        self.budget.begin()
        return super()._putcmd(line)

    def _getline(self):
        """Replaces poplib's method: another limit.

        :raises EndlessServer: when the reply is too long
        """
        line = self.file.readline(self.budget.line_limit + 1)
        self.budget.count_line(len(line))
        if not line.endswith(b"\n"):
            # also half a line: cut after its first dot, it would pass for the end of the message
            raise EOFError("the server closed the connection")
        octets = len(line)
        return line.removesuffix(b"\n").removesuffix(b"\r"), octets

    def allow(self, size: int) -> None:
        """A message of which so many bytes are read, at most, is asked for next."""
        self.budget.limit = MAX_REPLY + size

    # ------------------------------------------------------------------ signing in

    def login(self, user, password):
        """Sign in. Beyond ASCII by SASL PLAIN (RFC 5034), else after UTF8 (RFC 6856), where the server offers them.

        :raises poplib.error_proto: when the server refuses
        """
        self._settings.secrets.add(password)
        if not (user + password).isascii():
            offered = self._offered()
            if "PLAIN" in offered.get("SASL", ()):
                return self._authenticate_plain(user, password)
            if "UTF8" in offered:
                self.utf8()
        self.user(user)
        return self.pass_(password)

    def _offered(self):
        """Capability -> its parameters; {} when the server does not say (RFC 2449)."""
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
        self._signed_in()
        return reply

    def pass_(self, pswd):
        """Extends poplib's method: remembers what is secret."""
        self._settings.secrets.add(pswd)
        reply = super().pass_(pswd)
        self._signed_in()
        return reply

    def _signed_in(self):
        self.budget.limit = MAX_REPLY
