"""Sets of UIDs, written as the sequence sets of IMAP (RFC 3501, section 9), such as 3,5:9,12."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Set

from ..text.indexed_text import shortened

_FIRST, _LAST = re.compile(r"\d+:"), re.compile(r":\d+")
_SLICE_CHARS = 100_000


def _slices(text: str) -> Iterator[str]:
    """Split a long text between two ranges, so that a million strings are never in memory at once."""
    start = 0
    while start < len(text):
        end = text.find(",", start + _SLICE_CHARS)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


class UidSet(Set):
    """An immutable set of UIDs, kept as ranges: a million ranges take 16 MB.

    It equals any other set of the same numbers.
    """

    __slots__ = ("_count", "_firsts", "_lasts")

    def __init__(self, uids: Iterable[int] = ()):
        """:param uids: UIDs in any order; an array or a :class:`UidSet` has to be in ascending order"""
        self._firsts, self._lasts = array("L"), array("L")
        if not isinstance(uids, array | UidSet):
            uids = sorted(uids)
        for uid in uids:
            self._append(uid, uid)
        self._count = self._counted()

    @classmethod
    def parse(cls, text: str) -> "UidSet":
        """Read the text that ``str()`` makes of such a set."""
        uids = cls()
        for piece in _slices(text):
            uids._firsts.extend(map(int, _LAST.sub("", piece).split(",")))
            uids._lasts.extend(map(int, _FIRST.sub("", piece).split(",")))
        uids._count = uids._counted()
        return uids

    def _append(self, first, last):
        if self._lasts and first <= self._lasts[-1] + 1:
            self._lasts[-1] = max(last, self._lasts[-1])
        else:
            self._firsts.append(first)
            self._lasts.append(last)

    def _counted(self):
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    @classmethod
    def _from_iterable(cls, it):
        return cls(it)

    def __len__(self):
        return self._count

    def __contains__(self, uid):
        place = bisect_right(self._firsts, uid)
        return place > 0 and uid <= self._lasts[place - 1]

    def __iter__(self) -> Iterator[int]:
        return self.above(0)

    def __eq__(self, other):
        if isinstance(other, UidSet):
            return self._firsts == other._firsts and self._lasts == other._lasts
        return super().__eq__(other)

    __hash__ = Set._hash

    def __str__(self):
        pairs = zip(self._firsts, self._lasts, strict=True)
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in pairs)

    def __repr__(self):
        return f"UidSet({shortened(str(self), 200)})"

    @property
    def last(self) -> int:
        """The highest UID, 0 when there is none."""
        return self._lasts[-1] if self._lasts else 0

    def above(self, uid: int) -> Iterator[int]:
        """Yield the UIDs above `uid`, in ascending order."""
        for place in range(bisect_left(self._lasts, uid + 1), len(self._firsts)):
            yield from range(max(self._firsts[place], uid + 1), self._lasts[place] + 1)
