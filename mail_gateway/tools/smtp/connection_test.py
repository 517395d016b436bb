"""Tries an outgoing server step by step, up to the point where a message would follow, and never sends one.

Start reading here; ``connection_test_steps`` has the steps, ``connection_test_values`` what goes in and comes out.
"""

import socket
from collections.abc import Callable
from dataclasses import replace

from .certificate import look_again
from .connection_test_steps import Conversation
from .connection_test_values import Outcome, Plan, PortAnswer, PortStatus, Problem, Report, Step
from .ports import look_at_ports
from .tls import Encrypted

# the port does not do what it is configured for: others may
_PORT_PROBLEMS = {
    Problem.BAD_PORT, Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE, Problem.SILENT, Problem.CLOSED,
    Problem.NOT_SMTP, Problem.ENDLESS, Problem.TURNED_AWAY, Problem.NO_STARTTLS, Problem.NO_TLS_HERE, Problem.TLS,
}  # fmt: skip
# so may the same port, with another encryption
_ENCRYPTION_PROBLEMS = {Problem.SILENT, Problem.CLOSED, Problem.NOT_SMTP, Problem.NO_TLS_HERE, Problem.TLS}


def probe(plan: Plan, resolver: Callable | None = None) -> Report:
    """Try a server: find it, connect, encrypt, sign in, name a sender and a recipient, leave.

    Takes no longer than ``plan.limits.total`` plus ``plan.limits.port`` and some seconds.

    :param resolver: instead of ``socket.getaddrinfo``, with the same parameters
    """
    conversation = Conversation(plan, resolver or socket.getaddrinfo)
    results = conversation.hold()
    results = [_complete(conversation, result) for result in results]
    report = Report(tuple(results))
    if not report.failed or not _is_about_the_port(report.failed):
        return report
    return replace(report, ports=_look_elsewhere(conversation, report.failed.problem))


def _complete(conversation, result):
    if not isinstance(result.facts, Encrypted):
        return result
    facts = look_again(conversation, result.facts)
    outcome = Outcome.WARNING if result.outcome is Outcome.OK and facts.doubtful else result.outcome
    return replace(result, facts=facts, outcome=outcome)


def _is_about_the_port(failed):
    """Whether another port may do better; one that got as far as the login is the right one."""
    if failed.step in (Step.CONNECTION, Step.GREETING, Step.TLS):
        return failed.problem in _PORT_PROBLEMS
    return failed.problem is Problem.NO_AUTH


def _look_elsewhere(conversation, problem):
    """Look at the usual ports, and again at the configured one where another encryption may help."""
    plan = conversation.plan
    ports = [port for port in plan.other_ports if port != plan.port]
    if problem in _ENCRYPTION_PROBLEMS:
        ports.insert(0, plan.port)
    seen = look_at_ports(conversation.addresses, plan.host, conversation.name, tuple(ports), plan.limits)
    return (*_known(conversation, problem), *seen)


def _known(conversation, problem):
    """How the configured port answered, where it is clear without a second look."""
    port = conversation.plan.port
    if problem is Problem.NO_STARTTLS:
        return (PortAnswer(port, PortStatus.PLAIN),)
    if problem is Problem.NO_AUTH and conversation.starttls_left:
        return (PortAnswer(port, PortStatus.STARTTLS),)
    return ()
