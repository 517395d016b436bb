"""The parameters of a connection test, and its results."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..secrets import Secrets
from .tls import Encrypted, OwnCertificate

_MAX_REPLY_CHARS = 300
_NO_TEXT = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class ConnectionStep(Enum):
    """The steps of a connection test."""

    NAME = "name"
    CONNECTION = "connection"
    GREETING = "greeting"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"


class Outcome(Enum):
    """The outcome of a step, or of the whole test."""

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
    """A reply of a server.

    :ivar code: three digits (RFC 5321); -1 when there were none
    :ivar text: the rest, in a form that can be shown
    """

    code: int
    text: str


class Resolved(NamedTuple):
    """The IP addresses of the server."""

    addresses: tuple[str, ...]


class Connected(NamedTuple):
    """The IP address that accepted the connection, and those before it that did not."""

    address: str
    failed: tuple[str, ...] = ()


class Greeted(NamedTuple):
    """The introductions of server and client.

    :ivar banner: the text of the greeting
    :ivar own_name: the name with which this machine introduced itself
    :ivar size: bytes of the largest message that the server accepts (RFC 1870); 0 when it states none
    """

    banner: str
    own_name: str
    size: int


class Unencrypted(NamedTuple):
    """The connection stays unencrypted, as configured."""

    starttls_offered: bool


class LoggedIn(NamedTuple):
    """A successful login.

    :ivar mechanism: the SASL name of the mechanism
    :ivar in_clear: whether the password was sent unencrypted to another machine
    """

    mechanism: str
    in_clear: bool


class PortAnswer(NamedTuple):
    """How a port answered."""

    port: int
    answer: PortStatus

    @property
    def serves(self) -> bool:
        """Whether the port accepts mail."""
        return self.answer in _SERVING


# The best answer comes first: RFC 8314 prefers TLS from the first byte.
_SERVING = (PortStatus.TLS, PortStatus.STARTTLS, PortStatus.PLAIN)


class LoginImpossible(Exception):
    """The login could not be tried. The text is meant for the administrator."""


@dataclass(frozen=True)
class Limits:
    """The time limits for the parts of a test, in seconds.

    :ivar connect: looking up the name, and connecting to all addresses
    :ivar reply: each reply
    :ivar total: all steps
    :ivar port: trying one other port
    :ivar port_greeting: the greeting of another port
    """

    connect: float = 10
    reply: float = 15
    total: float = 42
    port: float = 5
    port_greeting: float = 2.5


@dataclass(frozen=True)
class Plan:
    """The server to test, and the parameters of the test.

    :ivar encryption: a value of core's field: ``none``, ``starttls``, ``starttls_strict``, ``ssl``, ``ssl_strict``
    :ivar login: a function that logs in on a given smtplib connection, and may raise :class:`LoginImpossible`; None for a
        server that requires no login
    :ivar secret: the password, which is never shown, even when the server repeats it
    :ivar sender: an address, plain or with a name
    :ivar other_ports: ports to try when the configured one does not work
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
        """Whether TLS begins with the first byte."""
        return self.encryption in ("ssl", "ssl_strict")

    @property
    def starttls(self) -> bool:
        """Whether TLS begins with a command (RFC 3207)."""
        return self.encryption in ("starttls", "starttls_strict")

    @property
    def strict(self) -> bool:
        """Whether the server has to prove its name."""
        return self.encryption.endswith("_strict")


Facts = Resolved | Connected | Greeted | Encrypted | Unencrypted | LoggedIn | Reply


@dataclass(frozen=True)
class StepResult:
    """The result of one step.

    :ivar facts: the facts that the step found out, in some cases even when it failed
    :ivar problem: why the step failed, None when it did not
    :ivar reply: the reply of the server when it refused
    :ivar detail: further words about a failure, from a library or from a login that could not be tried
    """

    step: ConnectionStep
    outcome: Outcome
    seconds: float = 0.0
    facts: Facts | None = None
    problem: Problem | None = None
    reply: Reply | None = None
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The results of a connection test.

    :ivar ports: how other ports answered, when the configured one did not work
    """

    steps: tuple[StepResult, ...]
    ports: tuple[PortAnswer, ...] = ()

    @property
    def failed(self) -> StepResult | None:
        """The step that failed, if one did."""
        return next((result for result in self.steps if result.outcome is Outcome.FAILED), None)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the whole test: OK, WARNING or FAILED."""
        outcomes = {result.outcome for result in self.steps}
        return next((o for o in (Outcome.FAILED, Outcome.WARNING) if o in outcomes), Outcome.OK)

    def find(self, step: ConnectionStep) -> StepResult | None:
        """Return the result of one step."""
        return next((result for result in self.steps if result.step is step), None)

    def best_port(self, configured: int) -> PortAnswer | None:
        """Return the best port: prefer encrypted ports, then the configured one, then one with TLS from the first byte.

        :return: None when no port accepts mail
        """
        serving = [answer for answer in self.ports if answer.serves]

        def badness(answer):
            return answer.answer is PortStatus.PLAIN, answer.port != configured, _SERVING.index(answer.answer)

        return min(serving, key=badness, default=None)


def readable(words: bytes | str, secrets: tuple[str, ...] = ()) -> str:
    """Return words of a server in a form that can be shown: one short line without control characters and secrets."""
    text = _decode(words) if isinstance(words, bytes) else words
    text = Secrets(*secrets).hide(text)
    text = _NO_TEXT.sub(" ", text).strip()
    return text if len(text) <= _MAX_REPLY_CHARS else text[: _MAX_REPLY_CHARS - 1] + "…"


def _decode(words):
    try:
        return words.decode()
    except UnicodeDecodeError:
        return words.decode("latin-1")
