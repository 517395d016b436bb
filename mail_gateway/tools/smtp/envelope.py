"""A message with its envelope, and what became of each recipient in one attempt to send it."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum

from ..failures.categories import Failure, Phase
from ..failures.reply import Reply

# What would end a command, or the address in it (RFC 5321, section 4.1.2).
_UNSAFE = re.compile(r"[\0-\x20\x7f-\x9f<>\u2028\u2029\ud800-\udfff]")


class Outcome(str, Enum):
    """What became of one recipient in one attempt."""

    ACCEPTED = "accepted"
    DELAYED = "delayed"  # a temporary failure
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # the end of data was sent and no reply came (RFC 1047)


def is_unsafe(address: str) -> bool:
    """Return whether no command can hold an address."""
    return bool(_UNSAFE.search(address))


@dataclass(frozen=True)
class Envelope:
    """A message and whom it goes to.

    :ivar key: by which the caller knows it
    :ivar sender: the envelope sender; empty for the null sender
    :ivar recipients: addresses without a name, their domains in ASCII (IDNA)
    :ivar content: the message as Python's email package writes it
    """

    key: Hashable
    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class RecipientResult:
    """What became of a recipient.

    :ivar phase: how far the attempt got
    :ivar reply: of the server; None when there was none
    :ivar failure: what it means; None for :attr:`Outcome.ACCEPTED`
    """

    recipient: str
    outcome: Outcome
    phase: Phase
    reply: Reply | None = None
    failure: Failure | None = None
