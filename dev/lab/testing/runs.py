"""Running the tests of Odoo addons, in one database or in clones of it at the same time."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.host import ports
from lab.host.paths import LAB, LOGS
from lab.odoo import databases, source
from lab.odoo.runs import run, trouble
from lab.servers.postgres import Postgres


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run of tests."""

    # From a test's name, such as "mail.tests.test_mail_mail.TestMailMail.test_send", to "passed", "failed", "skipped".
    outcomes: dict
    seconds: dict
    logs: tuple

    @property
    def failed(self):
        """The names of the tests that failed, sorted."""
        return sorted(name for name, outcome in self.outcomes.items() if outcome == "failed")

    @property
    def ok(self):
        """Whether some test ran and none failed."""
        return self.count("passed") > 0 and not self.failed

    def count(self, outcome):
        """Return how many tests had this outcome."""
        return list(self.outcomes.values()).count(outcome)

    def __str__(self):
        return f"{self.count('passed')} passed, {self.count('failed')} failed, {self.count('skipped')} skipped"

    def __add__(self, other):
        return Outcome(self.outcomes | other.outcomes, self.seconds | other.seconds, self.logs + other.logs)


def run_tests(database, modules=(), tags="", share=None):
    """Run Odoo's tests in *database* and return a :class:`Outcome`.

    :param modules: modules to update first
    :param tags: Odoo's --test-tags
    :param share: None for all, or (number from 0, total) for one of several equal parts
    :raises LabError: when Odoo ended before all tests had run
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    results, log = _results(database), LOGS / f"{database}-tests.log"
    results.write_text("")
    arguments = ["--test-tags", tags, "--http-port", ports.any_free(), "--stop-after-init", "--max-cron-threads", "0"]
    if modules:
        arguments += ["--update", ",".join(modules)]
    command = source.command(database, *arguments, program="lab.testing.runner")
    _code, output = run(command, {"LAB_TEST_RESULTS": str(results), **_share(share)})
    log.write_text(output)
    return _read(results, log, output)


def progress_of(*databases):
    """Return a function for :func:`lab.host.console.step` that returns how many tests in these databases have run."""

    def read():
        lines = [json.loads(line) for name in databases for line in _complete_lines(_results(name))]
        total = sum(line.get("total", 0) for line in lines)
        return f"{sum('test' in line for line in lines)} of {total} tests" if total else ""

    return read


def clone_names(kind):
    """Return the names of the databases for a run of tests that is divided among the processors."""
    return [databases.run_name(kind, part) for part in range(min(2, os.cpu_count() or 1))]


def run_on_clones(template, clones, tags):
    """Run Odoo's tests on fresh clones of a template, an equal part of them in each, at the same time."""
    with Postgres():
        try:
            for name in clones:
                databases.clone(template, name)
            outcome = _run_in_parallel(clones, tags)
        finally:
            for name in clones:
                databases.drop(name)
    _remember_seconds(outcome)
    return outcome


def run_prepared(template, name, tags):
    """Run some of Odoo's tests on a copy of a template that is kept for the next time: tests undo their changes."""
    with Postgres(), databases.prepared(template, name):
        return run_tests(name, tags=tags)


def _run_in_parallel(clones, tags):
    total = len(clones)
    with ThreadPoolExecutor(total) as pool:
        parts = pool.map(lambda item: run_tests(item[1], tags=tags, share=(item[0], total)), enumerate(clones))
        return sum(parts, Outcome({}, {}, ()))


def _remember_seconds(test_run):
    """Save how long the tests took, to divide them better the next time."""
    _seconds_file().write_text(json.dumps({**_known_seconds(), **test_run.seconds}))


def _results(database):
    return LOGS / f"{database}-tests.jsonl"


def _complete_lines(file):
    # Tests may be writing the last line at this moment.
    text = file.read_text() if file.is_file() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _share(share):
    if not share:
        return {}
    if not _seconds_file().exists():
        _seconds_file().write_text("{}")
    return {"LAB_TEST_SHARE": f"{share[0]}/{share[1]}", "LAB_TEST_SECONDS": str(_seconds_file())}


def _seconds_file():
    return LAB / "test-seconds.json"


def _known_seconds():
    return json.loads(_seconds_file().read_text()) if _seconds_file().exists() else {}


def _read(results, log, output):
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    if {"finished": True} not in lines:
        raise LabError(f"Odoo did not get through the tests (all of its log: {log}):\n{trouble(output)}")
    tests = [line for line in lines if "test" in line]
    return Outcome(
        {line["test"]: line["outcome"] for line in tests},
        {line["test"]: line["seconds"] for line in tests},
        (Path(log),),
    )
