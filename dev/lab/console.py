"""What the lab prints: one line a step, with the time it took."""

import sys
import time
from contextlib import contextmanager


def say(text):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def warn(text):
    """Print one line on the error output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text):
    """Time a block; print *text* and the seconds when it went well.

    Yields a list: what the block appends to it is printed behind the text, separated by commas.
    """
    remarks = []
    started = time.monotonic()
    yield remarks
    took = time.monotonic() - started
    detail = f" ({', '.join(remarks)})" if remarks else ""
    say(f"{took:7.1f} s  {text}{detail}")
