"""One visit to one mailbox, in a network thread."""

import poplib
import time
from collections.abc import Iterable
from imaplib import IMAP4
from typing import NamedTuple

from .imap import ImapMailbox
from .mailbox import Ledger, Mailbox, MailboxProblem, MailboxSettings
from .pop3 import Pop3Mailbox

MAILBOXES = {"imap": ImapMailbox, "pop": Pop3Mailbox}


class FetchResult(NamedTuple):
    """:ivar stored: number of new messages
    :ivar complete: False when the time was up before the mailbox was read to its end
    """

    stored: int
    complete: bool


def open_mailbox(settings: MailboxSettings):
    """A signed-in mailbox for `settings`.

    :raises OSError, imaplib.IMAP4.error, poplib.error_proto: when that fails
    """
    return MAILBOXES[settings.protocol](settings)


def fetch_mailbox(settings: MailboxSettings, ledger: Ledger, deadline: float) -> FetchResult:
    """Store what is new in the mailbox, and tell the mail server only about what is stored.

    :param deadline: value of time.monotonic() after which no further batch is begun
    :raises OSError, imaplib.IMAP4.error, poplib.error_proto, MailboxProblem: the visit ended early, or the server
        refused something on the way; what was stored stays stored, and what was not acknowledged will be next time
    """
    stored, complete = 0, True
    with open_mailbox(settings) as mailbox:
        refusals = [_acknowledge(mailbox, mailbox.leftovers(ledger))]
        for batch in mailbox.new_batches(ledger):
            ledger.store(batch)  # durable from here on
            # a crash before this line only means: known already, next time
            refusals += [batch.refusal, _acknowledge(mailbox, batch.keys)]
            stored += len(batch.messages)
            if time.monotonic() > deadline:
                complete = False
                break
    ledger.acknowledged(mailbox.acknowledged())
    for refusal in filter(None, refusals):
        raise refusal
    return FetchResult(stored, complete)


def _acknowledge(mailbox: Mailbox, keys: Iterable[str]) -> Exception | None:
    """Acknowledge; what the server refuses (no right to, no such folder) does not keep new messages from being stored.

    :return: the refusal
    """
    try:
        mailbox.acknowledge(keys)
    except IMAP4.abort:
        raise  # the connection broke
    except (IMAP4.error, poplib.error_proto, MailboxProblem) as refusal:
        return refusal
    return None
