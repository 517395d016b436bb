"""A real Odoo server process."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request

from lab.errors import LabError
from lab.host import ports
from lab.host.orphans import remember
from lab.host.paths import LOGS
from lab.host.processes import end, tail, wait_gone
from lab.odoo import crons, source


class OdooError(Exception):
    """Odoo answered a call with an error; ``debug`` holds its traceback."""

    def __init__(self, message, debug=""):
        super().__init__(message)
        self.debug = debug


class OdooServer:
    """One Odoo process tree on one database, on loopback.

    :param database: name of the database, which exists
    :param workers: 0 for threads in one process, else the number of worker processes
    :param cron_threads: how many threads (or worker processes) run scheduled actions
    :param port: HTTP port; None for any free one
    :param extra_args: further command line words
    :param env: further environment variables, a mapping or pairs
    """

    def __init__(self, database, *, workers=0, cron_threads=2, port=None, extra_args=(), env=()):
        self.database = database
        self.port = port or ports.any_free()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = LOGS / f"{database}.log"
        self.process = None
        self._arguments = [
            "--workers",
            workers,
            "--max-cron-threads",
            cron_threads,
            "--http-port",
            self.port,
            "--gevent-port",
            ports.any_free(),
            "--db-filter",
            f"^{database}$",
            "--no-database-list",
            *extra_args,
        ]
        self._env = env
        self._uid = None
        self._pid_file = None

    # Starting and stopping

    def start(self, wait=True):
        """Start the process tree; return when it answers, or at once without *wait*."""
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                source.command(self.database, *self._arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=source.environment(self._env),
                start_new_session=True,
            )
        self._pid_file = remember(self.process.pid)
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise
        return self

    def wait_ready(self, seconds=240):
        """Wait until the administrator can log in.

        :raises LabError: when the process ends first, or after *seconds*
        """
        limit = time.monotonic() + seconds
        while not self._logged_in():
            if self.process.poll() is not None:
                raise LabError(f"Odoo ended while starting; the end of {self.log}:\n{tail(self.log, 40)}")
            if time.monotonic() > limit:
                raise LabError(f"Odoo does not answer after {seconds} s; the end of {self.log}:\n{tail(self.log, 40)}")
            time.sleep(0.1)

    def stop(self):
        """End the process tree by SIGTERM, after 15 seconds by SIGKILL."""
        if self.process:
            end(self.process.pid, seconds=15)
            self._forget()

    def kill(self):
        """End the process and all its workers at once (SIGKILL), as a crash of the machine would."""
        if self.process:
            end(self.process.pid, number=signal.SIGKILL)
            self._forget()

    def restart(self):
        """Stop by SIGTERM and start again on the same port."""
        self.stop()
        return self.start()

    @property
    def running(self):
        """Whether the main process runs."""
        return bool(self.process) and self.process.poll() is None

    def wait_exit(self, seconds=60):
        """Wait until the main process has ended by itself and tell whether it has."""
        return wait_gone(self.process.pid, seconds)

    def __enter__(self):
        return self if self.running else self.start()

    def __exit__(self, *_exception):
        self.stop()

    def _forget(self):
        self.process.poll()
        self._pid_file.remove()
        self._uid = None

    # Calls

    def call(self, model, method, *args, **kwargs):
        """Call a public method of *model* as the administrator (``execute_kw``) and return its result.

        :raises OdooError: what the method raised
        """
        if self._uid is None:
            self.wait_ready()
        return self._rpc("object", "execute_kw", self.database, self._uid, "admin", model, method, args, kwargs)

    def _rpc(self, service, method, *args):
        body = json.dumps(
            {"jsonrpc": "2.0", "method": "call", "params": {"service": service, "method": method, "args": args}}
        )
        request = urllib.request.Request(f"{self.url}/jsonrpc", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as response:
            answer = json.load(response)
        if error := answer.get("error"):
            raise OdooError(
                error.get("data", {}).get("message") or error["message"], error.get("data", {}).get("debug", "")
            )
        return answer.get("result")

    def _logged_in(self):
        try:
            self._uid = self._rpc("common", "authenticate", self.database, "admin", "admin", {}) or None
        except (OSError, ValueError, OdooError, urllib.error.URLError):
            return False
        return self._uid is not None

    # Scheduled actions

    def wake_cron(self):
        """Make the cron threads look for due jobs now."""
        crons.wake_cron(self.database)

    def run_cron_now(self, xmlid):
        """Make a scheduled action due and wake the cron threads; return at once."""
        crons.run_cron_now(self.database, xmlid)

    def run_cron(self, xmlid, seconds=180):
        """Run a scheduled action now and return when it has run, within *seconds*."""
        crons.run_cron(self.database, xmlid, seconds)
