"""Which ports of a mail server take mail, when the configured one does not."""

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


def look_at_ports(
    addresses: tuple[Address, ...], host: str, name: str, ports: tuple[int, ...], limits: Limits
) -> tuple[PortAnswer, ...]:
    """Look at several ports at the same time. Nobody signs in, nothing is handed in.

    :param name: that this machine introduces itself with
    """
    looks = {port: in_background(_look, addresses, host, name, port, limits) for port in ports}
    # a little longer than a look takes; what hangs nevertheless is left behind
    wait(looks.values(), limits.port + 1)
    return tuple(PortAnswer(port, _outcome(look)) for port, look in looks.items())


def _outcome(look):
    return look.result() if look.done() and not look.exception() else PortStatus.NO_ANSWER


def _look(addresses, host, name, port, limits):
    """A TLS handshake before the greeting looks like an attack to some servers: only 465 gets it first."""
    end = time.monotonic() + limits.port
    kinds = (_look_with_tls, _look_plainly) if port == _SMTPS else (_look_plainly, _look_with_tls)
    for look in kinds:
        answer = _try(look, [address.at(port) for address in addresses], host, name, end, limits)
        if answer is not PortStatus.SILENT:
            break
    return answer


def _try(look, addresses, host, name, end, limits):
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
        return look(session)
    except (smtplib.SMTPException, OSError, ValueError):
        return PortStatus.SILENT
    finally:
        session.leave()
        limit.end()


def _look_plainly(session):
    code, _text = session.getreply()
    if code != _READY:
        return PortStatus.OTHER
    with suppress(smtplib.SMTPHeloError):
        session.ehlo_or_helo_if_needed()
    return PortStatus.STARTTLS if session.has_extn("starttls") else PortStatus.PLAIN


def _look_with_tls(session):
    try:
        session.sock = StandardTls(strict=False).context.wrap_socket(session.sock, server_hostname=session._host)
    except ssl.SSLError:
        return PortStatus.SILENT
    code, _text = session.getreply()
    return PortStatus.TLS if code == _READY else PortStatus.OTHER
