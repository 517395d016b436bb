"""What the lab prints: a line when a step begins, one every quarter of a minute while it goes on, one when it is done."""

import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress

# Nobody takes a program for dead that speaks as often as that.
TICK_SECONDS = 15


def say(text):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def warn(text):
    """Print one line on the error output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text, progress=None):
    """Say that a block begins, that it still goes on, and how long it took when it went well.

    Yields a list: what the block appends to it is printed behind the text, separated by commas.

    :param progress: called now and then, in another thread; returns how far the block is, in words. False for a block
        that says so itself
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
            with suppress(OSError):  # what it looks at may be renamed or gone at this moment
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
    """A function for :func:`step` that returns the last line of a log, as far as it fits."""

    def read():
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            opened.seek(max(file.stat().st_size - 4096, 0))
            lines = opened.read().decode(errors="replace").splitlines()
        return next((line.strip()[:100] for line in reversed(lines) if line.strip()), "")

    return read
