"""Logs sessions with a mail server, each server on its own: commands and replies, without secrets or messages."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .secrets import Secrets

# Characters of a line. Server replies can be as long as a message.
_MAX_LINE = 300
_ROOT = "odoo.addons.mail_gateway"


class SessionLog:
    """Logs commands of a client and replies of a server, at the level DEBUG.

    :param protocol: ``fetch`` or ``smtp``
    :param server: the server in the name of the logger, so that the sessions of one server can be logged alone:
        ``odoo.addons.mail_gateway.fetch.3``
    :param secrets: a function that returns the secrets to hide; it is called only if a line is logged
    """

    def __init__(self, protocol: str, server: str, secrets: Callable[[], Secrets] = Secrets):
        self._logger = logging.getLogger(f"{_ROOT}.{protocol}.{server or 'unsaved'}")
        self._secrets = secrets
        self._is_login = False

    def sent(self, line: str | bytes) -> None:
        """Log a command."""
        self._log(">", line)

    def received(self, line: str | bytes) -> None:
        """Log a reply."""
        self._log("<", line)

    @contextmanager
    def login(self) -> Iterator[None]:
        """Log no commands and replies during a login: they contain passwords, tokens and challenges."""
        self._log(">", "(login)")
        self._is_login = True
        try:
            yield
        finally:
            self._is_login = False

    def _log(self, direction, line):
        if self._is_login or not self._logger.isEnabledFor(logging.DEBUG):
            return
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        # secrets are hidden before the line is shortened, since a part of a secret would not be found
        if not text.strip():
            return  # IMAPClient sends the line end of a command separately
        hidden = self._secrets().hide(text.rstrip("\r\n"))
        shown = "".join(char if char.isprintable() else " " for char in hidden[:_MAX_LINE])
        self._logger.debug("%s %s%s", direction, shown, " ..." if len(hidden) > _MAX_LINE else "")
