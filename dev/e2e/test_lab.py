"""The lab itself, where it met others on a busy machine."""

import subprocess
import threading

import pytest

from e2e.gateway import until
from lab.host.paths import ROOT
from lab.odoo import databases
from lab.servers.postgres import USER, binary

# A table whose cleaning takes autovacuum a while.
SLOW = """
    CREATE TABLE slow (n integer) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
                                        autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
    INSERT INTO slow SELECT generate_series(1, 200000);
    DELETE FROM slow
"""
# Only a superuser is told this.
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND backend_type = '{}'"


def as_superuser(postgres, *statements, database="postgres"):
    """Run statements in one session of psql."""
    words = [word for statement in statements for word in ("-c", statement)]
    command = [binary("psql"), "-X", "-qAt", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "lab", "-d", database]
    return subprocess.run([*command, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def template(postgres):
    """A small database to copy."""
    name = databases.run_name("e2e", "template")
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def eager_autovacuum(postgres):
    """Autovacuum looks for work each second."""
    as_superuser(postgres, "ALTER SYSTEM SET autovacuum_naptime = '1s'", "SELECT pg_reload_conf()")
    yield
    as_superuser(postgres, "ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()")


def wait_for(postgres, database, kind):
    """Wait until somebody of this kind is in a database."""
    until(lambda: as_superuser(postgres, AT_WORK.format(database, kind)) != "0", every=0.1)


def test_a_database_is_copied_renamed_and_dropped_while_autovacuum_is_at_work_in_it(
    postgres, template, eager_autovacuum
):
    postgres.execute(SLOW, database=template)
    wait_for(postgres, template, "autovacuum worker")
    postgres.create_database(f"{template}_copy", template)
    postgres.drop_database(f"{template}_copy")
    wait_for(postgres, template, "autovacuum worker")
    postgres.rename_database(template, f"{template}_2")
    wait_for(postgres, f"{template}_2", "autovacuum worker")
    postgres.drop_database(f"{template}_2")
    assert f"{template}_2" not in postgres.databases()


def test_a_database_is_copied_once_a_session_that_cannot_be_ended_has_left_it(postgres, template):
    # PostgreSQL itself waits for five seconds
    stays = threading.Thread(target=as_superuser, args=(postgres, "SELECT pg_sleep(6)"), kwargs={"database": template})
    stays.start()
    wait_for(postgres, template, "client backend")
    postgres.create_database(f"{template}_copy", template)
    stays.join()
    postgres.drop_database(f"{template}_copy")


def test_clients_are_disconnected(postgres, template):
    connection = postgres.connect(template)
    postgres.drop_database(template)
    assert not postgres.execute("SELECT FROM pg_stat_activity WHERE datname = %s AND usename = %s", template, USER)
    connection.close()
    postgres.create_database(template)


def test_every_file_of_tests_is_run():
    """Odoo's runner finds the test files in the packages below tests/; a folder that is no package passes unnoticed."""
    folders = {file.parent for file in (ROOT / "mail_gateway" / "tests").rglob("test_*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
