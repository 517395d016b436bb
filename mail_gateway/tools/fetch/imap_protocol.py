"""imaplib and IMAPClient on the connection of a visit, with bounded replies, login in any charset, and ID."""

import re
from collections.abc import Callable
from functools import wraps
from imaplib import IMAP4

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from .mailbox_settings import MailboxSettings
from .reply_budget import IMAP_LINE_OVERHEAD, MAX_MESSAGES, MAX_REPLY, ReplyBudget

# Some servers (163.com, 126.com) refuse SELECT to clients that did not send ID (RFC 2971).
IDENTITY = '("name" "Odoo Mail Gateway" "version" "19.0" "vendor" "Odoo Mail Gateway")'
# Text that needs no quotes (RFC 3501, section 9).
_ATOM = re.compile(r"[!#-'+-Z\[^-z|}~]+")
# Parts of messages in a reply; servers may send them as quoted strings.
_BODY = re.compile(rb"(?<=BODY\[)|(?<=RFC822)", re.IGNORECASE)
_BEARER = re.compile(r"auth=Bearer ([^\1]+)")
# Mechanisms of a single message: a further challenge reports an error (RFC 7628, section 3.2.3).
_ONE_MESSAGE = {"PLAIN", "XOAUTH2", "OAUTHBEARER"}
# Exceptions that parsers raise for replies that make no sense.
_PARSER_ERRORS = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)


class MalformedReply(IMAPClientError):
    """A reply that does not follow the protocol."""


class Imap4(IMAP4):
    """imaplib's client, without its log of commands and replies.

    :param settings: server, account and visit
    :ivar budget: how many bytes the next reply may have
    """

    def __init__(self, settings: MailboxSettings):
        self._settings = settings
        self.budget = ReplyBudget(IMAP_LINE_OVERHEAD)
        # the line after a literal may be the rest of a message whose size the server announced wrongly: it is not logged
        self._is_in_literal_reply = False
        super().__init__(settings.host, settings.port, settings.timeout)

    def _create_socket(self, timeout):
        """Replaces imaplib's method: the connection belongs to the visit."""
        return self._settings.connect(timeout)

    # ------------------------------------------------------------------ reading

    def _new_tag(self):
        """Extends imaplib's method: a command begins, so the bytes of its reply are counted from zero."""
        self.budget.begin()
        return super()._new_tag()

    def _get_line(self):
        """Replaces imaplib's method: applies another limit, and keeps nothing for imaplib's log.

        :raises EndlessServer: when the reply is too long
        """
        line = self.file.readline(self.budget.line_limit + 1)
        self.budget.count_line(len(line))
        if not line:
            raise self.abort("socket error: EOF")
        if not line.endswith(b"\r\n"):
            raise self.abort("socket error: unterminated line")
        if not self._is_in_literal_reply:
            self._settings.log.received(_BODY.split(line, maxsplit=1)[0])
        self._is_in_literal_reply = line.endswith(b"}\r\n")
        return line[:-2]

    def send(self, data):
        """Extends imaplib's method: logs the command."""
        self._settings.log.sent(data)
        return super().send(data)

    def read(self, size):
        """Extends imaplib's method: reads no more than the client asked for.

        :raises EndlessServer: when the server announces more
        """
        self.budget.count_literal(size)
        return super().read(size)

    def _log(self, line):
        """Replaces imaplib's method, which would keep the last commands, and with them the password."""

    def _mesg(self, text, secs=None):
        """Replaces imaplib's method, which would write commands and messages to the standard error."""

    # ------------------------------------------------------------------ login

    def login(self, user, password):
        """Replaces imaplib's method: sends characters beyond ASCII by SASL PLAIN if offered, else as literals (RFC 3501).

        :raises IMAP4.error: when the server refuses, or offers no login by password
        """
        self._settings.secrets.add(password)
        plain = user.isascii() and password.isascii()
        if "\0" in user + password:
            raise self.error("user name or password contain a NUL character")
        disabled = "LOGINDISABLED" in self.capabilities
        if "AUTH=PLAIN" in self.capabilities and (disabled or not plain):
            return self.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}")
        if disabled:
            raise self.error("LOGINDISABLED: the server allows no login by password on this connection")
        if plain and not re.search(r"[\r\n]", user + password):
            typ, data = self._simple_command("LOGIN", self._as_atom(user), self._quote(password))
        else:
            typ, data = self._login_by_literals(user.encode(), password.encode())
        if typ != "OK":
            raise self.error(data[-1])
        self.state = "AUTH"
        self._after_login()
        return typ, data

    def _as_atom(self, text):
        return text if _ATOM.fullmatch(text) else self._quote(text)

    def _login_by_literals(self, user, password):
        tag = self._new_tag()
        self._send(b"%s LOGIN {%d}\r\n" % (tag, len(user)))
        if self._may_continue(tag):
            self._send(b"%s {%d}\r\n" % (user, len(password)))
            if self._may_continue(tag):
                self._send(password + b"\r\n")
        return self._command_complete("LOGIN", tag)

    def _may_continue(self, tag):
        """Whether the server asks for the literal. If it does not, it refused the command."""
        while self._get_response():
            if self.tagged_commands[tag]:
                return False
        return True

    def _send(self, data):
        try:
            self.send(data)
        except OSError as error:
            raise self.abort(f"socket error: {error}") from error

    def authenticate(self, mechanism, authobject):
        """Extends imaplib's method: records secrets, and sends them only once.

        :raises IMAP4.error: when the server refuses
        """
        try:
            answer = super().authenticate(mechanism, self._sent_once(mechanism.upper(), authobject))
        except ValueError as error:  # a challenge that is not base64
            raise self.abort(f"AUTHENTICATE: {error}") from error
        self._after_login()
        return answer

    def _sent_once(self, mechanism: str, authobject: Callable) -> Callable:
        sent = []

        def answer(challenge):
            if sent and mechanism in _ONE_MESSAGE:
                return b""
            reply = authobject(challenge)
            sent.append(True)
            self._note_secret(mechanism, reply)
            return reply

        return answer

    def _note_secret(self, mechanism, reply):
        text = reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply or ""
        if mechanism == "PLAIN":
            text = text.rpartition("\0")[2]
        self._settings.secrets.add(found[1] if (found := _BEARER.search(text)) else text)

    def _after_login(self):
        """Learn the capabilities, send ID, and enable UTF-8 on servers that support nothing else."""
        self.budget.limit = MAX_REPLY
        self.budget.literals = MAX_REPLY
        before = self.capabilities
        self._learn_capabilities()
        if "ID" in (*before, *self.capabilities):
            self._ask("ID", IDENTITY)
            self.untagged_responses.pop("ID", None)
        if "UTF8=ONLY" in self.capabilities and self._ask("ENABLE", "UTF8=ACCEPT"):  # RFC 6855
            self._mode_utf8()
        self._encoding = "utf-8"

    def _learn_capabilities(self):
        stated = self.untagged_responses.pop("CAPABILITY", None)
        if not stated and self._ask("CAPABILITY"):
            stated = self.untagged_responses.pop("CAPABILITY", None)
        if stated:
            self.capabilities = tuple(str(stated[-1], "ascii", "replace").upper().split())

    def _ask(self, command, *args):
        """Send a command that the server may refuse, and return whether the server executed it."""
        try:
            return self._simple_command(command, *args)[0] == "OK"
        except self.abort:
            raise
        except self.error:
            return False


def _parsing(method):
    """Wrap a method, so that it raises :class:`MalformedReply` for the exceptions of its parser."""

    @wraps(method)
    def parse(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except OSError:
            raise  # a refused certificate is a ValueError, too
        except _PARSER_ERRORS as error:
            raise MalformedReply(f"a reply that makes no sense: {type(error).__name__}") from error

    return parse


class ImapClient(IMAPClient):
    """IMAPClient on the connection of a visit. It logs no command and no reply."""

    def __init__(self, settings: MailboxSettings):
        self._settings = settings
        timeout = SocketTimeout(settings.timeout, settings.timeout)
        try:
            super().__init__(settings.host, settings.port, ssl=settings.tls, timeout=timeout)
        except OSError:
            raise  # a refused certificate is a ValueError, too
        except _PARSER_ERRORS as error:
            if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):
                raise  # no host can have that name
            raise MalformedReply(f"a greeting that makes no sense: {type(error).__name__}") from error
        self.normalise_times = False  # dates with their time zone
        # IMAPClient makes imaplib format all traffic, messages too, for a log that nobody writes
        self._imap.debug = 0

    def _create_IMAP4(self):
        """Replaces IMAPClient's method."""
        return Imap4(self._settings)

    def logged_in(self) -> None:
        """Take over what :class:`Imap4` learned at the login."""
        self._cached_capabilities = tuple(word.encode("ascii", "replace") for word in self._imap.capabilities)
        self.folder_encode = not self._imap.utf8_enabled

    @property
    def is_of_use(self) -> bool:
        """Whether further commands make sense, which they do not after a reply that was too long."""
        return not self._imap.budget.exceeded

    def allow(self, size: int) -> None:
        """Allow replies whose messages have `size` bytes in total."""
        self._imap.budget.literals = max(MAX_REPLY, 2 * min(size, MAX_MESSAGES))

    def folder_names(self) -> list[str]:
        """Return the names of all folders."""
        names = (name for _flags, _delimiter, name in self.list_folders())
        return [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names]

    fetch = _parsing(IMAPClient.fetch)
    search = _parsing(IMAPClient.search)
    select_folder = _parsing(IMAPClient.select_folder)
    list_folders = _parsing(IMAPClient.list_folders)
    expunge = _parsing(IMAPClient.expunge)
