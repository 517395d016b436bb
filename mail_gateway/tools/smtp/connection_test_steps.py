"""The steps of a connection test: look up the server, connect, greet, encrypt, log in, name a sender and a recipient."""

import smtplib
import time
from collections.abc import Callable

from ..headers.addresses import domain_of, normalize_address, split_author
from ..network import TimeLimit, connect, resolve
from .connection_test_values import (
    Connected,
    ConnectionStep,
    Greeted,
    LoggedIn,
    LoginImpossible,
    Outcome,
    Plan,
    Problem,
    Reply,
    Resolved,
    StepResult,
    Unencrypted,
    readable,
)
from .failures import TEMPORARY, StepFailed, greeting_problem, translate
from .session import NAMELESS, Session, own_name
from .tls import BadOwnCertificate, CertificateTls, StandardTls

_MAX_PORT = 65535
_ACCEPTED = (250, 251)
_READY = 220
# RFC 4954, section 6, and RFC 3207, section 4
_NOT_LOGGED_IN = 530
# Mechanisms that do not send the password itself.
_SECRETLESS = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


class ConnectionTest:
    """One connection test: the facts that are known so far, and one method per step.

    A step returns its outcome and facts, or raises :class:`.StepFailed` or an exception of smtplib or the network.

    :param resolver: a function like ``socket.getaddrinfo``
    :ivar addresses: the addresses of the server
    :ivar session: the SMTP session, None before it is connected
    :ivar tls: how the connection is encrypted, None when it is not
    :ivar name: the name with which this machine introduces itself
    :ivar starttls_left: whether the server offers STARTTLS that the plan does not use
    """

    def __init__(self, plan: Plan, resolver: Callable):
        self.plan, self.resolver = plan, resolver
        self.limit = TimeLimit(plan.limits.total)
        self.addresses, self.session, self.tls = (), None, None
        self.name, self.starttls_left = NAMELESS, False

    @property
    def steps(self) -> list[tuple[ConnectionStep, Callable]]:
        """The steps and their methods, in their order."""
        first = [(ConnectionStep.NAME, self.find), (ConnectionStep.CONNECTION, self.connect)]
        greeting, tls = (ConnectionStep.GREETING, self.greet), (ConnectionStep.TLS, self.encrypt)
        last = [
            (ConnectionStep.LOGIN, self.log_in),
            (ConnectionStep.SENDER, self.send_from),
            (ConnectionStep.RECIPIENT, self.send_to),
        ]
        return [*first, *((tls, greeting) if self.plan.implicit_tls else (greeting, tls)), *last]

    def run(self) -> list[StepResult]:
        """Take the steps. Steps after a failed one are not tried."""
        results = []
        try:
            for step, action in self.steps:
                if results and results[-1].outcome in (Outcome.FAILED, Outcome.NOT_TRIED):
                    results.append(StepResult(step, Outcome.NOT_TRIED))
                else:
                    results.append(self._take(step, action))
        finally:
            if self.session:
                self.session.leave()
            self.limit.end()
        return results

    def _take(self, step, action):
        started = time.monotonic()
        try:
            outcome, facts = action()
            return StepResult(step, outcome, time.monotonic() - started, facts)
        except (StepFailed, smtplib.SMTPException, OSError, ValueError) as error:
            failure = self._failure(error)
        problem, reply = failure.problem, failure.reply and self._reply(*failure.reply)
        detail, seconds = self._readable(failure.detail), time.monotonic() - started
        return StepResult(step, Outcome.FAILED, seconds, failure.facts, problem, reply, detail)

    def _failure(self, error):
        if self.limit.passed or not self.limit.left:
            return StepFailed(Problem.TOO_LONG)
        return error if isinstance(error, StepFailed) else translate(error)

    def _reply(self, code, text):
        return Reply(code, self._readable(text))

    def _readable(self, words):
        secrets = self.session.secrets if self.session else ()
        return readable(words, (self.plan.secret, *secrets))

    # ------------------------------------------------------------------ the steps

    def find(self):
        """Look up the name of the server."""
        plan = self.plan
        if not plan.host:
            raise StepFailed(Problem.NO_HOST)
        port = plan.port if 0 < plan.port <= _MAX_PORT else 0
        try:
            self.addresses = resolve(plan.host, port, plan.limits.connect, self.resolver)
        except TimeoutError:
            raise StepFailed(Problem.RESOLVER_SILENT) from None
        except UnicodeError as error:
            raise StepFailed(Problem.BAD_HOST) from error
        except OSError as error:
            raise StepFailed(Problem.UNKNOWN_HOST, detail=error.strerror or str(error)) from error
        return Outcome.OK, Resolved(tuple(address.text for address in self.addresses))

    def connect(self):
        """Connect to the first address that accepts. The outcome is a warning when others failed before."""
        plan = self.plan
        if not 0 < plan.port <= _MAX_PORT:
            raise StepFailed(Problem.BAD_PORT)
        try:
            sock, address, failed = connect(self.addresses, min(plan.limits.connect, self.limit.left))
        except TimeoutError:
            raise StepFailed(Problem.NO_ANSWER) from None
        self.limit.guard(sock)
        sock.settimeout(plan.limits.reply)
        self.session = Session(sock, plan.host, self.name)
        # core tries the addresses in the same order, with longer time-outs: sending works, but slowly
        outcome = Outcome.WARNING if failed else Outcome.OK
        return outcome, Connected(address.text, tuple(a.text for a in failed))

    def greet(self):
        """Read the greeting and introduce this machine (EHLO, else HELO)."""
        code, text = self.session.getreply()
        if code != _READY:
            raise StepFailed(greeting_problem(code), (code, text))
        self.name = self.session.local_hostname = own_name(self.plan.limits.port)
        self.session.ehlo_or_helo_if_needed()
        size = self.session.esmtp_features.get("size", "")
        size = int(size) if size.isascii() and size.isdigit() else 0
        return Outcome.OK, Greeted(self._readable(text), self.name, size)

    def encrypt(self):
        """Encrypt as the plan says. The step is skipped when the plan has no encryption."""
        if not self.plan.implicit_tls and not self.plan.starttls:
            self.starttls_left = self.session.has_extn("starttls")
            return Outcome.SKIPPED, Unencrypted(self.starttls_left)
        self.tls = self._make_tls()
        try:
            self._wrap()
        except OSError as error:
            self.session.close()
            if facts := self.tls.refusal(error):
                raise StepFailed(Problem.CERTIFICATE, facts=facts) from error
            raise
        facts = self.tls.facts(self.session.sock)
        if self.plan.starttls:
            self.session.ehlo_or_helo_if_needed()
        return Outcome.OK, facts

    def _make_tls(self):
        try:
            if self.plan.own_certificate:
                return CertificateTls(self.plan.strict, self.plan.host, self.plan.own_certificate)
            return StandardTls(self.plan.strict)
        except BadOwnCertificate as error:
            raise StepFailed(Problem.OWN_CERTIFICATE, detail=str(error)) from error

    def _wrap(self):
        if self.plan.starttls:
            _start_tls(self.session, self.tls.context)
        else:
            self.session.sock = self.tls.context.wrap_socket(self.session.sock, server_hostname=self.plan.host)

    def log_in(self):
        """Log in as the plan says. The outcome is a warning when the password goes unencrypted to another machine."""
        if not self.plan.login:
            return Outcome.SKIPPED, None
        readable_by_others = not self.session.encrypted and not self.session.stays_here
        try:
            self.session.log_in(self.plan.login)
        except LoginImpossible as error:
            raise StepFailed(Problem.LOGIN_IMPOSSIBLE, detail=str(error)) from error
        except smtplib.SMTPAuthenticationError as error:
            problem = Problem.LOGIN_LATER if error.smtp_code in TEMPORARY else Problem.LOGIN_REFUSED
            raise StepFailed(problem, (error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise StepFailed(Problem.NO_AUTH) from error
        except UnicodeError:
            # the error quotes characters, which may belong to the password
            raise StepFailed(Problem.LOGIN_CHARACTERS) from None
        in_clear = readable_by_others and self.session.mechanism not in _SECRETLESS
        return Outcome.WARNING if in_clear else Outcome.OK, LoggedIn(self.session.mechanism, in_clear)

    def send_from(self):
        """Name the sender (MAIL)."""
        return Outcome.OK, self._name_address(self.plan.sender, self.session.mail)

    def send_to(self):
        """Name the recipient (RCPT); the message itself is never sent."""
        return Outcome.OK, self._name_address(self.plan.recipient, self.session.rcpt)

    def _name_address(self, address, command):
        reply = command(_plain(address))
        if reply[0] not in _ACCEPTED:
            raise StepFailed(self._refusal(*reply), reply)
        return self._reply(*reply)

    def _refusal(self, code, text):
        if code in TEMPORARY:
            return Problem.ADDRESS_LATER
        if code == _NOT_LOGGED_IN and b"starttls" in text.lower() and not self.session.encrypted:
            return Problem.ENCRYPTION_WANTED
        if code == _NOT_LOGGED_IN and not self.plan.login:
            return Problem.LOGIN_WANTED
        return Problem.ADDRESS_REFUSED


def _start_tls(session, context):
    try:
        session.starttls(context=context)
    except smtplib.SMTPNotSupportedError as error:
        raise StepFailed(Problem.NO_STARTTLS) from error
    except smtplib.SMTPResponseException as error:
        raise StepFailed(Problem.STARTTLS_REFUSED, (error.smtp_code, error.smtp_error)) from error


def _plain(address):
    """Return an address for the envelope: with its domain in ASCII, and its local part as it is.

    :raises StepFailed: when the text contains no address that can be sent
    """
    plain = split_author(address)[1]
    normal = normalize_address(plain)
    local = plain.rpartition("@")[0]
    if not normal or not local.isascii():
        raise StepFailed(Problem.BAD_ADDRESS)
    return f"{local}@{domain_of(normal)}"
