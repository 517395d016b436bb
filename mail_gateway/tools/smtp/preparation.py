"""Messages as one server takes them: encoded, with their commands, and refused where it can't take them."""

import logging

from ..failures.categories import Category, Failure, Phase, Scope
from .content import on_the_wire
from .envelope import Envelope, is_unsafe
from .session import Session
from .transaction import Transaction

_logger = logging.getLogger(__name__)

# Digits of a limit: what a server says has any length.
_MAX_DIGITS = 18
_ADDRESSES = "RFC 5321, 4.1.2; RFC 6531"


class Preparation:
    """What a server offers (EHLO), and messages made to fit.

    :param session: which has greeted the server
    """

    def __init__(self, session: Session):
        self._eight_bit = session.has_extn("8bitmime")
        self._utf8 = session.has_extn("smtputf8")
        self._size = session.has_extn("size")
        limit = session.esmtp_features.get("size", "")
        self._max_bytes = int(limit) if limit.isascii() and limit.isdecimal() and len(limit) <= _MAX_DIGITS else 0

    def prepare(self, envelope: Envelope) -> Transaction:
        """Return a transaction; recipients whom the server can't serve have results already."""
        transaction = Transaction(envelope, b"", [])
        self._refuse_addresses(transaction)
        if not transaction.open_recipients:
            return transaction
        try:
            transaction.content = on_the_wire(envelope.content, eight_bit=self._eight_bit)
        except Exception:  # noqa: BLE001 whatever the email package stumbles over, the other messages go on
            _logger.exception("A message can't be encoded for a server without 8BITMIME (key %s)", envelope.key)
            self._refuse_message(transaction, Category.CONTENT, "RFC 6152")
            return transaction
        if self._max_bytes and len(transaction.content) > self._max_bytes:
            self._refuse_message(transaction, Category.SIZE, "RFC 1870")
            return transaction
        transaction.commands = [*self._commands(envelope, transaction)]
        return transaction

    def _refuse_addresses(self, transaction):
        """Refuse the addresses that no command, or no command for this server, can hold."""
        envelope = transaction.envelope
        impossible = {address for address in (envelope.sender, *envelope.recipients) if not self._can_name(address)}
        sender_too = envelope.sender in impossible
        failure = Failure(
            Scope.MESSAGE if sender_too else Scope.RECIPIENT,
            permanent=True,
            category=Category.PROTOCOL,
            source=_ADDRESSES,
        )
        refused = envelope.recipients if sender_too else [each for each in envelope.recipients if each in impossible]
        transaction.refuse(refused, Phase.MAIL if sender_too else Phase.RCPT, None, failure)

    def _can_name(self, address):
        return not is_unsafe(address) and (self._utf8 or address.isascii())

    @staticmethod
    def _refuse_message(transaction, category, source):
        failure = Failure(Scope.MESSAGE, permanent=True, category=category, source=source)
        transaction.refuse(transaction.open_recipients, Phase.MAIL, None, failure)

    def _commands(self, envelope, transaction):
        content = transaction.content
        options = f" SIZE={len(content)}" if self._size else ""
        if self._eight_bit and not content.isascii():
            options += " BODY=8BITMIME"
        if not all(map(str.isascii, (envelope.sender, *transaction.open_recipients))):
            options += " SMTPUTF8"
        yield Phase.MAIL, None, f"MAIL FROM:<{envelope.sender}>{options}"
        for recipient in dict.fromkeys(transaction.open_recipients):
            yield Phase.RCPT, recipient, f"RCPT TO:<{recipient}>"
        yield Phase.DATA, None, "DATA"
