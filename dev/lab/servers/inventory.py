"""Lists of all servers of the lab."""

from lab.servers.dovecot import Dovecot
from lab.servers.postfix import FURTHER, Postfix
from lab.servers.postgres import Postgres


def usual():
    """Return the servers that ``lab up`` starts."""
    return Postgres(), Dovecot(), Postfix()


def further():
    """Return the servers that only some tests start."""
    return (Dovecot("untrusted"), Dovecot("expired"), *map(Postfix, FURTHER))


def stop_unused():
    """Stop the servers that nobody uses (as when their last user was killed) and that are not to be kept."""
    for server in reversed(usual() + further()):
        server.stop_unless_used()
