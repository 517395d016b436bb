"""Postfix: SMTP servers that deliver mail to addresses under .example into Dovecot and send nothing anywhere else."""

import json
import os
import re
import shutil
import smtplib
import socket

from lab.errors import LabError
from lab.host import ports, privilege
from lab.host.paths import HERE
from lab.host.processes import run
from lab.host.service import Service
from lab.servers import tls

# Servers besides the usual one, for tests that check which way a message took.
FURTHER = ("second", "third")
_RECEIVED_BY = re.compile(r"\bby (\S+) \(Postfix\)")
_OWNED_BY_POSTFIX = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
)
_PREPARE = """\
set -e
umask 022
mkdir -p "$1/queue/pid" "$1/state"
cd "$1/queue"
mkdir -p {owned} maildrop public
chown root . pid
chown postfix {owned} ../state
chmod 700 {owned} ../state
chown postfix:postdrop maildrop public
chmod 730 maildrop
chmod 710 public
""".format(owned=" ".join(_OWNED_BY_POSTFIX))


class Postfix(Service):
    """The server. Its master process needs root: as this process, through sudo, or in a user namespace.

    What happens to mail to an address: ``unknown...@*.example`` bounces with 5.1.1, ``full...@*.example`` with 5.2.2,
    ``later...@*.example`` and ``*@*.test`` wait in the queue, other ``*.example`` are delivered into the Dovecot of the
    lab, and everything else bounces with 5.7.1.

    :param which: empty or one of :data:`FURTHER`; each is a server of its own with its ports, queue and host name
    """

    def __init__(self, which=""):
        self.name = f"postfix-{which}" if which else "postfix"
        self.hostname = f"{which or 'mail'}.mycompany.example"
        prefix = f"{which}-" if which else ""
        self.port_names = self._smtp, self._smtps = f"{prefix}smtp", f"{prefix}smtps"
        super().__init__()
        self._config = self.home / "config"

    @property
    def port(self):
        """The port for SMTP with STARTTLS."""
        return ports.port(self._smtp)

    @property
    def smtps_port(self):
        """The port for SMTP inside TLS."""
        return ports.port(self._smtps)

    def prepare(self):
        """Write the configuration and make the queue, whose directories belong to different users.

        :raises LabError: when Postfix is not installed, or there is no way to be root
        """
        if not shutil.which("postfix", path="/usr/sbin"):
            raise LabError("Postfix is not installed: run `make setup`, or `apt-get install postfix`.")
        self._config.mkdir(parents=True, exist_ok=True)
        self._write_config()
        run([*_as_root(), "sh", "-c", _PREPARE, "sh", self.home], f"make Postfix's directories in {self.home}")

    def command(self):
        """Return the command that runs the server in the foreground."""
        # `postfix start` would also need the package's own configuration directory.
        return [*_as_root(), "/usr/lib/postfix/sbin/master", "-s", "-c", self._config]

    def popen_options(self):
        """Return an environment in which the programs that the master starts find the configuration."""
        return {"env": {**os.environ, "MAIL_CONFIG": str(self._config)}}

    def is_ready(self):
        """Tell whether the SMTP port sends its greeting."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                return client.recv(3) == b"220"
        except OSError:
            return False

    # Mail

    def submit(self, raw, sender, recipients):
        """Submit one message (bytes) with this envelope over SMTP."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail(sender, recipients, raw)

    def queue(self):
        """Return the messages that wait, each a dictionary as ``postqueue -j`` describes it."""
        listing = self._postfix_command("postqueue", "-j")
        return [json.loads(line) for line in listing.splitlines() if line.startswith("{")]

    def flush(self):
        """Try all waiting messages again now."""
        self._postfix_command("postqueue", "-f")

    def clear(self):
        """Delete all waiting messages."""
        self._postfix_command("postsuper", "-d", "ALL")

    def _write_config(self):
        certificate, key = tls.certificate()
        values = {
            "home": self.home,
            "hostname": self.hostname,
            "certificate": certificate,
            "key": key,
            "smtp": self.port,
            "smtps": self.smtps_port,
            "lmtp": ports.port("lmtp"),
            "log": self.log,
            "logs": self.log.parent,
        }
        for name in ("main.cf", "master.cf", "transport"):
            text = (HERE / "servers" / f"postfix-{name}").read_text()
            for word, value in values.items():
                text = text.replace(f"@{word}@", str(value))
            (self._config / name).write_text(text)

    def _postfix_command(self, name, *arguments):
        return run([*_as_root(), f"/usr/sbin/{name}", "-c", self._config, *arguments], f"run {name}")


def carriers(mail):
    """Return the host names of the Postfixes that a parsed message came through, the last one first."""
    return [name for header in mail.get_all("Received", ()) for name in _RECEIVED_BY.findall(header)]


def _as_root():
    if privilege.is_root():
        return []
    if privilege.sudo_works():
        return ["sudo", "-n"]
    if privilege.namespace_works():
        return list(privilege.NAMESPACE)
    raise LabError(
        "Postfix wants root. As an ordinary user let sudo work without a password, or install the Debian "
        "package uidmap and give this user lines in /etc/subuid and /etc/subgid."
    )
