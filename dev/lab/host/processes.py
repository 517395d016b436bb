"""Starting, finding and ending processes, always by pid, each in a process group of its own."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from lab.errors import LabError


def run(command, what, hint="", **options):
    """Run *command* to its end and return its output.

    :param what: what was attempted, for the error: "create the database"
    :param hint: what to do when it fails, a sentence
    :raises LabError: when it cannot be started or fails; the message contains the line that it printed about it
    """
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    try:
        done = subprocess.run([str(word) for word in command], text=True, errors="replace", check=False, **options)
    except OSError as error:
        raise LabError(f"Could not {what}: {command[0]}: {error.strerror}. {hint}".rstrip()) from error
    if done.returncode:
        reason = _complaint(done.stdout) or f"exit code {done.returncode}"
        raise LabError(f"Could not {what}: {reason}{'' if reason.endswith('.') else '.'} {hint}".rstrip())
    return done.stdout


def _complaint(output):
    """Return the line that tells why a program failed: the first that apt or pip marks as an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("E: ", "ERROR: "))]
    return (marked or lines[-1:] or [""])[0]


def tail(log, lines=15):
    """Return the last lines of a log file, or an empty string when there is none."""
    if not log.is_file():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def age_mark(pid):
    """Return the start time of the process in clock ticks since boot, or None when it is gone or a zombie.

    Only together with it does a pid identify a process: the kernel reuses pids.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class PidFile:
    """Remembers one process across runs of the lab."""

    def __init__(self, path):
        self.path = path

    def write(self, pid):
        """Remember the running process *pid*, and that we started it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known = {"pid": pid, "mark": age_mark(pid), "owner": [os.getpid(), age_mark(os.getpid())]}
        # The file is replaced at once: a command that looks for abandoned processes would read half a file as ownerless.
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known))
        draft.replace(self.path)

    def read(self):
        """Return the pid if the remembered process still runs, else None."""
        known = self._load()
        return known["pid"] if known and known["mark"] and age_mark(known["pid"]) == known["mark"] else None

    def owner(self):
        """Return pid and start mark of the process that started it, or None."""
        known = self._load()
        return tuple(known["owner"]) if known else None

    def remove(self):
        """Forget the process."""
        self.path.unlink(missing_ok=True)

    def _load(self):
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None


def send(pid, number, group=False):
    """Send a signal to a process, or to the group that it leads; ignore a process that has ended already.

    A process started through sudo belongs to root, so the signal has to go through sudo as well.
    """
    try:
        (os.killpg if group else os.kill)(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        target = f"-{pid}" if group else str(pid)
        subprocess.run(["sudo", "-n", "kill", f"-{int(number)}", "--", target], check=False, capture_output=True)


def wait_gone(pid, seconds):
    """Wait until the process has ended and tell whether it has; reap it if it is a child of ours."""
    mark = age_mark(pid)
    end = time.monotonic() + seconds
    while mark and age_mark(pid) == mark:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    _collect(pid)
    return True


def end(pid, number=signal.SIGTERM, seconds=20):
    """End a process and its group: send the signal *number*, and after at most *seconds* SIGKILL to those left."""
    send(pid, number)
    wait_gone(pid, seconds)
    send(pid, signal.SIGKILL, group=True)
    wait_gone(pid, 5)


def _collect(pid):
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
