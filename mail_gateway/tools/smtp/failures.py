"""Translates exceptions of smtplib, sockets and OpenSSL, and replies, into problems of a connection test."""

import re
import smtplib
import ssl

from .connection_test_values import Problem
from .session import EndlessReply

TEMPORARY = range(400, 500)
# The words with which versions of OpenSSL report bytes that are not TLS.
_NO_TLS = ("wrong version number", "wrong_version_number", "unknown protocol", "packet length too long",
           "record layer failure")  # fmt: skip
_QUOTED = re.compile(r"'([^']+)'")


class StepFailed(Exception):
    """A step failed, which ends the connection test.

    :ivar reply: (code, text) of the server when it refused
    :ivar detail: further words about the failure
    :ivar facts: the facts that the step found out nevertheless
    """

    def __init__(self, problem: Problem, reply: tuple | None = None, detail: str = "", facts=None):
        super().__init__(problem)
        self.problem, self.reply, self.detail, self.facts = problem, reply, detail, facts


def greeting_problem(code: int) -> Problem:
    """Return the problem that a greeting reports.

    :param code: the code of a greeting other than 220
    """
    if code in TEMPORARY:
        return Problem.BUSY
    return Problem.TURNED_AWAY if code >= 500 else Problem.NOT_SMTP  # noqa: PLR2004 RFC 5321, section 4.2.1


def translate(error: Exception) -> StepFailed:
    """Translate an exception of smtplib or the network into the failure of a step."""
    match error:
        case smtplib.SMTPHeloError():
            return StepFailed(Problem.NAME_REFUSED, (error.smtp_code, error.smtp_error))
        case smtplib.SMTPResponseException():
            return StepFailed(Problem.NOT_SMTP, (error.smtp_code, error.smtp_error))
        case smtplib.SMTPServerDisconnected():
            return _translate_disconnected(error)
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


def _translate_disconnected(error):
    """Find the reason why a connection ended, which smtplib hides behind its own exception."""
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
    """Return OpenSSL's reason. In errors of pyOpenSSL that urllib3 wraps, it is the last of some quoted words."""
    quoted = _QUOTED.findall(str(error))
    reason = getattr(error, "reason", None) or (quoted[-1] if quoted else str(error))
    return reason.replace("_", " ").lower()
