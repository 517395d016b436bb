"""Parses the headers at the beginning of a raw message, without the body. No function here raises an exception."""

import re
from contextlib import suppress
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32, Policy

from ..text.database_text import as_text

# Headers are read up to this length: a larger header block is an attack, or not a message.
HEADER_BYTES = 256 * 1024
# A header is cut to this length before it is read: the time that Python's parsers of encoded words and parameters take
# grows with the square of the length.
VALUE_LIMIT = 8000
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class ReadingPolicy(Compat32):
    """Returns header values as text of bounded length.

    It derives from the old policy, which returns values unparsed, since the new one fails on some Message-Ids (CPython
    105802).
    """

    def header_source_parse(self, sourcelines):
        """Extends Python's method: cuts the value, and turns bytes beyond ASCII into text."""
        name, value = super().header_source_parse(sourcelines)
        return name, as_text(value[:VALUE_LIMIT])


def head_bytes(source: bytes) -> bytes:
    """Return the headers of a raw message with the line that ends them, cut to :data:`HEADER_BYTES`.

    :param source: any bytes
    """
    head = source[:HEADER_BYTES]
    found = _END_OF_HEAD.search(head)
    return head[: found.end()] if found else head


def parse_head(source: bytes, policy: Policy | None = None) -> Message:
    """Parse the headers of a raw message into a message without a body.

    :param source: any bytes
    :param policy: the policy of the message, :class:`ReadingPolicy` by default
    :return: the message; without headers when Python's parser fails
    """
    head = _END_OF_HEAD.split(source[:HEADER_BYTES], maxsplit=1)[0]
    with suppress(Exception):
        return BytesHeaderParser(policy=policy or ReadingPolicy()).parsebytes(head)
    return Message()
