"""How many bytes one reply of a mail server may have, so that no server fills the memory."""

from .visit import EndlessServer

# Of one reply before the server knows who we are, and of the words, not the messages, of one afterwards. The reply to
# a search is one line, of some 8 bytes for each message.
MAX_GREETING = 64 * 2**10
MAX_REPLY = 64 * 2**20
# Of the messages in one reply, whatever the server says they have. Some servers guess: twice as much is taken.
MAX_MESSAGES = 256 * 2**20
# What a line counts besides its bytes: Python needs some for it, and IMAP has few lines in a reply.
LINE_OVERHEAD = 100
IMAP_LINE_OVERHEAD = 1000


class ReplyBudget:
    """The bytes that one reply may have.

    :param overhead: that each line counts besides its own bytes
    :ivar limit: bytes of the words of a reply
    :ivar literals: bytes of the messages in a reply
    :ivar exceeded: whether a reply was too long; what comes is still that reply, so the connection is of no more use
    """

    def __init__(self, overhead: int = LINE_OVERHEAD):
        self.limit = MAX_GREETING
        self.literals = 0
        self.exceeded = False
        self._overhead = overhead
        self.begin()

    def begin(self) -> None:
        """A command is sent; what comes is its reply."""
        self._words = self._literal_bytes = 0

    @property
    def line_limit(self) -> int:
        """The bytes that the next line may have, at most."""
        return max(self.limit - self._words, 0)

    def count_line(self, size: int) -> None:
        """A line of so many bytes came.

        :raises EndlessServer: when the reply is too long
        """
        self._words += size + self._overhead
        if self._words > self.limit:
            self.exceeded = True
            raise EndlessServer(f"more than {self.limit} bytes in one reply")

    def count_literal(self, size: int) -> None:
        """A literal of so many bytes is announced.

        :raises EndlessServer: when that is more than was asked for
        """
        self._literal_bytes += size
        if self._literal_bytes > self.literals:
            self.exceeded = True
            raise EndlessServer(f"{size} bytes that were not asked for")
