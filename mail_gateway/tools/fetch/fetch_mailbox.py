"""One visit to one mailbox, in a network thread."""

import poplib
from collections.abc import Iterable
from imaplib import IMAP4
from typing import NamedTuple

from .imap import ImapMailbox
from .mailbox import Mailbox, MailboxStore
from .mailbox_errors import MailboxProblem, NotStored
from .mailbox_settings import MailboxSettings
from .pop3 import Pop3Mailbox
from .time_budget import TimeBudget

MAILBOXES = {"imap": ImapMailbox, "pop": Pop3Mailbox}


class FetchResult(NamedTuple):
    """:ivar stored: number of new messages
    :ivar complete: False when the time was up before the mailbox was read to its end
    :ivar refusal: what the server refused on the way, None when all went well
    """

    stored: int
    complete: bool
    refusal: Exception | None = None


def open_mailbox(settings: MailboxSettings):
    """A signed-in mailbox for `settings`.

    :raises OSError, imaplib.IMAP4.error, poplib.error_proto: when that fails; no error holds what is secret
    """
    with settings.secrets.hiding():
        return MAILBOXES[settings.protocol](settings)


def fetch_mailbox(settings: MailboxSettings, store: MailboxStore, budget: TimeBudget) -> FetchResult:
    """Store what is new in the mailbox, and tell the mail server only about what is stored.

    :param pace: the time that the visit has; also tells whoever waits how far it got
    :raises OSError, imaplib.IMAP4.error, poplib.error_proto, MailboxProblem: the visit ended early; what was stored
        stays stored, and what was not acknowledged will be next time. No error holds what is secret
    """
    with settings.secrets.hiding():
        result = _fetch(settings, store, budget)
    if result.refusal:
        settings.secrets.hide_in(result.refusal)
    return result


def _fetch(settings: MailboxSettings, store: MailboxStore, budget: TimeBudget) -> FetchResult:
    with open_mailbox(settings) as mailbox:
        refusals = [_acknowledge(mailbox, mailbox.leftovers(store))]
        for batch in mailbox.new_batches(store, budget):
            for message in batch.messages:
                _ = message.values  # read here: the thread that stores serves all mailboxes
            left = store.add(batch) or NotStored({})  # durable from here on
            budget.stored += len(batch.messages) - len(left.keys)
            keys = [key for key in batch.keys if key not in left.keys]
            # a crash before this line only means: known already, next time
            refusals += [batch.refusal, left if left.errors else None, _acknowledge(mailbox, keys)]
            if budget.is_over() or (settings.visit.is_almost_full and batch.messages):
                budget.complete = False
                break
    store.acknowledged(mailbox.acknowledged())
    return FetchResult(budget.stored, budget.complete, next(filter(None, refusals), None))


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
