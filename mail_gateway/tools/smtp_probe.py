"""Tries an outgoing server step by step, up to the point where a message would follow, and never sends one."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

from .addresses import domain_of, normalize_address, split_author
from .smtp_probe_ports import look_at_ports
from .smtp_probe_session import NAMELESS, EndlessReply, Session, TimeLimit, connect, own_name, resolve
from .smtp_probe_tls import BadOwnCertificate, CertificateTls, Encrypted, StandardTls, Trust
from .smtp_probe_values import (
    Answer,
    Connected,
    Greeted,
    LoggedIn,
    LoginImpossible,
    Outcome,
    Plan,
    PortAnswer,
    Problem,
    Reply,
    Report,
    Resolved,
    Step,
    StepResult,
    Unencrypted,
    readable,
)

_HIGHEST_PORT = 65535
_TEMPORARY = range(400, 500)
_ACCEPTED = (250, 251)
_READY = 220
# RFC 4954, section 6, and RFC 3207, section 4
_NOT_SIGNED_IN = 530
# mechanisms whose exchange contains no password that could be read
_SECRETLESS = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
# what OpenSSL's versions call bytes that are no TLS
_NO_TLS = ("wrong version number", "wrong_version_number", "unknown protocol", "packet length too long",
           "record layer failure")  # fmt: skip

_QUOTED = re.compile(r"'([^']+)'")

# the port does not do what it is configured for: others may
_PORT_PROBLEMS = {
    Problem.BAD_PORT, Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE, Problem.SILENT, Problem.CLOSED,
    Problem.NOT_SMTP, Problem.ENDLESS, Problem.TURNED_AWAY, Problem.NO_STARTTLS, Problem.NO_TLS_HERE, Problem.TLS,
}  # fmt: skip
# so may the same port, with another encryption
_ENCRYPTION_PROBLEMS = {Problem.SILENT, Problem.CLOSED, Problem.NOT_SMTP, Problem.NO_TLS_HERE, Problem.TLS}


class StepFailed(Exception):
    """Ends a probe."""

    def __init__(self, problem: Problem, reply: tuple | None = None, detail: str = "", facts=None):
        super().__init__(problem)
        self.problem, self.reply, self.detail, self.facts = problem, reply, detail, facts


def probe(plan: Plan, resolver: Callable | None = None) -> Report:
    """Try a server: find it, connect, encrypt, sign in, name a sender and a recipient, leave.

    Takes no longer than ``plan.limits.total`` plus ``plan.limits.port`` and some seconds.

    :param resolver: instead of ``socket.getaddrinfo``, with the same parameters
    """
    conversation = _Conversation(plan, resolver or socket.getaddrinfo)
    results = conversation.hold()
    results = [conversation.complete(result) for result in results]
    report = Report(tuple(results))
    if not report.failed or not _is_about_the_port(report.failed):
        return report
    return replace(report, ports=conversation.look_elsewhere(report.failed.problem))


def _is_about_the_port(failed):
    """Whether another port may do better; one that got as far as the login is the right one."""
    if failed.step in (Step.CONNECTION, Step.GREETING, Step.TLS):
        return failed.problem in _PORT_PROBLEMS
    return failed.problem is Problem.NO_AUTH


class _Conversation:
    """One probe: what is known so far, and one method per step."""

    def __init__(self, plan, resolver):
        self.plan, self.resolver = plan, resolver
        self.limit = TimeLimit(plan.limits.total)
        self.addresses, self.session, self.tls = (), None, None
        self.name, self.starttls_left = NAMELESS, False

    @property
    def steps(self):
        """In the order in which they happen."""
        first = [(Step.NAME, self.find), (Step.CONNECTION, self.connect)]
        greeting, tls = (Step.GREETING, self.greet), (Step.TLS, self.encrypt)
        last = [(Step.LOGIN, self.log_in), (Step.SENDER, self.send_from), (Step.RECIPIENT, self.send_to)]
        return [*first, *((tls, greeting) if self.plan.implicit_tls else (greeting, tls)), *last]

    def hold(self):
        """Take the steps; those behind a failed one are not tried."""
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
        return error if isinstance(error, StepFailed) else _translate(error)

    def _reply(self, code, text):
        return Reply(code, self._readable(text))

    def _readable(self, words):
        secrets = self.session.secrets if self.session else ()
        return readable(words, (self.plan.secret, *secrets))

    # ------------------------------------------------------------------ the steps

    def find(self):
        plan = self.plan
        if not plan.host:
            raise StepFailed(Problem.NO_HOST)
        port = plan.port if 0 < plan.port <= _HIGHEST_PORT else 0
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
        plan = self.plan
        if not 0 < plan.port <= _HIGHEST_PORT:
            raise StepFailed(Problem.BAD_PORT)
        try:
            sock, address, failed = connect(self.addresses, min(plan.limits.connect, self.limit.left))
        except TimeoutError:
            raise StepFailed(Problem.NO_ANSWER) from None
        self.limit.guard(sock)
        sock.settimeout(plan.limits.reply)
        self.session = Session(sock, plan.host, self.name)
        # core tries the addresses in the same order, with longer time-outs
        outcome = Outcome.WARNING if failed else Outcome.OK
        return outcome, Connected(address.text, tuple(a.text for a in failed))

    def greet(self):
        code, text = self.session.getreply()
        if code != _READY:
            raise StepFailed(_greeting_problem(code), (code, text))
        self.name = self.session.local_hostname = own_name(self.plan.limits.port)
        self.session.ehlo_or_helo_if_needed()
        size = self.session.esmtp_features.get("size", "")
        size = int(size) if size.isascii() and size.isdigit() else 0
        return Outcome.OK, Greeted(self._readable(text), self.name, size)

    def encrypt(self):
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
        if not self.plan.login:
            return Outcome.SKIPPED, None
        readable_by_others = not self.session.encrypted and not self.session.stays_here
        try:
            self.session.sign_in(self.plan.login)
        except LoginImpossible as error:
            raise StepFailed(Problem.LOGIN_IMPOSSIBLE, detail=str(error)) from error
        except smtplib.SMTPAuthenticationError as error:
            problem = Problem.LOGIN_LATER if error.smtp_code in _TEMPORARY else Problem.LOGIN_REFUSED
            raise StepFailed(problem, (error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise StepFailed(Problem.NO_AUTH) from error
        except UnicodeError:
            # says which characters: they may be the password's
            raise StepFailed(Problem.LOGIN_CHARACTERS) from None
        in_clear = readable_by_others and self.session.mechanism not in _SECRETLESS
        return Outcome.WARNING if in_clear else Outcome.OK, LoggedIn(self.session.mechanism, in_clear)

    def send_from(self):
        return Outcome.OK, self._name_address(self.plan.sender, self.session.mail)

    def send_to(self):
        return Outcome.OK, self._name_address(self.plan.recipient, self.session.rcpt)

    def _name_address(self, address, command):
        reply = command(_plain(address))
        if reply[0] not in _ACCEPTED:
            raise StepFailed(self._refusal(*reply), reply)
        return self._reply(*reply)

    def _refusal(self, code, text):
        if code in _TEMPORARY:
            return Problem.ADDRESS_LATER
        if code == _NOT_SIGNED_IN and b"starttls" in text.lower() and not self.session.encrypted:
            return Problem.ENCRYPTION_WANTED
        if code == _NOT_SIGNED_IN and not self.plan.login:
            return Problem.LOGIN_WANTED
        return Problem.ADDRESS_REFUSED

    # ------------------------------------------------------------------ afterwards

    def complete(self, result):
        """Add what takes a second connection to find out: whose a refused certificate is, how far to trust another."""
        facts = result.facts
        if not isinstance(facts, Encrypted):
            return result
        if isinstance(self.tls, StandardTls):
            facts = self._look_again(facts)
        outcome = Outcome.WARNING if result.outcome is Outcome.OK and facts.doubtful else result.outcome
        return replace(result, facts=facts, outcome=outcome)

    def _look_again(self, facts):
        """The standard library verifies a certificate or shows it, never both for a bad one."""
        if facts.trust is Trust.VERIFIED:
            return facts
        other = StandardTls(not self.plan.strict)
        try:
            seen = self._handshake(other)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            seen = other.refusal(error)
        if not seen:
            return facts
        return facts._replace(certificate=seen.certificate) if self.plan.strict else facts._replace(trust=seen.trust)

    def _handshake(self, tls):
        seconds = min(self.plan.limits.port, self.plan.limits.connect)
        limit = TimeLimit(seconds)
        sock, _address, _failed = connect(self.addresses, seconds)
        limit.guard(sock)
        session = Session(sock, self.plan.host, self.name)
        try:
            if self.plan.starttls:
                session.getreply()
                session.starttls(context=tls.context)
            else:
                session.sock = tls.context.wrap_socket(sock, server_hostname=self.plan.host)
            return tls.facts(session.sock)
        finally:
            session.leave()
            limit.end()

    def look_elsewhere(self, problem):
        """Look at the usual ports, and again at the configured one where another encryption may help."""
        plan = self.plan
        ports = [port for port in plan.other_ports if port != plan.port]
        if problem in _ENCRYPTION_PROBLEMS:
            ports.insert(0, plan.port)
        seen = look_at_ports(self.addresses, plan.host, self.name, tuple(ports), plan.limits)
        return (*self._known(problem), *seen)

    def _known(self, problem):
        """How the configured port answered, where it is clear without a second look."""
        if problem is Problem.NO_STARTTLS:
            return (PortAnswer(self.plan.port, Answer.PLAIN),)
        if problem is Problem.NO_AUTH and self.starttls_left:
            return (PortAnswer(self.plan.port, Answer.STARTTLS),)
        return ()


def _start_tls(session, context):
    try:
        session.starttls(context=context)
    except smtplib.SMTPNotSupportedError as error:
        raise StepFailed(Problem.NO_STARTTLS) from error
    except smtplib.SMTPResponseException as error:
        raise StepFailed(Problem.STARTTLS_REFUSED, (error.smtp_code, error.smtp_error)) from error


def _greeting_problem(code):
    if code in _TEMPORARY:
        return Problem.BUSY
    return Problem.TURNED_AWAY if code >= 500 else Problem.NOT_SMTP  # noqa: PLR2004 RFC 5321, section 4.2.1


def _plain(address):
    """The address of an envelope, its domain in ASCII; its local part stays as it is.

    :raises StepFailed: when there is none
    """
    plain = split_author(address)[1]
    normal = normalize_address(plain)
    local = plain.rpartition("@")[0]
    if not normal or not local.isascii():
        raise StepFailed(Problem.BAD_ADDRESS)
    return f"{local}@{domain_of(normal)}"


def _translate(error):
    """What smtplib or the network raised, as a failure."""
    match error:
        case smtplib.SMTPHeloError():
            return StepFailed(Problem.NAME_REFUSED, (error.smtp_code, error.smtp_error))
        case smtplib.SMTPResponseException():
            return StepFailed(Problem.NOT_SMTP, (error.smtp_code, error.smtp_error))
        case smtplib.SMTPServerDisconnected():
            return _translate_lost(error)
        case smtplib.SMTPException():
            return StepFailed(Problem.NO_MECHANISM, detail=str(error))
        case ConnectionRefusedError():
            return StepFailed(Problem.REFUSED)
        case TimeoutError():
            return StepFailed(Problem.SILENT)
        case ssl.SSLEOFError() | ConnectionResetError() | ssl.SSLZeroReturnError() | BrokenPipeError():
            return StepFailed(Problem.CLOSED)
        case ssl.SSLError():
            return StepFailed(_tls_problem(error), detail=_tls_words(error))
        case OSError():
            return StepFailed(Problem.UNREACHABLE, detail=error.strerror or str(error))
    return StepFailed(Problem.NOT_SMTP, detail=str(error))


def _translate_lost(error):
    """smtplib hides the reason of a lost connection behind its own exception."""
    reason = error.__context__
    if isinstance(reason, TimeoutError):
        return StepFailed(Problem.SILENT)
    if isinstance(reason, EndlessReply):
        return StepFailed(Problem.ENDLESS)
    return StepFailed(Problem.CLOSED, detail=_tls_words(reason) if isinstance(reason, ssl.SSLError) else "")


def _tls_problem(error):
    words = str(error).lower()
    return Problem.NO_TLS_HERE if any(no_tls in words for no_tls in _NO_TLS) else Problem.TLS


def _tls_words(error):
    """OpenSSL's reason. In pyOpenSSL's errors, as urllib3 wraps them, it is the last of some quoted words."""
    quoted = _QUOTED.findall(str(error))
    reason = getattr(error, "reason", None) or (quoted[-1] if quoted else str(error))
    return reason.replace("_", " ").lower()
