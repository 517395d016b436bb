"""A private PostgreSQL cluster on loopback, which trusts its local clients and is as durable as in production."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

from lab.errors import LabError
from lab.host import ports
from lab.host.processes import run
from lab.host.service import Service

USER = "odoo"
_MAX_SECONDS_ALONE = 60

# fsync and synchronous_commit stay at their defaults: tests that kill servers must see what a power cut would leave.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
max_connections = 200
shared_buffers = 256MB
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
"""


class Postgres(Service):
    """The cluster; its databases belong to the role "odoo", which may create databases but is no superuser."""

    name = "postgres"
    port_names = ("postgres",)
    # SIGTERM would wait for all clients to leave: "smart shutdown". SIGINT is the "fast" one.
    stop_signal = signal.SIGINT

    def __init__(self):
        super().__init__()
        self.data = self.home / "data"

    @property
    def port(self):
        """The TCP port on 127.0.0.1."""
        return ports.port("postgres")

    def prepare(self):
        """Create the cluster unless it is there, and write its settings."""
        self._make_home()
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()
        self._write_settings()

    def command(self):
        """Return the command that runs the server in the foreground."""
        return [binary("postgres"), "-D", self.data]

    def popen_options(self):
        """Return the user that it runs as."""
        return _as_other_user()

    def is_ready(self):
        """Tell whether it listens and answers a query."""
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.home / f".s.PGSQL.{self.port}"))
            except OSError:
                return False
        return self._sql("SELECT 1").returncode == 0

    def start(self):
        """Start it unless it runs already, and create the role "odoo"."""
        super().start()
        self._ensure_role()
        return self

    def restart(self, immediate=False):
        """Stop and start again.

        :param immediate: abort all connections without a checkpoint, as after a crash
        """
        self.stop(signal.SIGQUIT if immediate else None)
        return self.start()

    def connect(self, database, **options):
        """Return a psycopg2 connection to *database* as the role "odoo"."""
        import psycopg2  # only in the lab's virtual environment, which setup makes

        return psycopg2.connect(host="127.0.0.1", port=self.port, user=USER, dbname=database, **options)

    def execute(self, statement, *parameters, database="postgres", **named):
        """Run one statement outside a transaction and return its rows, if it has any.

        :param parameters: values for each %s; or, as keyword arguments, for each %(name)s
        :raises LabError: when PostgreSQL refuses, with its message
        """
        import psycopg2

        try:
            with closing(self.connect(database)) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(statement, parameters or named or None)
                    return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise LabError(f"PostgreSQL could not do this: {statement}: {str(error).strip()}") from error

    def databases(self):
        """Return the names of the databases."""
        return {name for (name,) in self.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")}

    def create_database(self, name, template="template0"):
        """Create *name* as a copy of *template*, from which everybody is disconnected."""
        # With the default strategy, the copy of a sequence may still give out some numbers without logging them, and
        # gives them out twice after a crash. FILE_COPY makes a checkpoint, after which everything is logged.
        self._execute_alone(template, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')

    def drop_database(self, name):
        """Drop *name*, if it exists, together with its connections."""
        # WITH (FORCE) would fail while autovacuum is at work there; without it, PostgreSQL ends autovacuum.
        self._execute_alone(name, f'DROP DATABASE IF EXISTS "{name}"')

    def rename_database(self, name, new_name):
        """Give the database *name*, from which everybody is disconnected, another name."""
        self._execute_alone(name, f'ALTER DATABASE "{name}" RENAME TO "{new_name}"')

    def disconnect(self, name):
        """End the connections of our clients to *name*; we may not end those of a superuser, such as autovacuum."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend' AND usename = current_user",
            name,
        )

    def _execute_alone(self, name, statement):
        """Run a statement that needs the database *name* without connections: end ours, and wait for all others.

        PostgreSQL itself ends autovacuum and waits for five seconds, which is too little on a busy machine.

        :raises LabError: when there still is a connection after a minute
        """
        from psycopg2.errors import ObjectInUse

        limit = time.monotonic() + _MAX_SECONDS_ALONE
        while True:
            self.disconnect(name)
            try:
                self.execute(statement)
            except LabError as error:
                if not isinstance(error.__cause__, ObjectInUse) or time.monotonic() > limit:
                    raise
            else:
                return

    def _make_home(self):
        self.home.mkdir(parents=True, exist_ok=True)
        if owner := _as_other_user():
            shutil.chown(self.home, owner["user"], owner["group"])

    def _create_cluster(self):
        run(
            [binary("initdb"), "-D", self.data, "-U", "lab", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            f"create a PostgreSQL cluster in {self.data}",
            cwd="/",
            **_as_other_user(),
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("include 'lab.conf'\n")

    def _write_settings(self):
        settings = self.data / "lab.conf"
        settings.write_text(_SETTINGS.format(port=self.port, sockets=self.home))
        settings.chmod(0o644)

    def _ensure_role(self):
        role = self._sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'").stdout.strip()
        if not role:
            self._sql(f"CREATE ROLE {USER} LOGIN CREATEDB")

    def _sql(self, statement):
        """Run SQL as the superuser and return the completed psql."""
        command = [
            binary("psql"),
            "-X",
            "-qAt",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "lab",
            "-d",
            "postgres",
            "-c",
            statement,
        ]
        return subprocess.run(command, text=True, capture_output=True, check=False, cwd="/")


def binary(name):
    """Return the path of a program of the newest installed PostgreSQL.

    :raises LabError: when PostgreSQL is not installed
    """
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    if not found:
        raise LabError("PostgreSQL is not installed: run `make setup`, or `apt-get install postgresql`.")
    return found[-1]


def _as_other_user():
    """Return options that run it as the package's system user "postgres" if we are root: PostgreSQL refuses root."""
    if os.geteuid():
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise LabError("There is no system user `postgres`: install the Debian package postgresql.") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
