"""Sending messages over one SMTP session, with as few round trips as the server allows.

Where the server offers PIPELINING (RFC 2920), the commands of a message go out together, and the end of its data goes out
together with the commands of the next one: one round trip for each message. At most one message of a session has sent its
end of data and not got a reply: only that one can become uncertain (RFC 1047).
"""

import smtplib
from dataclasses import replace
from typing import Protocol

from ..failures.categories import Category, Phase
from ..failures.classify import classify_error, classify_reply
from ..failures.reply import read_reply
from ..secrets import Secrets
from .envelope import Envelope, Outcome, RecipientResult
from .preparation import Preparation
from .session import Session
from .transaction import JournalFailed, OutOfStep, SessionEnded, SessionOver

# Commands that are sent before their replies are read. More could fill the buffers of both sides, and neither would read
# on (RFC 2920, section 3.1).
MAX_GROUP = 50
# Seconds (RFC 5321, section 4.5.3.2, allows minutes; only the end of data is worth them).
COMMAND_TIMEOUT = 60
END_OF_DATA_TIMEOUT = 600
# After which a session without messages ends; servers end them themselves, some without a word.
IDLE_SECONDS = 5

# Bytes of a message that are sent at once.
_PIECE = 256 * 1024
# From so many bytes on, the next message is not prepared meanwhile.
_LARGE = 2**20
_CLOSING = 421
_GO_AHEAD = 354


class Feed(Protocol):
    """Where a transmission gets messages from."""

    def take(self, wait: float) -> Envelope | None:
        """Return the next message; None when there is none.

        :param wait: seconds to wait for one
        """

    def give_back(self, envelope: Envelope) -> None:
        """Take a message back that was not begun; it is the next one."""


class Journal(Protocol):
    """Where a transmission writes down how far it got."""

    def about_to_end(self, envelope: Envelope) -> None:
        """Write down durably that the end of data of this message is about to be sent."""

    def settle(self, envelope: Envelope, results: tuple[RecipientResult, ...]) -> None:
        """Write down what became of the recipients."""


class Transmission:
    """Messages over one session, which is connected and logged in.

    :param session: its server is used as it says that it can be used (EHLO)
    :param feed: gives the messages
    :param journal: is told how far each message got
    :param max_messages: after which the session ends; None or 0 for no limit
    :param secrets: removed from the refusals of the server
    """

    def __init__(
        self,
        session: Session,
        feed: Feed,
        journal: Journal,
        max_messages: int | None = None,
        secrets: Secrets | None = None,
    ):
        self._session, self._feed, self._journal = session, feed, journal
        self._left, self._settled, self._secrets = max_messages or None, 0, secrets or Secrets()
        self._pipelining = session.has_extn("pipelining")
        self._preparation = Preparation(session)
        self._under_way = []

    def run(self) -> None:
        """Send messages until the feed has none for a while, or the session has sent as many as it may.

        :raises SessionOver: when the session can't go on; what was under way is settled then
        :raises JournalFailed: when the journal raises an error
        """
        try:
            transaction = self._next(IDLE_SECONDS)
            while transaction:
                self._negotiate(transaction)
                transaction = self._end(transaction)
        except SessionEnded:
            self._give_back()
        except (OSError, smtplib.SMTPException) as error:
            if not self._was_closed_between_messages():
                raise self._over(error) from error
            self._give_back()
        except SessionOver as over:
            self._settle_all(over)
            raise

    def _was_closed_between_messages(self):
        """Return whether the server ended a session that worked, instead of answering the commands of another message.

        Some do so without a word after so many messages, or after some idle time.
        """
        return bool(self._settled and self._under_way and not any(each.replied for each in self._under_way))

    def _give_back(self):
        for transaction in reversed(self._under_way):
            self._feed.give_back(transaction.envelope)
        self._under_way = []

    # ------------------------------------------------------------------ one message

    def _next(self, wait):
        """Return the next message that can be sent, with its commands; None when there is none."""
        while self._left is None or self._left > 0:
            envelope = self._feed.take(wait)
            if envelope is None:
                return None
            transaction = self._preparation.prepare(envelope)
            if transaction.open_recipients:
                self._left = self._left and self._left - 1
                self._under_way.append(transaction)
                return transaction
            self._settle(transaction)
        return None

    def _negotiate(self, transaction):
        """Go through MAIL, RCPT and DATA."""
        commands, pending = transaction.commands, transaction.grouped
        while commands:
            if not pending:
                pending = min(len(commands), MAX_GROUP if self._pipelining else 1)
                self._send(_lines(commands[:pending]))
            phase, recipient, _line = commands.pop(0)
            transaction.phase = phase
            reply = self._reply()
            transaction.replied = True
            self._answer(transaction, phase, recipient, reply)
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
        wanted = transaction.open_recipients and transaction.go_ahead
        is_large = len(transaction.content) > _LARGE
        last = self._send_all_but_the_end(transaction) if wanted else b""
        following = self._following() if not is_large else None  # two large ones would take too much memory
        self._check_unread(transaction)
        if wanted:
            self._write_down(self._journal.about_to_end, transaction.envelope)
            transaction.phase = Phase.END_OF_DATA
        # A server that goes ahead although it refused every recipient gets an empty message (RFC 2920, section 3.1).
        self._write(last + (b".\r\n" if transaction.go_ahead else b"RSET\r\n") + self._grouped(following))
        self._finish(transaction)
        return following or self._next(IDLE_SECONDS)

    def _following(self):
        return self._next(0) if self._pipelining else None

    def _grouped(self, following):
        """Return the commands of the next message, if they can go along."""
        if not following or len(following.commands) > MAX_GROUP:
            return b""
        following.grouped = len(following.commands)
        return _lines(following.commands)

    def _send_all_but_the_end(self, transaction):
        """Send a large message in pieces, each of which has the time of a command, and return the last piece."""
        content, start = transaction.content, 0
        while len(content) - start > _PIECE:
            self._check_unread(transaction)
            self._write(content[start : start + _PIECE])
            start += _PIECE
        transaction.content = b""
        return content[start:]

    def _finish(self, transaction):
        """Read the reply to the end of a transaction, and settle it."""
        ends = transaction.phase is Phase.END_OF_DATA
        reply = self._reply(END_OF_DATA_TIMEOUT if ends else None)
        if ends:
            self._ended(transaction, reply)
        self._under_way.remove(transaction)
        self._settle(transaction)
        if reply.code == _CLOSING:
            raise SessionOver(classify_reply(reply, Phase.END_OF_DATA), Phase.END_OF_DATA, reply)
        if not ends and not transaction.go_ahead and reply.code >= 400:  # noqa: PLR2004 refused RSET: what holds now?
            raise SessionEnded

    def _ended(self, transaction, reply):
        if reply.code >= 400:  # noqa: PLR2004
            transaction.refuse(transaction.open_recipients, Phase.END_OF_DATA, reply)
        elif reply.code // 100 == 2:  # noqa: PLR2004
            transaction.settle(Outcome.ACCEPTED, reply)
        else:
            raise OutOfStep

    # ------------------------------------------------------------------ the connection

    def _send(self, lines):
        self._check_unread()
        self._write(lines)

    def _write(self, lines):
        self._session.sock.settimeout(COMMAND_TIMEOUT)
        self._session.send(lines)

    def _check_unread(self, transaction=None):
        """Read what the server says without being asked: that it closes, or that it refuses a message half way.

        :raises SessionOver: when it closes
        :raises OutOfStep: when it says anything else that is no refusal of the message
        """
        if not self._session.has_unread():
            return
        reply, phase = self._reply(), transaction.phase if transaction else Phase.MAIL
        if reply.code == _CLOSING:
            raise SessionOver(classify_reply(reply, phase), phase, reply)
        if reply.code >= 400 and transaction and transaction.go_ahead:  # noqa: PLR2004
            transaction.refuse(transaction.open_recipients, Phase.DATA, reply)
            self._under_way.remove(transaction)
            self._settle(transaction)
            raise SessionEnded
        raise OutOfStep

    def _reply(self, timeout=None):
        self._session.reply_seconds = timeout or COMMAND_TIMEOUT
        code, text = self._session.getreply()
        reply = read_reply(code, self._secrets.hide(text) if code >= 400 else text)  # noqa: PLR2004
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
            self._settle(transaction)
        self._under_way = []

    def _settle(self, transaction):
        self._settled += 1
        self._write_down(self._journal.settle, transaction.envelope, transaction.all_results())

    @staticmethod
    def _write_down(write, *args):
        try:
            write(*args)
        except Exception as error:
            raise JournalFailed from error


def _lines(commands):
    return b"".join(f"{line}\r\n".encode() for _phase, _recipient, line in commands)
