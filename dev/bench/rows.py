"""The list of inbound messages, its filters, groups, counts and searches, with 500,000 rows.

PostgreSQL itself makes the rows, as the mailboxes of some years would leave them. The queries of a view go through the
ORM, as those of the web client: the page that is shown, and the total number.
"""

import json
import os

from lab.host.console import say
from lab.odoo import databases
from lab.odoo.runs import shell
from lab.servers.postgres import Postgres

ROWS = 500_000

# Mostly delivered messages, in the order of their ids; the last thousand wait.
_FILL = """
    INSERT INTO mail_inbound_message (
        subject, email_from, sender, recipients, message_id, conversation, source, digest, size, received_date, done_date,
        server_id, transport, remote_key, state, cause, rule_id, judged_date, reason, try_count, deferral_count, res_model,
        res_id, create_uid, create_date, write_uid, write_date)
    SELECT initcap(words) || ' ' || n,
           initcap(split_part(words, ' ', 1)) || ' ' || person || ' <' || sender || '>', sender,
           'sales' || n %% 40 || '@mycompany.example, team' || n %% 300 || '@mycompany.example',
           '<' || digest || '@mail.customer' || person %% 500 || '.example>',
           '<' || md5((n / 3)::text) || '@mail.customer.example>',
           convert_to(repeat(digest, 100), 'UTF8'), digest || digest, 3200 + n %% 20000,
           received, CASE WHEN state NOT IN ('received', 'deferred') THEN received + interval '2 s' END,
           (SELECT array_agg(id) FROM fetchmail_server)[1 + n %% (SELECT count(*) FROM fetchmail_server)], 'imap',
           'INBOX:1:' || n, state,
           CASE WHEN state IN ('held', 'discarded') THEN (ARRAY['no_route', 'limit', 'automatic'])[1 + n %% 3] END,
           CASE WHEN state IN ('held', 'discarded') THEN (SELECT min(id) + n %% 3 FROM mail_inbound_rule) END,
           received, CASE WHEN state IN ('held', 'failed') THEN 'Nobody is there for ' || sender END, 1, 0,
           CASE WHEN state = 'delivered' THEN 'crm.lead' END, CASE WHEN state = 'delivered' THEN n END,
           1, received, 1, received
      FROM generate_series(1, %(rows)s) n,
   LATERAL (SELECT (ARRAY['order', 'invoice', 'delivery', 'question', 'complaint', 'offer', 'meeting', 'parcel', 'return',
                          'contract', 'angebot', 'rechnung'])[1 + n * 7 %% 12] || ' ' ||
                   (ARRAY['from march', 'urgent', 'for you', 'about the printer', 'no answer', 'as agreed',
                          'second reminder', 'for the office', 'Lieferung', 'Bestellung'])[1 + n * 13 %% 10] AS words,
                   n::bigint * 7919 %% 60000 AS person, md5(n::text) AS digest,
                   now() AT TIME ZONE 'UTC' - (%(rows)s - n) * interval '2 min' AS received,
                   CASE WHEN n %% 200 = 7 THEN 'held' WHEN n %% 500 = 11 THEN 'failed' WHEN n %% 100 = 13 THEN 'rejected'
                        WHEN n %% 50 = 17 THEN 'discarded' WHEN n > %(rows)s - 1000 THEN 'received'
                        ELSE 'delivered' END AS state) made,
   LATERAL (SELECT 'person' || person || '@customer' || person %% 500 || '.example' AS sender) who
"""


_SEARCHED = """
    INSERT INTO mail_inbound_search (inbound_message_id, text)
    SELECT id, lower(concat_ws(chr(10), email_from, recipients, subject, message_id)) FROM mail_inbound_message
"""
_SERVERS = """
    INSERT INTO fetchmail_server (name, server_type, state, active, priority)
    SELECT 'Server ' || n, 'imap', 'done', TRUE, 5 FROM generate_series(1, 20) n
"""
_ASK = """
import json, time
from lxml import etree
from odoo.tools.safe_eval import safe_eval
messages = env["mail.inbound.message"]
arch = etree.fromstring(messages.get_view(view_type="search")["arch"])
columns = {name: {} for name in ("received_date", "email_from", "subject", "recipients", "reason", "state")}
def page(domain):
    order = "received_date DESC, id DESC"
    return lambda: messages.web_search_read(domain, columns, limit=80, order=order, count_limit=10001)
def groups(by):
    return lambda: messages.web_read_group([], [by], ["__count"], limit=80)
asked = [("list", "all", page([]))]
for node in arch.iter("filter"):
    if node.get("domain"):
        asked.append(("filter", node.get("name"), page(safe_eval(node.get("domain"), {"uid": env.uid}))))
    if by := safe_eval(node.get("context", "{}")).get("group_by"):
        asked.append(("group", by, groups(by)))
for words in %(words)r:
    asked.append(("search", words, page([("search_text", "ilike", words)])))
for name, words in %(fields)r:
    asked.append(("search " + name, words, page([("search_text", "ilike", words), (name, "ilike", words)])))
servers = env["fetchmail.server"].search([])
asked.append(("counts", "list of 20 servers", lambda: servers.read(["held_count", "failed_count"])))
asked.append(("counts", "form of one server", lambda: servers[0].read(["held_count", "failed_count", "inbound_count"])))
for kind, name, ask in asked:
    times = []
    for _number in range(4):
        env.invalidate_all()
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps([kind, name, min(times)]))
"""
_WORDS = (
    "invoice",
    "second reminder",
    "no such words",
    "person4711@",
    "customer37.example",
    "<d3d9446802a44259",
    "Ängebot",
    "ab",
)
_FIELDS = (
    ("subject", "invoice 4711"),
    ("email_from", "person4711@"),
    ("recipients", "sales7@"),
    ("message_id", "9446802a4"),
)


def measure(rows=ROWS):
    """Print the milliseconds of each query, the fastest of four times."""
    database = databases.clone("gateway", f"bench_rows_{os.getpid()}")
    try:
        fill(Postgres(), database, rows)
        code = _ASK % {"words": _WORDS, "fields": _FIELDS}
        for line in shell(database, code).splitlines():
            kind, name, milliseconds = json.loads(line)
            say(f"  {kind:20}{name:24}{milliseconds:>9.1f} ms")
    finally:
        databases.drop(database)


def fill(postgres, database, rows):
    """Add rows of twenty servers to mail.inbound.message, two minutes apart, up to now.

    :param rows: how many
    """
    for statement in (_SERVERS, _FILL, "DROP INDEX IF EXISTS mail_inbound_search_text_index", _SEARCHED):
        postgres.execute(statement, database=database, **({"rows": rows} if statement is _FILL else {}))
    if postgres.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'", database=database):
        # as an update of the addon does: it builds the index on existing rows
        postgres.execute(
            "CREATE INDEX mail_inbound_search_text_index ON mail_inbound_search USING gin (text gin_trgm_ops)",
            database=database,
        )
    for table in ("mail_inbound_message", "mail_inbound_search"):
        postgres.execute(f"VACUUM ANALYZE {table}", database=database)
