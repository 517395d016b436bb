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


@dataclass(frozen=True)
class Envelope:
    """A message and whom it goes to.

    :ivar key: by which the caller knows it
    :ivar sender: the envelope sender; empty for the null sender
    :ivar recipients: addresses without a name
    :ivar content: the message as Python's email package writes it
    """

    key: Hashable
    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """The addresses that no command can hold."""
        return tuple(address for address in (self.sender, *self.recipients) if _UNSAFE.search(address))

    @property
    def is_ascii(self) -> bool:
        """Whether all addresses consist of ASCII characters."""
        return self.sender.isascii() and all(map(str.isascii, self.recipients))


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
