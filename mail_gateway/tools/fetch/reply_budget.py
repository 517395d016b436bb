"""Limits the bytes of one reply of a mail server, so that no server fills the memory."""

from .visit import EndlessServer

# Bytes of one reply before the login, and of one reply after it without the messages in it. The reply to a search is one
# line with some 8 bytes for each message.
MAX_GREETING = 64 * 2**10
MAX_REPLY = 64 * 2**20
# Bytes of the messages in one reply. Some servers estimate sizes: twice as much is accepted.
MAX_MESSAGES = 256 * 2**20
# Bytes that are counted in addition for each line, since Python needs memory for it. An IMAP reply has few lines.
LINE_OVERHEAD = 100
IMAP_LINE_OVERHEAD = 1000


class ReplyBudget:
    """Counts the bytes of one reply.

    :param overhead: bytes that are counted in addition for each line
    :ivar limit: bytes of a reply without the messages in it
    :ivar literals: bytes of the messages in a reply
    :ivar exceeded: whether a reply was too long; the rest of it would follow, so the connection can't be used any more
    """

    def __init__(self, overhead: int = LINE_OVERHEAD):
        self.limit = MAX_GREETING
        self.literals = 0
        self.exceeded = False
        self._overhead = overhead
        self.begin()

    def begin(self) -> None:
        """Begin to count the reply to a command."""
        self._words = self._literal_bytes = 0

    @property
    def line_limit(self) -> int:
        """The maximum number of bytes in the next line."""
        return max(self.limit - self._words, 0)

    def count_line(self, size: int) -> None:
        """Count a line that was received.

        :param size: in bytes

        :raises EndlessServer: when the reply is too long
        """
        self._words += size + self._overhead
        if self._words > self.limit:
            self.exceeded = True
            raise EndlessServer(f"more than {self.limit} bytes in one reply")

    def count_literal(self, size: int) -> None:
        """Count a literal that the server announces.

        :param size: in bytes

        :raises EndlessServer: when that is more than was asked for
        """
        self._literal_bytes += size
        if self._literal_bytes > self.literals:
            self.exceeded = True
            raise EndlessServer(f"{size} bytes that were not asked for")
