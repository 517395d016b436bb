"""Additions to pytest-xdist for runs with several workers (``pytest -n 2 --dist loadfile``).

:mod:`lab.testing.pytest_plugin` loads them. The files that took longest in earlier runs come first, so that no worker
begins a long one when the others are done.
"""

import json
import signal
import time
from collections import Counter

import pytest

from lab.host import orphans
from lab.host.paths import LAB
from lab.host.processes import age_mark, send
from lab.servers import inventory

# Name of a test -> how long it took, including its fixtures.
_SECONDS = LAB / "e2e-seconds.json"
# For a test that has not run before.
_USUAL_SECONDS = 5
# Seconds of the slowest files, in a checkout that has not measured them yet.
_SLOW = {
    "test_crash_several.py": 300,
    "test_crash.py": 250,
    "test_disturbed.py": 240,
    "test_loops.py": 200,
    "test_explain_outgoing.py": 120,
    "test_parameters.py": 115,
    "test_explain_incoming.py": 110,
    "test_lanes.py": 100,
    "test_rules.py": 90,
}

# The lab gives an Odoo 15 s to stop, and some tests run two of them.
_UNWIND_SECONDS = 45

# The workers of this run and their pids, if this process is the one that deals out the tests.
_workers = {}
_seconds = Counter()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Sort the files by how long they took, the longest first."""
    known, files = _known_seconds(), Counter()
    for item in items:
        files[item.path] += known.get(item.nodeid, _USUAL_SECONDS)
    for path in files:
        if not any(item.path == path and item.nodeid in known for item in items):
            files[path] = _SLOW.get(path.name, files[path])
    items.sort(key=lambda item: -files[item.path])


def pytest_runtest_logreport(report):
    """Add up how long a test takes."""
    _seconds[report.nodeid] += report.duration


def _known_seconds():
    return json.loads(_SECONDS.read_text()) if _SECONDS.is_file() else {}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Remember the pid of a worker before it gets its tests."""
    question = node.gateway.remote_exec("import os; channel.send(os.getpid())")
    _workers[node] = question.receive()
    question.waitclose()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """Save how long tests took, and after an interruption let the workers stop what they started.

    Otherwise pytest-xdist would kill them.
    """
    if not hasattr(session.config, "workerinput"):
        _SECONDS.write_text(json.dumps({**_known_seconds(), **_seconds}))
    if exitstatus != pytest.ExitCode.INTERRUPTED:
        return
    for node in filter(_is_at_work, _workers):
        send(_workers[node], signal.SIGTERM)
    limit = time.monotonic() + _UNWIND_SECONDS
    while any(map(_is_at_work, _workers)) and time.monotonic() < limit:
        time.sleep(0.1)


def _is_at_work(node):
    # A worker that has finished has sent its output, and waits to be ended.
    return not hasattr(node, "workeroutput") and age_mark(_workers[node]) is not None


def pytest_unconfigure():
    """Stop the processes that killed workers left."""
    if _workers:
        orphans.stop_abandoned()
        inventory.stop_unused()
