"""Logs in to an SMTP server with any characters, and hides secrets in its replies."""

import hmac
import smtplib
from base64 import b64decode, b64encode
from collections.abc import Callable

from ..secrets import Secrets
from ..session_log import SessionLog

_LOGGED_IN = (235, 503)  # 503: logged in already
_CONTINUE = 334


def log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    """Log in with user and password in UTF-8 (RFC 4616), since smtplib's ``login`` sends only ASCII.

    Like smtplib, this function tries all mechanisms that the server offers: some servers offer one that does not work.

    :raises smtplib.SMTPAuthenticationError: when the server refuses
    :raises smtplib.SMTPException: when it offers no known mechanism
    """
    connection.ehlo_or_helo_if_needed()
    if not connection.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")
    offered = connection.esmtp_features["auth"].upper().split()
    refusal = smtplib.SMTPException("No suitable authentication method found.")
    for mechanism, log_in in _MECHANISMS.items():
        if mechanism in offered:
            code, text = log_in(connection, user, password)
            if code in _LOGGED_IN:
                return
            refusal = smtplib.SMTPAuthenticationError(code, text)
    raise refusal


def _plain(connection, user, password):
    if "\0" in user + password:
        return 535, b"user name or password contain a NUL character"
    answer = _encode(f"\0{user}\0{password}")
    code, text = connection.docmd("AUTH", f"PLAIN {answer}")
    return connection.docmd(answer) if code == _CONTINUE else (code, text)


def _login(connection, user, password):
    code, text = connection.docmd("AUTH", "LOGIN")
    for answer in (user, password):
        if code == _CONTINUE:
            code, text = connection.docmd(_encode(answer))
    return code, text


def _cram_md5(connection, user, password):
    code, text = connection.docmd("AUTH", "CRAM-MD5")
    if code != _CONTINUE:
        return code, text
    try:
        challenge = b64decode(text)
    except ValueError:
        return connection.docmd("*")
    return connection.docmd(_encode(f"{user} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}"))


def _encode(text):
    return b64encode(text.encode()).decode()


_MECHANISMS = {"PLAIN": _plain, "LOGIN": _login, "CRAM-MD5": _cram_md5}


def hide_in_replies(connection: smtplib.SMTP, secrets: Callable[[], Secrets], log: SessionLog) -> None:
    """Remove secrets from refusals of a server before they are logged or raised, and log commands and replies.

    :param connection: a connection that has logged in already; its ``getreply`` and ``putcmd`` are replaced
    :param secrets: a function that returns the secrets; it is called for each refusal
    """
    read_reply, send_command = connection.getreply, connection.putcmd

    def getreply():
        code, text = read_reply()
        text = secrets().hide(text) if code >= 400 else text  # noqa: PLR2004 RFC 5321, section 4.2.1
        log.received(b"%d %s" % (code, text))
        return code, text

    def putcmd(cmd, args=""):
        # the login came before this function was in place; if an addon adds another one, its arguments are not logged
        log.sent("AUTH (login)" if cmd.upper() == "AUTH" else f"{cmd} {args}".rstrip())
        return send_command(cmd, args)

    connection.getreply, connection.putcmd = getreply, putcmd
