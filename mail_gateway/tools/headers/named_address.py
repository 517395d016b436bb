"""A display name and an address, as the headers of messages name authors and recipients (RFC 5322, section 3.4)."""

import re
from typing import NamedTuple

from ..text.bidirectional import BIDIRECTIONAL_CONTROLS
from ..text.database_text import as_text
from ..text.encoded_words import decode_words

# Characters of a display name.
NAME_CHARS = 200
# An encoded word takes up to 12 characters for one character.
_RAW_NAME_CHARS = 12 * NAME_CHARS
_BIDIRECTIONAL = re.compile(f"[{BIDIRECTIONAL_CONTROLS}]+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NEEDS_QUOTES = re.compile(r'[()<>@,:;\\"\[\]]|^\'|=\?')


class NamedAddress(NamedTuple):
    """A name and an address. RFC 5322 calls this a mailbox, but here that word means mailboxes on servers.

    :ivar name: decoded, on one line, without bidirectional controls; empty for none
    :ivar address: as it was written, since some local parts are case-sensitive; empty for none
    """

    name: str = ""
    address: str = ""

    def __str__(self):
        """Return the value of a header, in which letters beyond ASCII are not encoded yet."""
        if not self.name:
            return f"<{self.address}>" if '"' in self.address else self.address
        return f"{_quoted(self.name)} <{self.address}>" if self.address else self.name


def _quoted(name):
    if not _NEEDS_QUOTES.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("=?", "=\\?")
    return f'"{escaped}"'


def decoded_name(text: str) -> str:
    """Decode a display name to text on one line, without control characters and bidirectional controls.

    :param text: as it stands in the header
    :return: at most :data:`NAME_CHARS` characters
    """
    text = text[:_RAW_NAME_CHARS]
    if "=?" in text:
        text = decode_words(text)
    if not text.isascii():
        text = _BIDIRECTIONAL.sub("", as_text(text))
    name = " ".join(_CONTROLS.sub(" ", text).split())
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return name[:NAME_CHARS].strip()


def name_without_address(text: str) -> str:
    """Turn the text of a header without a readable address into a name that no reader takes for an address.

    :param text: as it stands in the header
    """
    return decoded_name(text).replace("@", " at ").replace("<", " ").replace(">", " ").strip()
