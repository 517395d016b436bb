"""A second look at the certificate of a server: the standard library verifies one or shows it, never both for a bad one."""

import smtplib

from ..network import TimeLimit, connect
from .connection_test_steps import Conversation
from .session import Session
from .tls import Encrypted, StandardTls, Trust


def look_again(conversation: Conversation, facts: Encrypted) -> Encrypted:
    """Add what takes a second connection to find out: whose a refused certificate is, how far to trust another.

    :param facts: what the probe found out
    """
    if facts.trust is Trust.VERIFIED or not isinstance(conversation.tls, StandardTls):
        return facts
    strict = conversation.plan.strict
    other = StandardTls(not strict)
    try:
        seen = _handshake(conversation, other)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        seen = other.refusal(error)
    if not seen:
        return facts
    return facts._replace(certificate=seen.certificate) if strict else facts._replace(trust=seen.trust)


def _handshake(conversation, tls):
    plan = conversation.plan
    seconds = min(plan.limits.port, plan.limits.connect)
    limit = TimeLimit(seconds)
    sock, _address, _failed = connect(conversation.addresses, seconds)
    limit.guard(sock)
    session = Session(sock, plan.host, conversation.name)
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
