"""Finds out which ports of a mail server accept mail, when the configured one does not."""

import smtplib
import ssl
import time
from concurrent.futures import wait
from contextlib import suppress

from ..network import Address, TimeLimit, connect, in_background
from .connection_test_values import Limits, PortAnswer, PortStatus
from .session import Session
from .tls import StandardTls

_SMTPS = 465
_READY = 220


def try_ports(
    addresses: tuple[Address, ...], host: str, name: str, ports: tuple[int, ...], limits: Limits
) -> tuple[PortAnswer, ...]:
    """Try several ports at the same time, without a login and without a message.

    :param name: the name with which this machine introduces itself
    """
    tries = {port: in_background(_try_port, addresses, host, name, port, limits) for port in ports}
    # a little longer than a try may take; a try that still hangs is abandoned
    wait(tries.values(), limits.port + 1)
    return tuple(PortAnswer(port, _outcome(attempt)) for port, attempt in tries.items())


def _outcome(attempt):
    return attempt.result() if attempt.done() and not attempt.exception() else PortStatus.NO_ANSWER


def _try_port(addresses, host, name, port, limits):
    """Try one port. Some servers take a TLS handshake before the greeting for an attack: only port 465 gets it first."""
    end = time.monotonic() + limits.port
    attempts = (_try_tls, _try_plain) if port == _SMTPS else (_try_plain, _try_tls)
    for attempt in attempts:
        answer = _try(attempt, [address.at(port) for address in addresses], host, name, end, limits)
        if answer is not PortStatus.SILENT:
            break
    return answer


def _try(attempt, addresses, host, name, end, limits):
    try:
        sock, _address, _failed = connect(tuple(addresses), max(end - time.monotonic(), 0.1))
    except ConnectionRefusedError:
        return PortStatus.REFUSED
    except OSError:
        return PortStatus.NO_ANSWER
    sock.settimeout(min(limits.port_greeting, max(end - time.monotonic(), 0.1)))
    session, limit = Session(sock, host, name), TimeLimit(limits.port)
    limit.guard(sock)
    try:
        return attempt(session)
    except (smtplib.SMTPException, OSError, ValueError):
        return PortStatus.SILENT
    finally:
        session.leave()
        limit.end()


def _try_plain(session):
    code, _text = session.getreply()
    if code != _READY:
        return PortStatus.OTHER
    with suppress(smtplib.SMTPHeloError):
        session.ehlo_or_helo_if_needed()
    return PortStatus.STARTTLS if session.has_extn("starttls") else PortStatus.PLAIN


def _try_tls(session):
    try:
        session.sock = StandardTls(strict=False).context.wrap_socket(session.sock, server_hostname=session.host)
    except ssl.SSLError:
        return PortStatus.SILENT
    code, _text = session.getreply()
    return PortStatus.TLS if code == _READY else PortStatus.OTHER
