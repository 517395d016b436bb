"""What pytest needs besides, to run with several workers (``pytest -n 2 --dist loadfile``, by pytest-xdist).

Loaded by :mod:`lab.testing.pytest_plugin`; without ``-n`` nothing of this happens.
"""

import signal
import time

import pytest

from lab.host import orphans
from lab.host.processes import age_mark, send
from lab.servers import inventory

# Odoo is given 15 s to stop, and some tests run two of them.
_UNWIND_SECONDS = 45

# The workers of this run and their pids, when this process is the one that deals out the tests.
_workers = {}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Remember a worker that is about to be given its work."""
    question = node.gateway.remote_exec("import os; channel.send(os.getpid())")
    _workers[node] = question.receive()
    question.waitclose()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(exitstatus):
    """Interrupted: give the workers the time to stop what they started, before pytest-xdist ends them for good."""
    if exitstatus != pytest.ExitCode.INTERRUPTED:
        return
    for node in filter(_is_at_work, _workers):
        send(_workers[node], signal.SIGTERM)
    limit = time.monotonic() + _UNWIND_SECONDS
    while any(map(_is_at_work, _workers)) and time.monotonic() < limit:
        time.sleep(0.1)


def _is_at_work(node):
    # A worker that has finished says so with its output, and waits for its end.
    return not hasattr(node, "workeroutput") and age_mark(_workers[node]) is not None


def pytest_unconfigure():
    """Stop what workers left that were killed."""
    if _workers:
        orphans.stop_abandoned()
        inventory.stop_unused()
