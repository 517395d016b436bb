"""UIDs as the sequence sets of IMAP (RFC 3501, section 9): 3,5:9,12."""

from collections.abc import Iterable
from itertools import groupby


def format_uids(uids: Iterable[int]) -> str:
    """`uids` in the shortest form, '' for none."""
    runs = groupby(enumerate(sorted(uids)), key=lambda pair: pair[1] - pair[0])
    ranges = ([uid for _index, uid in run] for _distance, run in runs)
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}:{run[-1]}" for run in ranges)


def parse_uids(text: str) -> frozenset[int]:
    """The UIDs named by what format_uids wrote."""
    uids = set()
    for piece in filter(None, text.split(",")):
        first, _colon, last = piece.partition(":")
        uids.update(range(int(first), int(last or first) + 1))
    return frozenset(uids)
