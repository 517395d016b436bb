"""Keeps the content of messages out of the log of SQL statements that failed."""

import logging
import re
import threading
from contextlib import contextmanager

_LOGGER = "odoo.sql_db"
_TABLES = re.compile(r"\bmail_inbound_")
_SHOWN_CHARS = 120
_ERROR_CHARS = 500
_local = threading.local()


class StatementsWithoutValues(logging.Filter):
    """Shortens the log message "bad query" of odoo.sql_db, which quotes the statement with all its values.

    It applies to statements on the tables of incoming mail, and to all others while :func:`no_values_in_log` is active in
    the thread.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Extends Filter's method: shortens the record, and lets each record pass."""
        if str(record.msg).startswith("bad query") and isinstance(record.args, tuple):
            statement, *_more, error = record.args
            beginning = _beginning(statement)
            if getattr(_local, "depth", 0) or _TABLES.search(beginning):
                record.args = (_without_values(beginning), _first_line(error))
        return True


def _beginning(statement) -> str:
    if isinstance(statement, bytes):
        return statement[:1000].decode("utf-8", "replace")
    return str(statement)[:1000]


def _without_values(beginning: str) -> str:
    """Return the verb and the table; columns, conditions and values may come from a message."""
    words = " ".join(beginning.split()[:3])
    return f"{words[:_SHOWN_CHARS]} (the rest is not logged: it may quote a message)"


def _first_line(error) -> str:
    # the other lines quote the row
    return next(iter(str(error).splitlines()), type(error).__name__)[:_ERROR_CHARS]


@contextmanager
def no_values_in_log():
    """Log no values of failed statements on any table, while a message is processed in this thread."""
    _local.depth = getattr(_local, "depth", 0) + 1
    try:
        yield
    finally:
        _local.depth -= 1


def install() -> None:
    """Add the filter to Odoo's logger, once."""
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(each, StatementsWithoutValues) for each in logger.filters):
        logger.addFilter(StatementsWithoutValues())
