"""The part of the addon that needs the ORM, one package for each concern.

The order of the imports is the order of overrides: of two files that override one method, the later one's override runs
first and calls the earlier one's by super(). Between packages that matters here, and OVERRIDES in tests/test_overrides.py
lists each method with the files that override it, first the one that runs first:

- outgoing before inbound: within a delivery, inbound leaves mail to the queue before outgoing chooses a server for it.
- dry_run last: its guards run before all other overrides, and prevent what a rollback can't undo.
- inbound before rules, held and dry_run: they extend its model.
"""

from ..tools import sql_log
from . import (
    addresses,
    outgoing,
    connection_test,
    inbound,
    rules,
    held,
    fetch,
    settings,
    dry_run,
)

sql_log.install()
