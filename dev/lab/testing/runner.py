"""Odoo's command line with two changes to its test runner; run as ``python -m lab.testing.runner <Odoo's words>``.

Odoo runs tests marked "at_install" right after loading their module, before those that come later: core's tests of
mail would not see our addon, which is loaded after mail. Here all tests run at the end, with everything loaded.

The outcome of each test goes into the file named by ``LAB_TEST_RESULTS``, one JSON object per line. ``LAB_TEST_SHARE``
set to "0/2" runs only the first half of the test classes; the file named by ``LAB_TEST_SECONDS`` says how long they
took before, so that both halves take the same time.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import odoo.cli
from odoo.tests import case, loader
from odoo.tests.suite import OdooSuite

_results = Path(os.environ["LAB_TEST_RESULTS"])
_USUAL_SECONDS = 0.2
# How long the slowest classes take, for a checkout that has not measured it yet.
_SLOW = {
    "TestReading": 55,
    "TestDryRunMatches": 40,
    "TestReadingLengths": 38,
    "TestCorpora": 24,
    "TestHandingOver": 15,
    "TestAutomaticReply": 14,
    "TestNotices": 12,
    "TestStoreWide": 11,
    "TestReadingFuzz": 11,
    "TestPreview": 11,
    "TestFingerprintProperties": 10,
    "TestAddressList": 10,
    "TestAddressListProperties": 9,
}
_make_suite = loader.make_suite
_run_suite = loader.run_suite


class RecordingResult(loader.OdooTestResult):
    """Odoo's result, which only counts; this one also writes a line for each test."""

    def startTest(self, test):
        """Remember the time; a test counts as passed until a failure or a skip is noted."""
        self._started, self._outcome = time.monotonic(), "passed"
        super().startTest(test)

    def stopTest(self, test):
        """Write the test's line."""
        super().stopTest(test)
        _record(test, self._outcome, time.monotonic() - self._started)

    def addSkip(self, test, reason):
        """Note that the test was left out."""
        self._outcome = "skipped"
        super().addSkip(test, reason)

    def addError(self, test, err):
        """Note the failure."""
        self._fail(test)
        super().addError(test, err)

    def addFailure(self, test, err):
        """Note the failure."""
        self._fail(test)
        super().addFailure(test, err)

    def _fail(self, test):
        if isinstance(test, case._SubTest | case.TestCase):
            # Odoo tries some tests twice; only the second failure counts.
            self._outcome = self._outcome if self._soft_fail else "failed"
        else:
            # A setUpClass or tearDownClass failed: it is not a test, but it counts as a failure.
            _record(test, "failed", 0)


def _record(test, outcome, seconds):
    _write({"test": _test_name(test), "outcome": outcome, "seconds": round(seconds, 3)})


def _write(line):
    with _results.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _suite(module_names, position="at_install"):
    if position == "at_install":
        return OdooSuite([])
    tests = [*_make_suite(module_names, "at_install"), *_make_suite(module_names, "post_install")]
    share = os.environ.get("LAB_TEST_SHARE")
    suite = OdooSuite(_own_share(tests, *map(int, share.split("/"))) if share else tests)
    _write({"total": suite.countTestCases()})
    return suite


def _own_share(tests, number, total):
    """Deal the classes out, the longest first, each to the share with the least; every process gets the same result."""
    known = json.loads(Path(os.environ["LAB_TEST_SECONDS"]).read_text())
    seconds = Counter()
    for test in tests:
        seconds[_class_name(test)] += known.get(_test_name(test), _USUAL_SECONDS)
    for name in seconds.keys() - {test.rpartition(".")[0] for test in known}:
        seconds[name] += _SLOW.get(name.rpartition(".")[2], 0)
    loads, mine = [0.0] * total, set()
    for name, needed in sorted(seconds.items(), key=lambda item: (-item[1], item[0])):
        least = loads.index(min(loads))
        loads[least] += needed
        if least == number:
            mine.add(name)
    return [test for test in tests if _class_name(test) in mine]


def _class_name(test):
    return _test_name(test).rpartition(".")[0]


def _test_name(test):
    return test.id().replace("odoo.addons.", "")


def _run(suite, global_report=None):
    result = _run_suite(suite, global_report)
    _write({"finished": True})
    return result


if __name__ == "__main__":
    loader.OdooTestResult = RecordingResult
    loader.make_suite = _suite
    loader.run_suite = _run
    odoo.cli.main()
