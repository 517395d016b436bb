"""Opening a session for the queue: the steps of the connection test up to the login, and what their failures mean."""

import smtplib
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..failures.categories import Category, Failure, Phase, Scope
from ..failures.classify import classify_error, classify_reply
from ..failures.reply import Reply, read_reply
from .connection_test_steps import ConnectionTest
from .connection_test_values import ConnectionStep, Plan, Problem, readable
from .failures import StepFailed
from .session import Session
from .tls import Encrypted, Trust
from .transaction import SessionOver

_PHASES = {
    ConnectionStep.NAME: Phase.CONNECT,
    ConnectionStep.CONNECTION: Phase.CONNECT,
    ConnectionStep.GREETING: Phase.CONNECT,
    ConnectionStep.TLS: Phase.TLS,
    ConnectionStep.LOGIN: Phase.AUTH,
}
_LOGIN_PROBLEMS = {Problem.LOGIN_IMPOSSIBLE, Problem.LOGIN_CHARACTERS, Problem.NO_AUTH, Problem.NO_MECHANISM}


@dataclass(frozen=True)
class OpenSession:
    """A session that is ready for messages.

    :ivar remote_address: the IP address of the server
    :ivar tls_version: empty when the connection is not encrypted
    :ivar tls_verified: whether the server proved its name
    """

    session: Session
    remote_address: str
    tls_version: str = ""
    tls_verified: bool = False


def open_session(
    plan: Plan, resolver: Callable = socket.getaddrinfo, connected: Callable[[Session], None] = lambda _session: None
) -> OpenSession:
    """Connect, greet, encrypt and log in, within the limits of the plan.

    :param connected: gets the session as soon as there is one, to cut it if need be
    :raises SessionOver: when a step fails; that is always the server's failure
    """
    steps = ConnectionTest(plan, resolver)
    remote_address, encrypted = "", None
    try:
        for step, action in steps.steps:
            if step not in _PHASES:
                break
            _outcome, facts = action()
            if step is ConnectionStep.CONNECTION:
                remote_address = facts.address
                connected(steps.session)
            elif isinstance(facts, Encrypted):
                encrypted = facts
    except (StepFailed, smtplib.SMTPException, OSError, ValueError) as error:
        over = _over(error, _PHASES[step], (plan.secret, *(steps.session.secrets if steps.session else ())))
        if steps.session:
            steps.session.close()
        raise over from None  # the error may quote the password
    finally:
        steps.limit.end()
    return OpenSession(
        steps.session,
        remote_address,
        encrypted.version if encrypted else "",
        bool(encrypted and encrypted.trust is Trust.VERIFIED),
    )


def _over(error, phase, secrets):
    code, text = _reply_of(error)
    if code:
        reply = read_reply(code, readable(text, secrets))
        return SessionOver(classify_reply(reply, phase), phase, reply)
    failure = classify_error(error, phase)
    if isinstance(error, StepFailed):
        failure = Failure(Scope.SERVER, permanent=False, category=_category(error.problem, phase, failure.category))
    detail = readable(getattr(error, "detail", "") or getattr(error, "strerror", "") or "", secrets)
    return SessionOver(replace(failure, source=""), phase, Reply(0, "", detail) if detail else None)


def _reply_of(error):
    if isinstance(error, StepFailed):
        return error.reply or (0, b"")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return error.smtp_code, error.smtp_error
    return 0, b""


def _category(problem, phase, otherwise):
    if problem in _LOGIN_PROBLEMS:
        return Category.LOGIN
    return Category.TLS if phase is Phase.TLS else otherwise
