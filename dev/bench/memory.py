"""Memory to fetch and store a large message: the peak of Odoo's process, beyond what it needs anyway."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

from e2e.gateway import Gateway, message
from lab.host.console import say
from lab.odoo import databases
from lab.servers.dovecot import Dovecot

MEGABYTE = 2**20
SIZES = (5, 25)
_EVERY = 0.01


def measure():
    """Print the peak for each size, with IMAP."""
    name = f"bench_memory_{os.getpid()}"
    gateway = Gateway(databases.clone("gateway", name))
    try:
        gateway.prepare()
        gateway.set_parameter("mail_gateway.size_limit", "100")
        with Dovecot() as dovecot:
            for size in SIZES:
                peak = _peak_to_store(gateway, dovecot, size)
                say(f"  {size} MB: {peak:.0f} MB, {peak / size:.1f} times the message")
    finally:
        gateway.stop()
        databases.drop(name)


def _peak_to_store(gateway, dovecot, size):
    mailbox = f"memory{size}_{os.getpid()}@mycompany.example"
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    dovecot.put(mailbox, message("Small"))
    gateway.fetch(server)  # what a first visit loads belongs to the baseline
    dovecot.put(mailbox, message("Large", to="nobody@elsewhere.example") + _body(size))
    # no lane may deliver it meanwhile
    gateway.sql(
        "UPDATE ir_cron SET active = false WHERE id IN (SELECT res_id FROM ir_model_data WHERE name LIKE %s)",
        "ir_cron_lane%",
    )
    with peak_of(gateway.odoo.process.pid) as peak:
        gateway.fetch(server)
    return peak() / MEGABYTE


def _body(size):
    return (b"x" * 76 + b"\r\n") * (size * MEGABYTE // 78)


@contextmanager
def peak_of(pid):
    """Watch a process; yields a function that returns by how many bytes its resident memory grew at most."""
    base = resident(pid)
    highest, done = [base], threading.Event()

    def watch():
        while not done.wait(_EVERY):
            highest[0] = max(highest[0], resident(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: highest[0] - base
    finally:
        done.set()
        watcher.join()


def resident(pid):
    """Return how many bytes of a process are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
