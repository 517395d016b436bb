"""Dovecot: IMAP and POP3, plain and TLS, where every address has a mailbox."""

import grp
import os
import pwd
import secrets
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from lab.host import ports
from lab.host.paths import HERE
from lab.host.processes import run
from lab.host.service import Service
from lab.servers import tls

PASSWORD = "secret"

# An ordinary user cannot put a process into a chroot.
_ROOTLESS = "\n".join(f"service {name} {{\n  chroot =\n}}" for name in ("anvil", "imap-login", "pop3-login", "stats"))


class Dovecot(Service):
    """The server; the first login or delivery creates a mailbox.

    :param certificate: "trusted", "untrusted" or "expired"; each kind is a server of its own on ports of its own
    """

    def __init__(self, certificate="trusted"):
        self.certificate = certificate
        self.name = "dovecot" if certificate == "trusted" else f"dovecot-{certificate}"
        self._prefix = "" if certificate == "trusted" else f"{certificate}-"
        self.port_names = tuple(self._prefix + name for name in ("imap", "imaps", "pop3", "pop3s", "lmtp"))
        super().__init__()
        self._config = self.home / "dovecot.conf"

    def port(self, name):
        """Return the port of imap, imaps, pop3, pop3s or lmtp."""
        return ports.port(self._prefix + name)

    def prepare(self):
        """Write the configuration, without the addresses that :meth:`collect` redirected before."""
        (self.home / "run").mkdir(parents=True, exist_ok=True)
        mail = self.home / "mail"
        mail.mkdir(exist_ok=True)
        values = self._values()
        if os.geteuid() == 0:
            os.chown(mail, pwd.getpwnam("mail").pw_uid, grp.getgrnam("mail").gr_gid)
        text = (HERE / "servers" / "dovecot.conf").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        self._config.write_text(text)
        self.collect({})

    def command(self):
        """Return the command that runs the server in the foreground."""
        return ["/usr/sbin/dovecot", "-F", "-c", self._config]

    def is_ready(self):
        """Tell whether the IMAP port sends its greeting."""
        try:
            with socket.create_connection(("127.0.0.1", self.port("imap")), timeout=1) as client:
                return client.recv(4) == b"* OK"
        except OSError:
            return False

    # Mailboxes, used through IMAP as any other program would

    def put(self, mailbox, raw, folder="INBOX", flags=()):
        """Add one message; *raw* is its source in bytes."""
        self.put_all(mailbox, [raw], folder, flags)

    def put_all(self, mailbox, messages, folder="INBOX", flags=()):
        """Add many messages in one session."""
        with self.session(mailbox) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for raw in messages:
                client.append(folder, raw, flags)

    def read(self, mailbox, folder="INBOX"):
        """Return the sources of all messages, in bytes, the oldest first; their flags stay as they are."""
        with self._selected(mailbox, folder) as client:
            uids = client.search()
            found = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
            return [found[uid][b"BODY[]"] for uid in uids]

    def flags(self, mailbox, folder="INBOX"):
        """Return the flags of all messages, each a set of strings without ``\\Recent``, the oldest first."""
        with self._selected(mailbox, folder) as client:
            uids = client.search()
            found = client.get_flags(uids) if uids else {}
            return [{flag.decode() for flag in found[uid]} - {"\\Recent"} for uid in uids]

    def mark_seen(self, mailbox, folder="INBOX"):
        """Mark all messages as read, as webmail does when a person opens them."""
        with self._selected(mailbox, folder, readonly=False) as client:
            if uids := client.search():
                client.add_flags(uids, [b"\\Seen"])

    def empty(self, mailbox):
        """Delete all messages of all folders; the folders stay."""
        for folder in self.folders(mailbox):
            with self._selected(mailbox, folder, readonly=False) as client:
                if uids := client.search():
                    client.delete_messages(uids)
                    client.expunge()

    def folders(self, mailbox):
        """Return the names of the folders."""
        with self.session(mailbox) as client:
            return [name for _flags, _delimiter, name in client.list_folders()]

    def sieve(self, mailbox, script):
        """Install a Sieve script (RFC 5228, with ``vacation``, ``redirect``...) for mail delivered from now on.

        The script sends mail through the Postfix of the lab. As on most servers, redirected messages keep their envelope
        sender, and answers have none. With ``vacation-seconds`` a period of 0 is allowed.

        :raises LabError: when Dovecot finds a mistake in the script
        """
        with tempfile.NamedTemporaryFile("w", suffix=".sieve") as file:
            file.write(script)
            file.flush()
            Path(file.name).chmod(0o644)
            self.doveadm("sieve", "put", "-u", mailbox, "-a", "lab", file.name)

    def collect(self, addresses):
        """Deliver the mail of some addresses into other mailboxes; this replaces what an earlier call set.

        The header ``Delivered-To:`` of these messages names the address that they were for.

        :param addresses: a dictionary from an address, or from ``@domain`` for all of it, to a mailbox
        """
        mail = (self.home / "mail").stat()
        lines = [
            f"{source}::{mail.st_uid}:{mail.st_gid}::{self._mail_home(mailbox)}::\n"
            for source, mailbox in addresses.items()
        ]
        file = self.home / "collected"
        file.write_text("".join(lines))
        file.chmod(0o644)
        if self.pid:
            # Dovecot checks once a second whether the file has changed, and does not report when it has read it.
            time.sleep(1.1)

    def _mail_home(self, mailbox):
        name, _at, domain = mailbox.lower().partition("@")
        return self.home / "mail" / domain / name

    def uidvalidity(self, mailbox, folder="INBOX"):
        """Return the folder's UIDVALIDITY."""
        with self.session(mailbox) as client:
            return client.folder_status(folder, ["UIDVALIDITY"])[b"UIDVALIDITY"]

    def change_uidvalidity(self, mailbox, folder="INBOX"):
        """Give the folder another UIDVALIDITY, as a restored backup has; messages and their UIDs stay.

        :returns: the new one
        """
        old = self.uidvalidity(mailbox, folder)
        new = old + 1 + secrets.randbelow(1000)
        self.doveadm("mailbox", "update", "-u", mailbox, "--uid-validity", new, folder)
        return new

    def doveadm(self, *arguments):
        """Run Dovecot's administration program and return its output."""
        return run(["doveadm", "-c", self._config, *arguments], f"run doveadm {arguments[0]}")

    @contextmanager
    def session(self, mailbox):
        """Yield an IMAPClient that is logged in to *mailbox*."""
        from imapclient import IMAPClient  # only in the lab's virtual environment

        with IMAPClient("127.0.0.1", self.port("imap"), ssl=False, timeout=60) as client:
            client.login(mailbox, PASSWORD)
            yield client

    @contextmanager
    def _selected(self, mailbox, folder, readonly=True):
        with self.session(mailbox) as client:
            client.select_folder(folder, readonly=readonly)
            yield client

    def _values(self):
        certificate, key = tls.certificate(self.certificate)
        me, my_group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        root = os.geteuid() == 0
        return {
            "home": self.home,
            "password": PASSWORD,
            "certificate": certificate,
            "key": key,
            "internal_user": "dovecot" if root else me,
            "internal_group": "dovecot" if root else my_group,
            "login_user": "dovenull" if root else me,
            "mail_user": "mail" if root else me,
            "mail_group": "mail" if root else my_group,
            "rootless": "" if root else _ROOTLESS,
            **{name: self.port(name) for name in ("imap", "imaps", "pop3", "pop3s", "lmtp")},
            "smtp": ports.port("smtp"),
        }
