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
