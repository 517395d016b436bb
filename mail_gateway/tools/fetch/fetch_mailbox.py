"""One visit to one mailbox, in a network thread: fetch, store, acknowledge. Start reading here."""

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
    """The result of a visit.

    :ivar stored: number of new messages
    :ivar complete: False when the time was up before the mailbox was read to its end
    :ivar refusal: a refusal of the server or the database during the visit, None when there was none
    """

    stored: int
    complete: bool
    refusal: Exception | None = None


def open_mailbox(settings: MailboxSettings) -> Mailbox:
    """Connect to a mailbox and log in.

    :raises OSError, EOFError, imaplib.IMAP4.error, poplib.error_proto, MailboxProblem: when that fails; no error contains
        a secret
    """
    with settings.secrets.hiding():
        return MAILBOXES[settings.protocol](settings)


def fetch_mailbox(settings: MailboxSettings, store: MailboxStore, budget: TimeBudget) -> FetchResult:
    """Store the new messages of the mailbox, and acknowledge only stored messages on the mail server.

    :param budget: the time that the visit has; the caller can read the progress of the running visit from it
    :raises OSError, EOFError, imaplib.IMAP4.error, poplib.error_proto, MailboxProblem: when the visit ended early. Stored
        messages stay stored, and are acknowledged by the next visit. No error contains a secret
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
                _ = message.values  # computed here, since the thread that stores messages works for all mailboxes
            left = store.add(batch) or NotStored({})  # the batch is committed from here on
            budget.stored += len(batch.messages) - len(left.keys)
            keys = [key for key in batch.keys if key not in left.keys]
            # after a crash before this line, the next visit finds the messages stored, and acknowledges them
            refusals += [batch.refusal, left if left.errors else None, _acknowledge(mailbox, keys)]
            if budget.is_over() or (settings.visit.is_almost_full and batch.messages):
                budget.complete = False
                break
    store.acknowledged(mailbox.acknowledged())
    return FetchResult(budget.stored, budget.complete, next(filter(None, refusals), None))


def _acknowledge(mailbox: Mailbox, keys: Iterable[str]) -> Exception | None:
    """Acknowledge messages. A refusal (no permission, no such folder) does not keep new messages from being stored.

    :return: the refusal, None when there is none
    """
    try:
        mailbox.acknowledge(keys)
    except IMAP4.abort:
        raise  # the connection broke
    except (IMAP4.error, poplib.error_proto, MailboxProblem) as refusal:
        return refusal
    return None
