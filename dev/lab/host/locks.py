"""Locks between processes: files of .lab/run under flock(2), which the kernel releases even after SIGKILL."""

import fcntl
from contextlib import contextmanager

from lab.host.paths import LAB


def open_lock(name):
    """Open the lock file *name*, to be locked with ``fcntl.flock``."""
    directory = LAB / "run"
    directory.mkdir(parents=True, exist_ok=True)
    return (directory / f"{name}.lock").open("a")


@contextmanager
def exclusive(name, when_busy=None):
    """Hold the lock *name* exclusively.

    :param when_busy: called without arguments before waiting for another holder
    """
    with open_lock(name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if when_busy:
                when_busy()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(name):
    """Hold the lock *name* shared: others may share it, too, and exclusive holders wait."""
    with open_lock(name) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def nobody_holds(name):
    """Tell whether nobody, this process included, holds the lock *name* right now."""
    with open_lock(name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
