"""Sending messages over one SMTP session, with as few round trips as the server allows.

Where the server offers PIPELINING (RFC 2920), the commands of a message go out together, and the end of its data goes out
together with the commands of the next one: one round trip for each message. At most one message of a session has sent its
end of data and not got a reply: only that one can become uncertain (RFC 1047).
"""

import smtplib
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..failures.categories import Category, Failure, Phase, Scope
from ..failures.classify import classify_error, classify_reply
from ..failures.reply import Reply, read_reply
from .content import on_the_wire
from .envelope import Envelope, Outcome, RecipientResult
from .session import Session

# Commands that are sent before their replies are read. More could fill the buffers of both sides, and neither would read
# on (RFC 2920, section 3.1).
MAX_GROUP = 50
# Seconds (RFC 5321, section 4.5.3.2, allows minutes; only the end of data is worth them).
COMMAND_TIMEOUT = 60
END_OF_DATA_TIMEOUT = 600

# Bytes of a message that are sent at once.
_PIECE = 256 * 1024
_CLOSING = 421
_GO_AHEAD = 354


class Feed(Protocol):
    """Where a transmission gets messages from."""

    def take(self, *, wait: bool) -> Envelope | None:
        """Return the next message.

        :param wait: wait for one; if not, None means that there is none at this moment
        :return: None when there are no more
        """


class Journal(Protocol):
    """Where a transmission writes down how far it got."""

    def about_to_end(self, envelope: Envelope) -> None:
        """Write down durably that the end of data of this message is about to be sent."""

    def settle(self, envelope: Envelope, results: tuple[RecipientResult, ...]) -> None:
        """Write down what became of the recipients."""


class SessionOver(Exception):
    """The session can't go on.

    :ivar failure: what that means
    :ivar phase: which was under way
    :ivar reply: of the server when it said why
    """

    def __init__(self, failure: Failure, phase: Phase, reply: Reply | None = None):
        super().__init__(failure.category.value)
        self.failure, self.phase, self.reply = failure, phase, reply


class OutOfStep(OSError):
    """The server said something that is no reply to a command: which reply belongs to which command is unknown."""


@dataclass
class _Transaction:
    """One message on its way."""

    envelope: Envelope
    content: bytes
    commands: list
    phase: Phase = Phase.MAIL
    grouped: int = 0  # commands that were sent, and whose replies were not read
    accepted: list = field(default_factory=list)
    results: dict = field(default_factory=dict)
    go_ahead: bool = False

    @property
    def open_recipients(self):
        """The recipients whose outcome is not known."""
        return [recipient for recipient in self.envelope.recipients if recipient not in self.results]

    def refuse(self, recipients, phase, reply, failure=None):
        """Note that the server refused, by a reply or by a limit that it named before."""
        failure = failure or classify_reply(reply, phase)
        outcome = Outcome.FAILED if failure.permanent else Outcome.DELAYED
        for recipient in recipients:
            self.results.setdefault(recipient, RecipientResult(recipient, outcome, phase, reply, failure))

    def settle(self, outcome, reply=None, failure=None):
        """Note what became of all recipients whose outcome is not known."""
        for recipient in self.open_recipients:
            self.results[recipient] = RecipientResult(recipient, outcome, self.phase, reply, failure)

    def all_results(self):
        """The results, in the order of the envelope."""
        return tuple(self.results[recipient] for recipient in dict.fromkeys(self.envelope.recipients))


class Transmission:
    """Messages over one session, which is connected and logged in.

    :param session: its server is used as it says that it can be used (EHLO)
    :param feed: gives the messages
    :param journal: is told how far each message got
    :param max_messages: after which the session ends; None for no limit
    """

    def __init__(self, session: Session, feed: Feed, journal: Journal, max_messages: int | None = None):
        self._session, self._feed, self._journal, self._left = session, feed, journal, max_messages
        self._pipelining = session.has_extn("pipelining")
        self._eight_bit = session.has_extn("8bitmime")
        self._utf8 = session.has_extn("smtputf8")
        size = session.esmtp_features.get("size", "")
        self._max_bytes = int(size) if size.isdecimal() else 0
        self._under_way = []

    def run(self) -> None:
        """Send messages until the feed has no more, or the session has sent as many as it may.

        :raises SessionOver: when the session can't go on; what was under way is settled then
        """
        try:
            transaction = self._next(wait=True)
            while transaction:
                self._negotiate(transaction)
                transaction = self._end(transaction)
        except (OSError, smtplib.SMTPException) as error:
            raise self._over(error) from error
        except SessionOver as over:
            self._settle_all(over)
            raise

    # ------------------------------------------------------------------ one message

    def _next(self, *, wait):
        """Return the next message that can be sent, with its commands; None when there is none."""
        while self._left is None or self._left > 0:
            envelope = self._feed.take(wait=wait)
            if envelope is None:
                return None
            transaction = self._transaction(envelope)
            if not transaction.results:
                self._left = self._left and self._left - 1
                self._under_way.append(transaction)
                return transaction
            self._journal.settle(envelope, transaction.all_results())
        return None

    def _transaction(self, envelope):
        """Return a transaction; its recipients have results already when the server can't take the message."""
        if envelope.unsafe or not (envelope.is_ascii or self._utf8):
            impossible = _Transaction(envelope, b"", [])
            failure = Failure(Scope.MESSAGE, permanent=True, category=Category.PROTOCOL, source="RFC 5321; RFC 6531")
            impossible.refuse(envelope.recipients, Phase.MAIL, None, failure)
            return impossible
        content = on_the_wire(envelope.content, eight_bit=self._eight_bit)
        transaction = _Transaction(envelope, content, [*self._commands(envelope, content)])
        if self._max_bytes and len(content) > self._max_bytes:
            failure = Failure(Scope.MESSAGE, permanent=True, category=Category.SIZE, source="RFC 1870")
            transaction.refuse(envelope.recipients, Phase.MAIL, None, failure)
        return transaction

    def _commands(self, envelope, content):
        options = f" SIZE={len(content)}" if self._session.has_extn("size") else ""
        if self._eight_bit and not content.isascii():
            options += " BODY=8BITMIME"
        if not envelope.is_ascii:
            options += " SMTPUTF8"
        yield Phase.MAIL, None, f"MAIL FROM:<{envelope.sender}>{options}"
        for recipient in dict.fromkeys(envelope.recipients):
            yield Phase.RCPT, recipient, f"RCPT TO:<{recipient}>"
        yield Phase.DATA, None, "DATA"

    def _negotiate(self, transaction):
        """Go through MAIL, RCPT and DATA."""
        commands, pending = transaction.commands, transaction.grouped
        while commands:
            if not pending:
                pending = min(len(commands), MAX_GROUP if self._pipelining else 1)
                self._send(_lines(commands[:pending]))
            phase, recipient, _line = commands.pop(0)
            transaction.phase = phase
            self._answer(transaction, phase, recipient, self._reply())
            pending -= 1
            if not pending and not transaction.open_recipients:
                break  # nobody is left whom the message could go to
        transaction.commands = []

    def _answer(self, transaction, phase, recipient, reply):
        if phase is Phase.DATA:
            transaction.go_ahead = reply.code == _GO_AHEAD
        elif reply.code == _GO_AHEAD:
            raise OutOfStep
        if phase is Phase.DATA and not transaction.go_ahead and reply.code < 400:  # noqa: PLR2004 no other reply goes on
            raise OutOfStep
        if reply.code >= 400:  # noqa: PLR2004
            self._refused(transaction, phase, recipient, reply)

    def _refused(self, transaction, phase, recipient, reply):
        failure = classify_reply(reply, phase)
        transaction.refuse([recipient] if recipient else transaction.open_recipients, phase, reply, failure)
        if reply.code == _CLOSING:
            raise SessionOver(failure, phase, reply)

    def _end(self, transaction):
        """End the transaction, and send the commands of the next message along; return that one."""
        if transaction.open_recipients and transaction.go_ahead:
            last = self._send_all_but_the_end(transaction.content)
            self._journal.about_to_end(transaction.envelope)
            transaction.phase = Phase.END_OF_DATA
            return self._finish(transaction, last + b".\r\n", END_OF_DATA_TIMEOUT)
        # A server that goes ahead although it refused every recipient gets an empty message (RFC 2920, section 3.1).
        return self._finish(transaction, b".\r\n" if transaction.go_ahead else b"RSET\r\n")

    def _send_all_but_the_end(self, content):
        """Send a large message in pieces, each of which has the time of a command, and return the last piece."""
        start = 0
        while len(content) - start > _PIECE:
            self._send(content[start : start + _PIECE])
            start += _PIECE
        return content[start:]

    def _finish(self, transaction, last, timeout=None):
        following = self._next(wait=False) if self._pipelining else None
        if following and len(following.commands) <= MAX_GROUP:
            following.grouped = len(following.commands)
            last += _lines(following.commands)
        self._send(last)
        reply = self._reply(timeout)
        if transaction.phase is Phase.END_OF_DATA:
            self._ended(transaction, reply)
        self._under_way.remove(transaction)
        self._journal.settle(transaction.envelope, transaction.all_results())
        if reply.code == _CLOSING:
            raise SessionOver(classify_reply(reply, Phase.END_OF_DATA), Phase.END_OF_DATA, reply)
        return following or self._next(wait=True)

    def _ended(self, transaction, reply):
        if reply.code >= 400:  # noqa: PLR2004
            transaction.refuse(transaction.open_recipients, Phase.END_OF_DATA, reply)
        elif reply.code // 100 == 2:  # noqa: PLR2004
            transaction.settle(Outcome.ACCEPTED, reply)
        else:
            raise OutOfStep

    # ------------------------------------------------------------------ the connection

    def _send(self, lines):
        if self._session.has_unread():
            raise OutOfStep
        self._session.sock.settimeout(COMMAND_TIMEOUT)
        self._session.send(lines)

    def _reply(self, timeout=None):
        self._session.sock.settimeout(timeout or COMMAND_TIMEOUT)
        reply = read_reply(*self._session.getreply())
        if not 200 <= reply.code < 600:  # noqa: PLR2004 RFC 5321, section 4.2.1
            raise OutOfStep
        return reply

    def _over(self, error):
        phase = self._under_way[0].phase if self._under_way else Phase.MAIL
        failure = classify_error(error, phase)
        over = SessionOver(
            replace(failure, category=Category.PROTOCOL) if isinstance(error, OutOfStep) else failure, phase
        )
        self._settle_all(over)
        return over

    def _settle_all(self, over):
        """Settle what was under way: uncertain is only what has sent its end of data."""
        for transaction in self._under_way:
            ended = transaction.phase is Phase.END_OF_DATA
            transaction.settle(Outcome.UNCERTAIN if ended else Outcome.DELAYED, over.reply, over.failure)
            self._journal.settle(transaction.envelope, transaction.all_results())
        self._under_way = []


def _lines(commands):
    return b"".join(f"{line}\r\n".encode() for _phase, _recipient, line in commands)
