"""Splits many messages into short lists, since servers limit the length of a command line."""

from collections.abc import Iterable, Iterator
from itertools import islice

MAX_IN_COMMAND = 500


def in_windows(keys: Iterable) -> Iterator[list]:
    """Yield UIDs or keys in lists of at most :data:`MAX_IN_COMMAND`, in their order."""
    left = iter(keys)
    while window := list(islice(left, MAX_IN_COMMAND)):
        yield window
