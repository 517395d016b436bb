"""The output of the lab: a line when a step begins, one every 15 seconds while it runs, one when it is done."""

import re
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress

# A line this often shows that the program is still at work.
TICK_SECONDS = 15
# A step that finds its result there already is done sooner, and is not worth a line.
_QUICK_SECONDS = 1


def say(text):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def warn(text):
    """Print one line to standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def check(text, progress=None):
    """Do the same as :func:`step`, but print nothing about a block that takes less than a second."""
    started = time.monotonic()
    begun = threading.Event()

    def begin():
        begun.set()
        say(f"{'':9}  {text} ...")

    timer = threading.Timer(_QUICK_SECONDS, begin)
    timer.start()
    remarks = []
    try:
        with nullcontext() if progress is False else _telling(started, text, progress):
            yield remarks
    finally:
        timer.cancel()
        timer.join()
    if begun.is_set():
        _say_done(started, text, remarks)


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
    _say_done(started, text, remarks)


def _say_done(started, text, remarks):
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
            say(f"{time.monotonic() - started:7.0f} s  ... {text.partition(': ')[0]}{f': {words}' if words else ''}")

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def last_found(file, pattern):
    """Return a function for :func:`step` that returns the last thing that a log says.

    :param pattern: a regular expression; its first group is what is returned, cut to 100 characters
    """

    def read():
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            opened.seek(max(file.stat().st_size - 256 * 1024, 0))
            found = re.findall(pattern, opened.read().decode(errors="replace"))
        return found[-1].strip()[:100] if found else ""

    return read
