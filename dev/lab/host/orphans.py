"""Odoo processes whose test run was killed: the lab records the pid of each Odoo, so that later commands find it."""

import signal

from lab.host.paths import LAB
from lab.host.processes import PidFile, age_mark, end


def remember(pid):
    """Record that the process *pid* is an Odoo that we started; the caller removes the file when it has ended."""
    pid_file = PidFile(LAB / "run" / f"odoo-{pid}.json")
    pid_file.write(pid)
    return pid_file


def stop_all():
    """Kill every Odoo process of this lab."""
    for file in (LAB / "run").glob("odoo-*.json"):
        _kill(PidFile(file))


def stop_abandoned():
    """Kill the Odoo processes whose starting process has ended."""
    for file in (LAB / "run").glob("odoo-*.json"):
        pid_file = PidFile(file)
        owner = pid_file.owner()
        if not owner or age_mark(owner[0]) != owner[1]:
            _kill(pid_file)


def _kill(pid_file):
    if pid := pid_file.read():
        end(pid, signal.SIGKILL)
    pid_file.remove()
