"""The end-to-end tests: first those that must run alone, then all others, several at a time."""

import os
import subprocess
import sys

from lab.host.console import say, step
from lab.host.paths import ROOT

# Tests wait for servers most of the time: there are more workers than processors.
WORKERS = 3
# Tests of a file share a database and an Odoo. lab.testing.pytest_workers orders the files, not their number of tests.
_BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
_NOTHING_TO_RUN = 5


def run(*words):
    """Run the tests and print the outcome.

    :param words: further arguments for pytest, such as ``-k mailbox``
    :returns: 0 when some test ran and all passed, else 1
    """
    codes = {
        "that run alone": _pytest("-m", "alone", *words),
        "that run side by side": _pytest("-m", "not alone", "-n", WORKERS, *_BY_FILE, *words),
    }
    failed = [which for which, code in codes.items() if code not in {0, _NOTHING_TO_RUN}]
    for which in failed:
        say(f"FAILED: end-to-end tests {which}, see above")
    if set(codes.values()) == {_NOTHING_TO_RUN}:
        say("No test ran: that counts as a failure.")
    elif not failed:
        say("End-to-end tests: all passed.")
    return 0 if not failed and 0 in codes.values() else 1


def _pytest(*words):
    command = [sys.executable, "-m", "pytest", "dev/e2e", "--durations=10", *map(str, words)]
    with step(" ".join(command[2:]), progress=False):
        # pytest runs in a session of its own: Ctrl-C reaches it once, from us, and not again while it stops its servers.
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "dev")}, start_new_session=True
        )
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
