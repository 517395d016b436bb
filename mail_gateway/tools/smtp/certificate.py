"""Examines the certificate of a server on a second connection.

The standard library verifies certificates or shows them, but does not show one that it refused.
"""

import smtplib

from ..network import TimeLimit, connect
from .connection_test_steps import ConnectionTest
from .session import Session
from .tls import Encrypted, StandardTls, Trust


def examine_certificate(test: ConnectionTest, facts: Encrypted) -> Encrypted:
    """Add facts about a certificate: its content if it was refused, or its trust if it was not verified.

    :param test: the connection test that received the certificate
    :param facts: the facts that the test found out
    """
    if facts.trust is Trust.VERIFIED or not isinstance(test.tls, StandardTls):
        return facts
    strict = test.plan.strict
    other = StandardTls(not strict)
    try:
        seen = _handshake(test, other)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        seen = other.refusal(error)
    if not seen:
        return facts
    return facts._replace(certificate=seen.certificate) if strict else facts._replace(trust=seen.trust)


def _handshake(test, tls):
    plan = test.plan
    seconds = min(plan.limits.port, plan.limits.connect)
    limit = TimeLimit(seconds)
    sock, _address, _failed = connect(test.addresses, seconds)
    limit.guard(sock)
    session = Session(sock, plan.host, test.name)
    try:
        if plan.starttls:
            session.getreply()
            session.starttls(context=tls.context)
        else:
            session.sock = tls.context.wrap_socket(sock, server_hostname=plan.host)
        return tls.facts(session.sock)
    finally:
        session.leave()
        limit.end()
