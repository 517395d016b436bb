"""Odoo processes whose test run was killed: each is noted by its pid, so that later commands find it."""

import signal

from lab.host.paths import LAB
from lab.host.processes import PidFile, age_mark, end


def remember(pid):
    """Note that the process *pid* is an Odoo that we started; the file is to be removed when it has ended."""
    pid_file = PidFile(LAB / "run" / f"odoo-{pid}.json")
    pid_file.write(pid)
    return pid_file


def stop_all():
    """Kill every Odoo server that runs on this lab."""
    for file in (LAB / "run").glob("odoo-*.json"):
        _kill(PidFile(file))


def stop_abandoned():
    """Kill the Odoo servers whose starter is gone."""
    for file in (LAB / "run").glob("odoo-*.json"):
        pid_file = PidFile(file)
        owner = pid_file.owner()
        if not owner or age_mark(owner[0]) != owner[1]:
            _kill(pid_file)


def _kill(pid_file):
    if pid := pid_file.read():
        end(pid, signal.SIGKILL)
    pid_file.remove()
