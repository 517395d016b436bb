"""The time until a lane has locked its next message, with different messages that wait in front of it.

Each figure is the median of some claims by one lane, with the table's statistics as they are after a flood of messages,
and after ANALYZE.
"""

import json
import os

from lab.host.console import say
from lab.odoo import databases
from lab.odoo.runs import shell
from lab.servers.postgres import Postgres

MESSAGES = 20_000

# (what waits, a list of (number, conversation, when it is due))
_ONE, _EACH = "'<one@customer.example>'", "'<' || n || '@customer.example>'"
_DUE, _LATER = "- interval '1 hour'", "+ interval '1 hour'"
_CASES = (
    ("one conversation", [(MESSAGES, _ONE, _DUE)]),
    ("one conversation, its first message is deferred", [(1, _ONE, _LATER), (MESSAGES, _ONE, _DUE)]),
    ("a conversation each", [(MESSAGES, _EACH, _DUE)]),
    ("a conversation each, all deferred", [(MESSAGES, _EACH, _LATER)]),
    ("a conversation each, deferred, and as many behind", [(MESSAGES, _EACH, _LATER), (MESSAGES, _EACH, _DUE)]),
)
_INSERT = """
    INSERT INTO mail_inbound_message (transport, state, conversation, next_try, received_date, digest)
    SELECT 'imap', 'received', {}, now() AT TIME ZONE 'UTC' {}, now() AT TIME ZONE 'UTC', md5(n::text)
      FROM generate_series(1, {}) n
"""
_CLAIM = """
import json, statistics, time
def claim():
    env.cr.commit()
    start = time.perf_counter()
    message = env["mail.inbound.message"]._lock_next_due()
    took = time.perf_counter() - start
    env.cr.rollback()
    return took * 1000, bool(message)
claim()
rows = [claim() for _number in range(9)]
print(json.dumps([statistics.median(row[0] for row in rows), all(row[1] for row in rows)]))
"""


def measure():
    """Print the milliseconds of each case."""
    database = databases.clone("gateway", f"bench_lane_{os.getpid()}")
    try:
        say(f"  {f'{MESSAGES} messages wait':52}{'at once':>12}{'analyzed':>12}")
        for name, waiting in _CASES:
            say(f"  {name:52}{_claims(database, waiting)}")
    finally:
        databases.drop(database)


def _claims(database, waiting):
    postgres = Postgres()
    postgres.execute("TRUNCATE mail_inbound_message CASCADE", database=database)
    # one more message is free
    for number, conversation, due in [*waiting, (1, "'<free@customer.example>'", "")]:
        postgres.execute(_INSERT.format(conversation, due, number), database=database)
    columns = []
    for statement in ("SELECT 1", "VACUUM ANALYZE mail_inbound_message"):
        postgres.execute(statement, database=database)
        milliseconds, found = json.loads(shell(database, _CLAIM))
        columns.append(f"{milliseconds:>9.1f} ms" if found else f"{'nothing':>12}")
    return "".join(columns)
