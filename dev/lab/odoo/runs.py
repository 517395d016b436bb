"""Runs of Odoo for one purpose: install modules, run code, find errors in the log."""

import re
import subprocess

from lab.errors import LabError
from lab.host.orphans import remember
from lab.host.paths import LOGS
from lab.host.processes import end
from lab.odoo import source

_STARTS_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:")
_LOADS_MODULE = re.compile(r"odoo\.modules\.loading: Loading module (\w+) \((\d+)/(\d+)\)")
_TROUBLE = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) ")
# Debian's package lacks this file: Odoo logs an error each time it bundles its JavaScript, and still works.
_HARMLESS = "selfie_segmentation.js"


class ModuleProgress:
    """Progress of an installation: pass its :meth:`note` to :func:`install`, and itself to :func:`lab.host.console.step`."""

    def __init__(self):
        self._words = ""

    def note(self, line):
        """Read a line of Odoo's log."""
        if found := _LOADS_MODULE.search(line):
            done = found[2] == found[3]
            self._words = (
                "all modules are loaded; web assets" if done else "module {}, {} of {}".format(*found.groups())
            )

    def __call__(self):
        """Return the progress in words."""
        return self._words


def install(database, modules, with_demo=False, note=None):
    """Install *modules* into *database*, which may be empty.

    :param note: called with each line of Odoo's log
    :raises LabError: when they are not installed afterwards, with Odoo's messages
    """
    arguments = ["--init", ",".join(modules), "--stop-after-init", "--no-http", *(["--with-demo"] if with_demo else [])]
    code, output = run(source.command(database, *arguments), note=note)
    missing = [] if code else _not_installed(database, modules)
    if code or missing:
        what = f"{', '.join(missing)} into {database}" if missing else f"{', '.join(modules)} into {database}"
        raise LabError(f"Odoo could not install {what}:\n{trouble(output)}")


def shell(database, code):
    """Run Python *code* in ``odoo shell`` (which defines ``env``) and return what it printed; the code has to commit.

    :raises LabError: when the code raised
    """
    guarded = (
        f"import sys, traceback\ntry:\n    exec(compile({code!r}, 'shell', 'exec'), globals())\n"
        "except BaseException:\n    traceback.print_exc()\n    sys.stderr.flush()\n"
        "    import os; os._exit(1)\nsys.stdout.flush()\n\n"
    )
    # Standard output carries only what the code prints: the log goes to its own file.
    LOGS.mkdir(parents=True, exist_ok=True)
    command = source.command(database, "shell", "--no-http", "--logfile", LOGS / f"{database}-shell.log")
    done = subprocess.run(command, input=guarded, text=True, capture_output=True, check=False, env=source.environment())
    if done.returncode:
        raise LabError(f"The code failed in odoo shell on {database}:\n{done.stderr.strip()}")
    return done.stdout


def trouble(output, lines=60):
    """Return the part of Odoo's log that tells what went wrong: the last errors, or the last lines of all."""
    return errors(output, lines) or "\n".join(output.splitlines()[-lines:])


def errors(output, lines=200):
    """Return the last errors of Odoo's log with their tracebacks, an empty string when there are none."""
    kept, keep = [], False
    for line in output.splitlines():
        if _STARTS_RECORD.match(line):
            keep = bool(_TROUBLE.match(line)) and _HARMLESS not in line
        if keep:
            kept.append(line)
    return "\n".join(kept[-lines:])


def run(command, environment=(), note=None):
    """Run a command of Odoo to its end and return its exit code and all that it printed.

    :param note: called with each line as it is printed
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=source.environment(environment),
        start_new_session=True,
    )
    pid_file = remember(process.pid)
    try:
        output = "".join(_each_line(process.stdout, note))
        process.wait()
    except BaseException:
        # Odoo runs in a session of its own, so it would go on after an interruption.
        end(process.pid, seconds=5)
        raise
    finally:
        pid_file.remove()
    return process.returncode, output


def _each_line(file, note):
    for line in file:
        if note:
            note(line)
        yield line


def _not_installed(database, modules):
    # Odoo only warns about a module that it does not know or whose dependencies are missing.
    from lab.servers.postgres import Postgres

    rows = Postgres().execute(
        "SELECT name FROM ir_module_module WHERE state = 'installed' AND name = ANY(%s)",
        list(modules),
        database=database,
    )
    return sorted(set(modules) - {name for (name,) in rows})
