"""Parses a message as Odoo does, but within bounds, and without failing on a header.

The parser is Odoo's, and the policy follows Odoo's (email.policy.SMTP), so that Odoo sees the same structure.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage, Message
from email.policy import EmailPolicy

from .defects import BoundExceeded, Defect

# Measured with Python 3.11: 900,000 lines (a base64 attachment of 50 MB) take 1.5 s, as do 5 million empty lines.
MAX_LINES = 1_500_000
# In nested parts, Python compares each line with the boundaries of all of them: 60,000 lines in 100 parts take 0.7 s.
MAX_COMPARISONS = 12_000_000
MAX_CONTAINERS = 100
MAX_LEVELS = 30
# Odoo creates a record for each attachment.
MAX_PARTS = 300
# Bytes and parts that are read of a message that exceeds these bounds.
BEGINNING_BYTES = 2 * 1024 * 1024
BEGINNING_PARTS = 20_000
_BEGINNING_LINES = 30_000
HEAD_CHARS = 256 * 1024
# The time of Python's parser of parameters and encoded words grows with the square of the length: 0.1 s at this length.
VALUE_CHARS = 8000

# Python copies the rest of a Content- header at each sign in it, and parses the header about ten times for Odoo. The time
# grows with the square of the number of signs: 8,000 quotes take 0.2 s each time. A file name in a hundred pieces has some
# 400 signs.
MAX_SIGNS_SQUARED = 10_000_000
_SIGN = re.compile(r"[^\w%*'.+=?/-]")
_CROWDED_CHARS = 200

# Python parses comments by recursion, and Odoo has less of the stack left than the check before it.
_MAX_COMMENTS = 30
_COMMENTED = ("content-type", "content-disposition", "content-transfer-encoding", "message-id", "mime-version")

_SIMPLE_KINDS = ("text/", "image/", "application/", "audio/", "video/", "font/", "model/")


def parse(source: bytes) -> EmailMessage:
    """Parse a message.

    :param source: any bytes
    :return: a message whose headers can be read without an exception; ``defects`` of its policy has the defects found so
        far
    :raises BoundExceeded: when parsing would take more than a few seconds
    """
    message = _parse(source, GuardedPolicy(_count_lines(source)))
    if any(level > MAX_LEVELS for level, _part in walk(message)):
        raise BoundExceeded(Defect.NESTING)
    return message


def parse_beginning(source: bytes) -> EmailMessage:
    """Parse the beginning of a message that exceeds the bounds, to show its readable content.

    :raises BoundExceeded: when even that would take too long
    """
    lines = source[:BEGINNING_BYTES].splitlines(keepends=True)[:_BEGINNING_LINES]
    return _parse(b"".join(lines), GuardedPolicy(len(lines), BEGINNING_PARTS))


def _parse(source, policy):
    try:
        return email.message_from_bytes(source, policy=policy)
    except RecursionError as error:
        raise BoundExceeded(Defect.NESTING) from error


def _count_lines(source):
    lines = source.count(b"\n") + source.count(b"\r") - source.count(b"\r\n")
    if lines > MAX_LINES:
        raise BoundExceeded(Defect.SIZE)
    return lines


class GuardedPolicy(EmailPolicy):
    """Checks the bounds when Python's parser calls its policy, as the parser does for each header and each part.

    :param lines: the number of lines of the message
    :param most_parts: the number of parts that it may have
    :ivar defects: the defects of the headers that were read so far
    """

    def __init__(self, lines: int = 0, most_parts: int = MAX_PARTS):
        super().__init__(
            linesep="\r\n", header_factory=email.policy.SMTP.header_factory, message_factory=self._new_part
        )
        state = {"defects": set(), "_parsed": {}, "_most_parts": most_parts}
        counters = {"_lines": lines, "_parts": 0, "_containers": 1, "_head": 0, "_signs": 0}
        for name, value in {**state, **counters}.items():
            object.__setattr__(self, name, value)  # policies are meant to be immutable

    def _count(self, **more):
        for name, number in more.items():
            object.__setattr__(self, name, getattr(self, name) + number)

    # ------------------------------------------------------------------ called by the parser

    def _new_part(self, policy):
        self._count(_parts=1)
        if self._parts > self._most_parts:
            raise BoundExceeded(Defect.PARTS)
        return EmailMessage(policy=policy)

    def header_source_parse(self, sourcelines):
        """Extends Python's method: counts headers and containers.

        :raises BoundExceeded: when there are too many
        """
        name, value = super().header_source_parse(sourcelines)
        self._count(_head=len(name) + len(value))
        if self._head > HEAD_CHARS:
            raise BoundExceeded(Defect.HEAD_SIZE)
        if name.lower().startswith("content-"):
            self._count(_signs=len(_SIGN.findall(value)) ** 2)
        if self._signs > MAX_SIGNS_SQUARED:
            self.defects.add(Defect.HEAD_SIZE)
        if name.lower() == "content-type" and not value.lower().startswith(_SIMPLE_KINDS):
            self._count(_containers=1)
            if self._containers > MAX_CONTAINERS:
                raise BoundExceeded(Defect.NESTING)
            if self._containers * self._lines > MAX_COMPARISONS + MAX_LINES * 3:
                raise BoundExceeded(Defect.SIZE)
        return name, value

    def header_fetch_parse(self, name, value):
        """Extends Python's method: parses each header once, and records defects of headers that can't be parsed."""
        if hasattr(value, "name"):
            return value
        key = (name.lower(), value)
        if key not in self._parsed:
            self._parsed[key] = self._guarded(super().header_fetch_parse, name, value)
        return self._parsed[key]

    def _guarded(self, parse_header, name, value):
        if len(value) > VALUE_CHARS and name.lower().startswith("content-"):
            self.defects.add(Defect.HEAD_SIZE)
            value = value[:VALUE_CHARS]
        if self._signs > MAX_SIGNS_SQUARED and name.lower().startswith("content-"):
            value = value[:_CROWDED_CHARS]
        if value.count("(") > _MAX_COMMENTS and name.lower() in _COMMENTED:
            self.defects.add(Defect.HEADERS)
            value = value.replace("(", "")
        try:
            return parse_header(name, value)
        except Exception:  # noqa: BLE001 Python's parser fails in many ways, CPython 105802 is one
            self.defects.add(Defect.CONTENT_TYPE if name.lower().startswith("content-") else Defect.HEADERS)
            return parse_header(name, "")


def walk(message: Message) -> Iterator[tuple[int, Message]]:
    """Yield all parts in their order as (level, part), without recursion."""
    todo = [(0, message)]
    while todo:
        level, part = todo.pop()
        yield level, part
        if part.is_multipart():
            todo.extend((level + 1, child) for child in reversed(part.get_payload()))


def walk_within(message: Message) -> Iterator[tuple[Message, bool]]:
    """Yield all parts in their order as (part, whether it lies within an attached message), without recursion."""
    todo = [(message, False)]
    while todo:
        part, is_attached = todo.pop()
        yield part, is_attached
        if part.is_multipart():
            inside = is_attached or part.get_content_maintype() == "message"
            todo.extend((child, inside) for child in reversed(part.get_payload()))
