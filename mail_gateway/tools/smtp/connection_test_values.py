"""What a probe of an outgoing server is asked, and what it answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..secrets import Secrets
from .tls import Encrypted, OwnCertificate

_LONGEST_REPLY = 300
_NO_TEXT = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Step(Enum):
    """What is tried, one after the other."""

    NAME = "name"
    CONNECTION = "connection"
    GREETING = "greeting"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"


class Outcome(Enum):
    """How a step went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_TRIED = "not_tried"


class Problem(Enum):
    """Why a step failed."""

    NO_HOST = "no_host"
    BAD_HOST = "bad_host"
    UNKNOWN_HOST = "unknown_host"
    RESOLVER_SILENT = "resolver_silent"
    BAD_PORT = "bad_port"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CLOSED = "closed"
    NOT_SMTP = "not_smtp"
    ENDLESS = "endless"
    BUSY = "busy"
    TURNED_AWAY = "turned_away"
    NAME_REFUSED = "name_refused"
    NO_STARTTLS = "no_starttls"
    STARTTLS_REFUSED = "starttls_refused"
    NO_TLS_HERE = "no_tls_here"
    CERTIFICATE = "certificate"
    TLS = "tls"
    OWN_CERTIFICATE = "own_certificate"
    NO_AUTH = "no_auth"
    NO_MECHANISM = "no_mechanism"
    LOGIN_REFUSED = "login_refused"
    LOGIN_LATER = "login_later"
    LOGIN_IMPOSSIBLE = "login_impossible"
    LOGIN_CHARACTERS = "login_characters"
    BAD_ADDRESS = "bad_address"
    ENCRYPTION_WANTED = "encryption_wanted"
    LOGIN_WANTED = "login_wanted"
    ADDRESS_REFUSED = "address_refused"
    ADDRESS_LATER = "address_later"
    TOO_LONG = "too_long"


class PortStatus(Enum):
    """How a port answers."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"
    OTHER = "other"
    SILENT = "silent"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


class Reply(NamedTuple):
    """What a server said.

    :ivar code: RFC 5321's three digits; -1 when there were none
    :ivar text: the rest, fit to be shown
    """

    code: int
    text: str


class Resolved(NamedTuple):
    """The addresses of the server."""

    addresses: tuple[str, ...]


class Connected(NamedTuple):
    """The address that took the connection, and those before it that did not."""

    address: str
    failed: tuple[str, ...] = ()


class Greeted(NamedTuple):
    """How server and client introduced themselves.

    :ivar size: of the largest message that the server says it takes, in bytes; 0 when it does not say (RFC 1870)
    """

    banner: str
    own_name: str
    size: int


class Unencrypted(NamedTuple):
    """Nobody asked for TLS."""

    starttls_offered: bool


class LoggedIn(NamedTuple):
    """How the login went.

    :ivar in_clear: the password travelled unencrypted to another machine
    """

    mechanism: str
    in_clear: bool


class PortAnswer(NamedTuple):
    """What one port answered just now."""

    port: int
    answer: PortStatus

    @property
    def serves(self) -> bool:
        """Whether mail can be handed in there."""
        return self.answer in _SERVING


# RFC 8314 prefers TLS from the first byte; what matters more is that there is any.
_SERVING = (PortStatus.TLS, PortStatus.STARTTLS, PortStatus.PLAIN)


class LoginImpossible(Exception):
    """A login could not even be tried; the text is meant for the administrator."""


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds."""

    connect: float = 10
    reply: float = 15
    total: float = 42
    port: float = 5
    port_greeting: float = 2.5


@dataclass(frozen=True)
class Plan:
    """What to try.

    :ivar encryption: as core's field: ``none``, ``starttls``, ``starttls_strict``, ``ssl``, ``ssl_strict``
    :ivar login: signs in on the smtplib connection it is given; None for a server that wants no login. It may raise
        :class:`LoginImpossible`
    :ivar secret: never shown, whatever the server answers
    :ivar sender: an address, plain or with a name
    :ivar other_ports: looked at when the configured one is of no use
    """

    host: str
    port: int
    encryption: str
    sender: str
    recipient: str
    login: Callable[[object], None] | None = None
    secret: str = field(default="", repr=False)
    own_certificate: OwnCertificate | None = field(default=None, repr=False)
    other_ports: tuple[int, ...] = (465, 587, 2525)
    limits: Limits = Limits()

    @property
    def implicit_tls(self) -> bool:
        """TLS from the first byte."""
        return self.encryption in ("ssl", "ssl_strict")

    @property
    def starttls(self) -> bool:
        """TLS begun by a command (RFC 3207)."""
        return self.encryption in ("starttls", "starttls_strict")

    @property
    def strict(self) -> bool:
        """The server has to prove its name."""
        return self.encryption.endswith("_strict")


Facts = Resolved | Connected | Greeted | Encrypted | Unencrypted | LoggedIn | Reply


@dataclass(frozen=True)
class StepResult:
    """How one step went.

    :ivar facts: what was found; a failed step may know some, too
    :ivar reply: the server's words in a refusal
    :ivar detail: further words about a failure, of a library or of a login that could not be tried
    """

    step: Step
    outcome: Outcome
    seconds: float = 0.0
    facts: Facts | None = None
    problem: Problem | None = None
    reply: Reply | None = None
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The whole probe."""

    steps: tuple[StepResult, ...]
    ports: tuple[PortAnswer, ...] = ()

    @property
    def failed(self) -> StepResult | None:
        """The step that failed, if one did."""
        return next((result for result in self.steps if result.outcome is Outcome.FAILED), None)

    @property
    def outcome(self) -> Outcome:
        """How it went as a whole: OK, WARNING or FAILED."""
        outcomes = {result.outcome for result in self.steps}
        return next((o for o in (Outcome.FAILED, Outcome.WARNING) if o in outcomes), Outcome.OK)

    def find(self, step: Step) -> StepResult | None:
        """The result of one step."""
        return next((result for result in self.steps if result.step is step), None)

    def best_port(self, configured: int) -> PortAnswer | None:
        """The port to use instead: an encrypted one before others, then the configured one, then TLS at once."""
        serving = [answer for answer in self.ports if answer.serves]

        def badness(answer):
            return answer.answer is PortStatus.PLAIN, answer.port != configured, _SERVING.index(answer.answer)

        return min(serving, key=badness, default=None)


def readable(words: bytes | str, secrets: tuple[str, ...] = ()) -> str:
    """Make foreign words fit to be shown: one line, no control characters, not too long, no secret in it."""
    text = _decode(words) if isinstance(words, bytes) else words
    text = Secrets(*secrets).hide(text)
    text = _NO_TEXT.sub(" ", text).strip()
    return text if len(text) <= _LONGEST_REPLY else text[: _LONGEST_REPLY - 1] + "…"


def _decode(words):
    try:
        return words.decode()
    except UnicodeDecodeError:
        return words.decode("latin-1")
