"""The messages that a POP3 session lists, and their keys (RFC 1939, section 7)."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ..text.indexed_text import bounded

# Further lines of a listing are ignored.
MAX_LISTED = 1_000_000
# Bytes; RFC 1939 allows 70.
MAX_UIDL = 250
_NUMBER = re.compile(r"0*([1-9]\d{0,9})")
_SIZE = re.compile(r"[0-9]{1,15}")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
# Replaces the UIDL in keys when the server has none.
_CONTENT = "sha256:"


def read_uidls(lines: Sequence[bytes]) -> dict[int, str]:
    """Return message number -> UIDL, "" where there is none; skip malformed lines."""
    uidls = {}
    for line in lines[:MAX_LISTED]:
        # two different UIDLs must not become the same text, whatever bytes they contain
        number, _space, uidl = line.decode("ascii", "backslashreplace").partition(" ")
        if found := _NUMBER.fullmatch(number):
            uidls.setdefault(int(found[1]), _as_name(uidl.strip()))
    return uidls


def read_sizes(lines: Sequence[bytes]) -> dict[int, int]:
    """Return message number -> size in bytes; skip malformed lines."""
    sizes = {}
    for line in lines[:MAX_LISTED]:
        number, _space, rest = line.decode("ascii", "replace").partition(" ")
        size = rest.split(" ")[0]
        if found := _NUMBER.fullmatch(number):
            sizes.setdefault(int(found[1]), int(size) if _SIZE.fullmatch(size) else 0)
    return sizes


def _as_name(uidl: str) -> str:
    """Return a UIDL as a part of a key: without control characters, and no longer than a key may be."""
    return bounded(_CONTROL.sub(lambda char: f"\\x{ord(char[0]):02x}", uidl), MAX_UIDL)


class Listing:
    """The messages that a session lists, and their keys.

    A message that has no UIDL, or shares it with others, gets a key by its content once that is read. Until then it has a
    key that is valid only in the session.

    :ivar numbers: key -> message number, which is valid only in the session
    :ivar unnamed: key of the session -> the key by UIDL that the message shares with others
    :ivar no_uidl: the refusal of a server that has no UIDLs, else None
    """

    def __init__(self, account: str, uidls: dict[int, str], sizes: dict[int, int], no_uidl: Exception | None = None):
        """
        :param account: see :attr:`.MailboxSettings.account`
        :param uidls: message number -> UIDL
        :param sizes: message number -> bytes
        """
        self.no_uidl = no_uidl
        self._account = account
        self._lines = {number: (uidls.get(number, ""), sizes.get(number, 0)) for number in [*uidls, *sizes]}
        self._copies = Counter()
        self._by_content = {}
        self.numbers, self.unnamed = {}, {}
        shared = Counter(uidl for uidl, _size in self._lines.values())
        for number, (uidl, _size) in self._lines.items():
            key = name = self.prefix + uidl
            if not uidl or shared[uidl] > 1:
                key = f"{name}\1{number}"
                self.unnamed[key] = name
            self.numbers[key] = number

    @property
    def prefix(self) -> str:
        """The beginning of all keys of the mailbox."""
        return f"pop://{self._account}/;UIDL="

    @property
    def content_prefix(self) -> str:
        """The beginning of the keys of the mailbox when the server has no UIDLs."""
        return self.prefix + _CONTENT

    def is_by_uidl(self, key: str) -> bool:
        """Whether a key contains a UIDL."""
        return key.startswith(self.prefix) and not key.startswith(self.content_prefix)

    def size(self, key: str) -> int:
        """Return the size in bytes as the server states it, which may be wrong; 0 where it states none."""
        number = self.numbers.get(key)
        return self._lines[number][1] if number else 0

    # ------------------------------------------------------------------ keys by content

    def name_by_content(self, key: str, source: bytes) -> str:
        """Return the key by content of a message whose UIDL can't serve as key; copies of the same content are numbered."""
        if key not in self._by_content:
            name = self._beginning(key) + hashlib.sha256(source).hexdigest()
            self._copies[name] += 1
            self._by_content[key] = name if self._copies[name] == 1 else f"{name};COPY={self._copies[name]}"
        return self._by_content[key]

    def is_copy(self, key: str) -> bool:
        """Whether a message that has a key by its content is a further copy of another listed message."""
        return ";COPY=" in self._by_content[key].removeprefix(self._beginning(key))

    def _beginning(self, key: str) -> str:
        if key in self.unnamed and self.no_uidl:
            return self.content_prefix
        return f"{self.unnamed.get(key, key)};SHA256="

    def rename(self, key: str, name: str) -> str:
        """Give a message another key.

        :return: that key
        """
        self.numbers[name] = self.numbers[key]
        return name

    def candidates(self, name: str) -> Iterator[str]:
        """Yield keys of messages whose key by content may be `name`, since they were not read yet."""
        for key in self.unnamed:
            if key not in self._by_content and name.startswith(self._beginning(key)):
                yield key

    # ------------------------------------------------------------------ from one session to the next

    def follow(self, before: "Listing") -> bool:
        """Take over the keys of an earlier session.

        :return: whether all messages have the same numbers; if not, the keys of that session are no longer valid
        """
        if any(self._lines.get(number) != line for number, line in before._lines.items()):
            return False
        self.numbers |= before.numbers
        self._copies, self._by_content = before._copies, before._by_content
        return True
