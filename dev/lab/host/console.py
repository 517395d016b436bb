"""The output of the lab: a line when a step begins, one every 15 seconds while it runs, one when it is done."""

import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress

# A line this often shows that the program is still at work.
TICK_SECONDS = 15


def say(text):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def warn(text):
    """Print one line to standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text, progress=None):
    """Print that a block begins, that it still runs, and how long it took if it succeeded.

    Yields a list: the items that the block appends to it are printed after the text, separated by commas.

    :param progress: called every 15 seconds, in another thread; returns how far the block is, in words. False for a
        block that prints its own progress
    """
    remarks = []
    started = time.monotonic()
    say(f"{'':9}  {text} ...")
    with nullcontext() if progress is False else _telling(started, text, progress):
        yield remarks
    detail = f" ({', '.join(remarks)})" if remarks else ""
    say(f"{time.monotonic() - started:7.1f} s  {text}{detail}")


@contextmanager
def _telling(started, text, progress):
    ended = threading.Event()

    def tell():
        while not ended.wait(TICK_SECONDS):
            words = ""
            with suppress(OSError):  # the files that it reads may be renamed or deleted at this moment
                words = progress() if progress else ""
            say(f"{time.monotonic() - started:7.0f} s  ... {text.partition(':')[0]}{f': {words}' if words else ''}")

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def last_line(file):
    """Return a function for :func:`step` that returns the last line of a log, cut to 100 characters."""

    def read():
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            opened.seek(max(file.stat().st_size - 4096, 0))
            lines = opened.read().decode(errors="replace").splitlines()
        return next((line.strip()[:100] for line in reversed(lines) if line.strip()), "")

    return read
