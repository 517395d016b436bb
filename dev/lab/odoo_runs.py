"""Odoo for one purpose: install modules, run tests, run code."""

import re
import subprocess
from dataclasses import dataclass

from lab import odoo_source, ports
from lab.errors import LabError
from lab.paths import LOGS
from lab.processes import end

_TOTAL = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")
_FAILED = re.compile(r"(?:FAIL|ERROR): (?:Subtest )?(\w+\.\w+)")
_STARTS_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:")
_TROUBLE = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) ")


@dataclass(frozen=True)
class TestRun:
    """What a run of Odoo's test runner came to."""

    ran: int
    failed: tuple
    log: object

    @property
    def ok(self):
        """Whether some test ran and none failed."""
        return self.ran > 0 and not self.failed

    def __str__(self):
        return f"{self.ran - len(self.failed)} passed, {len(self.failed)} failed"


def install(database, modules, with_demo=False):
    """Install *modules* into *database*, which is filled from nothing when it is empty.

    :raises LabError: with what Odoo said, when they are not installed afterwards
    """
    arguments = ["--init", ",".join(modules), "--stop-after-init", "--no-http", *(["--with-demo"] if with_demo else [])]
    code, output = _run(odoo_source.command(database, *arguments))
    missing = [] if code else _not_installed(database, modules)
    if code or missing:
        what = f"{', '.join(missing)} into {database}" if missing else f"{', '.join(modules)} into {database}"
        raise LabError(f"Odoo could not install {what}:\n{trouble(output)}")


def shell(database, code):
    """Run Python *code* in ``odoo shell`` (it finds ``env``) and return what it printed; it commits nothing itself.

    :raises LabError: when the code raised
    """
    guarded = f"import sys, traceback\ntry:\n    exec(compile({code!r}, 'shell', 'exec'), globals())\n" \
              "except BaseException:\n    traceback.print_exc()\n    sys.stderr.flush()\n" \
              "    import os; os._exit(1)\nsys.stdout.flush()\n\n"
    # Standard output carries only what the code prints: the log goes to its own file.
    LOGS.mkdir(parents=True, exist_ok=True)
    command = odoo_source.command(database, "shell", "--no-http", "--logfile", LOGS / f"{database}-shell.log")
    done = subprocess.run(command, input=guarded, text=True, capture_output=True, check=False,
                          env=odoo_source.environment())
    if done.returncode:
        raise LabError(f"The code failed in odoo shell on {database}:\n{done.stderr.strip()}")
    return done.stdout


def run_tests(database, modules=(), tags=""):
    """Run Odoo's tests in *database* and return a :class:`TestRun`.

    :param modules: modules to update first, which also runs their tests of the kind "at_install"
    :param tags: Odoo's --test-tags
    :raises LabError: when Odoo ended without having got to the tests
    """
    arguments = ["--test-tags", tags, "--http-port", ports.any_free(), "--stop-after-init", "--max-cron-threads", "0"]
    if modules:
        arguments += ["--update", ",".join(modules)]
    _code, output = _run(odoo_source.command(database, *arguments))
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{database}-tests.log"
    log.write_text(output)
    totals = _TOTAL.findall(output)
    if not totals:
        raise LabError(f"Odoo did not get to the tests of {database} (all of it: {log}):\n{trouble(output)}")
    return TestRun(sum(int(total) for *_, total in totals), tuple(dict.fromkeys(_FAILED.findall(output))), log)


def trouble(output, lines=60):
    """Return the part of Odoo's log that tells what went wrong: the last errors with their tracebacks."""
    kept, keep = [], False
    for line in output.splitlines():
        if _STARTS_RECORD.match(line):
            keep = bool(_TROUBLE.match(line))
        if keep:
            kept.append(line)
    return "\n".join((kept or output.splitlines())[-lines:])


def _run(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", env=odoo_source.environment(), start_new_session=True)
    try:
        output, _nothing = process.communicate()
    except BaseException:
        # Interrupted: Odoo sits in a session of its own and would go on.
        end(process.pid, seconds=5)
        raise
    return process.returncode, output


def _not_installed(database, modules):
    # Odoo only warns about a module that it does not know or whose dependencies are missing.
    from lab.postgres import Postgres

    rows = Postgres().execute("SELECT name FROM ir_module_module WHERE state = 'installed' AND name = ANY(%s)",
                              list(modules), database=database)
    return sorted(set(modules) - {name for name, in rows})
