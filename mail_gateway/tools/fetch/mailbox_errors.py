"""Errors while a mailbox is read, other than those of the connection: in the settings, on the server, in the database."""

from collections.abc import Iterable

from ..text.indexed_text import REASON_CHARS


class MailboxProblem(Exception):
    """The mail server works, but there is a problem with the mailbox. The text is meant for the administrator."""


class UnknownFolder(MailboxProblem):
    """A folder named in the settings is not on the server.

    :ivar folder: the name that was looked for
    :ivar existing: the names that are there
    """

    def __init__(self, folder: str, existing: Iterable[str]):
        self.folder = folder
        self.existing = tuple(existing)
        super().__init__(folder)


class NotStored(MailboxProblem):
    """The database refuses some messages because of their content; all others were stored.

    :ivar keys: keys of the refused messages, which stay on the mail server, unacknowledged
    :ivar errors: the reasons; none for messages that were requested and are no longer needed
    """

    def __init__(self, errors: dict[str, Exception | None]):
        self.keys = frozenset(errors)
        self.errors = [error for error in errors.values() if error]
        super().__init__(*{type(error).__name__ for error in self.errors})


class LoginRefused(MailboxProblem):
    """The server does not accept the user name and password (or token). The text is the server's own."""


class MessagesRefused(MailboxProblem):
    """The server does not return some messages; all others were read. The text is the server's own.

    :ivar count: the number of these messages
    """

    def __init__(self, errors: Iterable[Exception]):
        errors = list(errors)
        self.count = len(errors)
        super().__init__(server_words(errors[0]))


def server_words(error: Exception) -> str:
    """Return the server's reply from an error of imaplib or poplib, which keep it as bytes."""
    words = (part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in error.args)
    return " ".join(words)[:REASON_CHARS]
