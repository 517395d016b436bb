"""Tests the connection to an outgoing server step by step, up to the point before a message; it sends no message.

Start reading here; :mod:`.connection_test_steps` has the steps, :mod:`.connection_test_values` the parameters and results.
"""

import socket
from collections.abc import Callable
from dataclasses import replace

from .certificate import examine_certificate
from .connection_test_steps import ConnectionTest
from .connection_test_values import ConnectionStep, Outcome, Plan, PortAnswer, PortStatus, Problem, Report
from .ports import try_ports
from .tls import Encrypted

# The configured port does not work as it should, but other ports may.
_PORT_PROBLEMS = {
    Problem.BAD_PORT, Problem.REFUSED, Problem.NO_ANSWER, Problem.UNREACHABLE, Problem.SILENT, Problem.CLOSED,
    Problem.NOT_SMTP, Problem.ENDLESS, Problem.TURNED_AWAY, Problem.NO_STARTTLS, Problem.NO_TLS_HERE, Problem.TLS,
}  # fmt: skip
# The same port may work with another encryption.
_ENCRYPTION_PROBLEMS = {Problem.SILENT, Problem.CLOSED, Problem.NOT_SMTP, Problem.NO_TLS_HERE, Problem.TLS}


def run_connection_test(plan: Plan, resolver: Callable | None = None) -> Report:
    """Test a server: look up its name, connect, encrypt, log in, name a sender and a recipient, quit.

    The test takes no longer than ``plan.limits.total`` plus ``plan.limits.port`` and some seconds.

    :param resolver: a function with the parameters of ``socket.getaddrinfo``, used instead of it
    """
    test = ConnectionTest(plan, resolver or socket.getaddrinfo)
    results = test.run()
    results = [_complete(test, result) for result in results]
    report = Report(tuple(results))
    if not report.failed or not _is_about_the_port(report.failed):
        return report
    return replace(report, ports=_try_other_ports(test, report.failed.problem))


def _complete(test, result):
    if not isinstance(result.facts, Encrypted):
        return result
    facts = examine_certificate(test, result.facts)
    outcome = Outcome.WARNING if result.outcome is Outcome.OK and facts.doubtful else result.outcome
    return replace(result, facts=facts, outcome=outcome)


def _is_about_the_port(failed):
    """Whether another port may work. If the configured port got as far as the login, only a missing AUTH counts."""
    if failed.step in (ConnectionStep.CONNECTION, ConnectionStep.GREETING, ConnectionStep.TLS):
        return failed.problem in _PORT_PROBLEMS
    return failed.problem is Problem.NO_AUTH


def _try_other_ports(test, problem):
    """Try the usual ports, and the configured one again where another encryption may help."""
    plan = test.plan
    ports = [port for port in plan.other_ports if port != plan.port]
    if problem in _ENCRYPTION_PROBLEMS:
        ports.insert(0, plan.port)
    seen = try_ports(test.addresses, plan.host, test.name, tuple(ports), plan.limits)
    return (*_known(test, problem), *seen)


def _known(test, problem):
    """Return how the configured port answered, if the test itself found that out."""
    port = test.plan.port
    if problem is Problem.NO_STARTTLS:
        return (PortAnswer(port, PortStatus.PLAIN),)
    if problem is Problem.NO_AUTH and test.starttls_left:
        return (PortAnswer(port, PortStatus.STARTTLS),)
    return ()
