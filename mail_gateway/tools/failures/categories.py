"""The words for a failed delivery: in which phase it failed, whose failure it is, its category, and who must act."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, IntEnum


class Phase(IntEnum):
    """How far an attempt got; the order is that of the SMTP session (RFC 5321, section 3)."""

    CONNECT = 1  # name, connection, greeting, EHLO
    TLS = 2
    AUTH = 3
    MAIL = 4
    RCPT = 5
    DATA = 6
    END_OF_DATA = 7

    @property
    def word(self) -> str:
        """The name of the phase in the database."""
        return self.name.lower()


class Scope(str, Enum):
    """Whose failure it is: what else fails in the same way, and what waits for it."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    SERVER = "server"


class Actor(str, Enum):
    """Who must act."""

    RECIPIENT = "recipient"
    US = "us"
    RELAY = "relay"
    NOBODY = "nobody"


class Category(str, Enum):
    """Why a message did not get further."""

    ADDRESS = "address"  # no such mailbox, or it is disabled
    DOMAIN = "domain"  # no such domain, or one that takes no mail
    FULL = "full"
    REFUSED = "refused"  # the recipient or their administrator wants no such mail
    GREYLISTED = "greylisted"
    SIZE = "size"
    CONTENT = "content"  # spam, viruses, links, forbidden files
    REPUTATION = "reputation"  # of our network or our domain
    AUTHENTICATION = "authentication"  # SPF, DKIM, DMARC, reverse DNS
    SENDER = "sender"  # the server may not send from this address, or does not relay
    RATE = "rate"  # a limit of messages, recipients or connections
    LOGIN = "login"
    TLS = "tls"
    UNREACHABLE = "unreachable"  # name look-up, connection, time-outs
    BUSY = "busy"  # a fault that the server calls its own and temporary
    ROUTING = "routing"  # loops, and servers behind the relay
    PROTOCOL = "protocol"  # commands or messages that the server can't process
    OTHER = "other"


_ACTORS = {
    Category.ADDRESS: Actor.RECIPIENT,
    Category.DOMAIN: Actor.RECIPIENT,
    Category.FULL: Actor.RECIPIENT,
    Category.REFUSED: Actor.RECIPIENT,
    Category.GREYLISTED: Actor.NOBODY,
    Category.SIZE: Actor.US,
    Category.CONTENT: Actor.US,
    Category.REPUTATION: Actor.US,
    Category.AUTHENTICATION: Actor.US,
    Category.SENDER: Actor.US,
    Category.RATE: Actor.NOBODY,
    Category.LOGIN: Actor.US,
    Category.TLS: Actor.RELAY,
    Category.UNREACHABLE: Actor.RELAY,
    Category.BUSY: Actor.RELAY,
    Category.ROUTING: Actor.RELAY,
    Category.PROTOCOL: Actor.US,
    Category.OTHER: Actor.NOBODY,
}


@dataclass(frozen=True)
class Failure:
    """What a reply, a report or a lost connection means.

    :ivar wait: how long the server asks to wait; None when it names no time
    :ivar source: where the meaning is documented
    """

    scope: Scope
    permanent: bool
    category: Category
    wait: timedelta | None = None
    source: str = ""

    @property
    def actor(self) -> Actor:
        """Who must act. Nobody must while the next try may succeed, unless only a person can change the outcome."""
        return _ACTORS[self.category]

    @property
    def is_of_the_address(self) -> bool:
        """Whether the address itself is at fault, so that it counts towards the blacklist (SPEC E3)."""
        return self.permanent and self.scope is Scope.RECIPIENT and self.category in {Category.ADDRESS, Category.DOMAIN}
