"""Scheduled actions: make them due and wake the servers, whose cron threads otherwise sleep up to a minute."""

import time
from contextlib import contextmanager

from lab.errors import LabError
from lab.servers.postgres import Postgres

_CRON = """
    SELECT job.id
      FROM ir_cron job
      JOIN ir_model_data data ON data.model = 'ir.cron' AND data.res_id = job.id
     WHERE data.module = %s AND data.name = %s AND job.active
"""
_TRIGGER = f"""
    INSERT INTO ir_cron_trigger (cron_id, call_at, create_uid, write_uid, create_date, write_date)
         SELECT id, utc, 1, 1, utc, utc FROM ({_CRON}) job, (SELECT now() AT TIME ZONE 'UTC' AS utc) clock
"""
_DUE = f"""
    SELECT EXISTS (SELECT FROM ir_cron_trigger WHERE call_at <= now() AT TIME ZONE 'UTC' AND cron_id IN ({_CRON}))
"""


def wake_cron(database):
    """Make the cron threads of the servers on *database* look for due jobs now, by the notification that Odoo sends."""
    Postgres().execute("SELECT pg_notify('cron_trigger', %s)", database)


def run_cron_now(database, xmlid):
    """Make a scheduled action due and wake the servers on *database*; return at once.

    Like ``ir.cron._trigger``, it adds a row to ``ir_cron_trigger``: the job's own row is locked while the job runs.

    :raises LabError: when there is no such active scheduled action
    """
    with _cursor(database) as cursor:
        cursor.execute(_TRIGGER, xmlid.split(".", 1))
        if not cursor.rowcount:
            raise LabError(f"No active scheduled action {xmlid} in {database}.")
    wake_cron(database)


def run_cron(database, xmlid, seconds=180):
    """Run a scheduled action now and return when it has run.

    :raises LabError: when it has not run after *seconds*
    """
    run_cron_now(database, xmlid)
    limit = time.monotonic() + seconds
    while _is_due(database, xmlid):
        if time.monotonic() > limit:
            raise LabError(f"The scheduled action {xmlid} of {database} did not run within {seconds} s.")
        time.sleep(0.1)
        wake_cron(database)


def _is_due(database, xmlid):
    # A job deletes its trigger in its last transaction: if there is no trigger, the job has ended.
    with _cursor(database) as cursor:
        cursor.execute(_DUE, xmlid.split(".", 1))
        return cursor.fetchone()[0]


@contextmanager
def _cursor(database):
    connection = Postgres().connect(database)
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
