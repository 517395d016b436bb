"""The keys of messages in IMAP mailboxes."""

import re
from typing import NamedTuple

_KEY = re.compile(
    r"imap://(?P<account>[^/]*)/(?P<folder>.*);UIDVALIDITY=(?P<uid_validity>\d+)/;UID=(?P<uid>\d+)"
    r"(;GENERATION=(?P<generation>\d+))?",
    re.S,
)


class ImapKey(NamedTuple):
    """The parts of a remote key; written as an IMAP URL (RFC 5092).

    :ivar generation: how often the server renumbered the folder before
    """

    account: str
    folder: str
    uid_validity: int
    uid: int
    generation: int = 0

    def __str__(self):
        url = f"imap://{self.account}/{self.folder};UIDVALIDITY={self.uid_validity}/;UID={self.uid}"
        return f"{url};GENERATION={self.generation}" if self.generation else url

    @classmethod
    def parse(cls, text: str) -> "ImapKey | None":
        """Return the parts of `text`, None when it is not such a key."""
        found = _KEY.fullmatch(text)
        if not found:
            return None
        numbers = (int(found[name] or 0) for name in ("uid_validity", "uid", "generation"))
        return cls(found["account"], found["folder"], *numbers)
