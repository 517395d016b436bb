"""Base class of PostgreSQL, Dovecot and Postfix: one instance per lab, shared by commands that run at the same time."""

import fcntl
import signal
import subprocess
import time

from lab.errors import LabError
from lab.host import locks, ports
from lab.host.paths import LAB, LOGS, services
from lab.host.processes import PidFile, end, tail, wait_gone


class Service:
    """A server process of the lab, used as a context manager: the first user starts it, the last one stops it.

    Subclasses say what to run. The process belongs to no particular command (two test runs may share it): a pid file
    identifies it, and locks that the kernel releases show whether somebody still uses it.
    """

    name = ""
    port_names = ()
    stop_signal = signal.SIGTERM
    start_seconds = 90

    def __init__(self):
        self.home = services() / self.name
        self.log = LOGS / f"{self.name}.log"
        self._pid_file = PidFile(LAB / "run" / f"{self.name}.json")
        self._keep_file = LAB / "run" / f"{self.name}.keep"
        self._use = None
        self._child = None

    # For subclasses to define

    def prepare(self):
        """Write the configuration and make directories; called before each start."""

    def command(self):
        """Return the command that runs the server in the foreground."""
        raise NotImplementedError

    def popen_options(self):
        """Return further arguments for ``subprocess.Popen``."""
        return {}

    def is_ready(self):
        """Tell whether the server answers."""
        raise NotImplementedError

    # Starting and stopping

    @property
    def pid(self):
        """The pid of the running server, or None."""
        return self._pid_file.read()

    def start(self):
        """Start the server unless it runs already; return when it answers.

        :raises LabError: when it does not start
        """
        with locks.exclusive(f"{self.name}-start"):
            if not self.pid:
                self._start()
        return self

    def stop(self, number=None):
        """Stop the server, whoever started it.

        :param number: the first signal to send, instead of ``stop_signal``
        """
        if pid := self.pid:
            end(pid, number or self.stop_signal)
        if self._child:
            self._child.poll()
        self._pid_file.remove()

    def restart(self):
        """Stop and start."""
        self.stop()
        return self.start()

    def keep(self, running):
        """Set whether the server keeps running when its last user leaves (``lab up``)."""
        if running:
            self._keep_file.parent.mkdir(parents=True, exist_ok=True)
            self._keep_file.touch()
        else:
            self._keep_file.unlink(missing_ok=True)

    def __enter__(self):
        with locks.exclusive(f"{self.name}-users-change"):
            self.start()
            self._use = locks.open_lock(f"{self.name}-users")
            fcntl.flock(self._use, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_exception):
        self._use.close()
        self.stop_unless_used()

    def stop_unless_used(self):
        """Stop the server if nobody uses it (as when its last user was killed) and it is not to be kept."""
        with locks.exclusive(f"{self.name}-users-change"):
            if locks.nobody_holds(f"{self.name}-users") and not self._keep_file.exists():
                self.stop()

    def _start(self):
        self._claim_ports()
        self.prepare()
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [str(word) for word in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                **self.popen_options(),
            )
        self._pid_file.write(self._child.pid)
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _claim_ports(self):
        taken = [ports.port(name) for name in self.port_names if not ports.is_free(ports.port(name))]
        if not taken:
            return
        if any_service_runs():
            raise LabError(
                f"Port {taken[0]} of 127.0.0.1, which the lab's {self.name} needs, is in use by another "
                f"program: stop that one, or `python3 -m lab down` and try again to have other ports."
            )
        ports.move()

    def _wait_ready(self):
        limit = time.monotonic() + self.start_seconds
        while not self.is_ready():
            if self._child.poll() is not None:
                raise LabError(f"{self.name} ended while starting; the end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > limit:
                raise LabError(
                    f"{self.name} does not answer after {self.start_seconds} s; "
                    f"the end of {self.log}:\n{tail(self.log)}"
                )
            time.sleep(0.05)

    def wait_stopped(self, seconds=20):
        """Wait until a server that was killed elsewhere has ended; tell whether it has."""
        pid = self.pid
        return not pid or wait_gone(pid, seconds)


def any_service_runs():
    """Tell whether some service of the lab runs."""
    return any(PidFile(file).read() for file in (LAB / "run").glob("*.json"))
