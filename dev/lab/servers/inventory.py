"""All the servers of the lab at once."""

from lab.servers.dovecot import Dovecot
from lab.servers.postfix import FURTHER, Postfix
from lab.servers.postgres import Postgres


def usual():
    """Return those that ``lab up`` starts."""
    return Postgres(), Dovecot(), Postfix()


def further():
    """Return those that only some tests start."""
    return (Dovecot("untrusted"), Dovecot("expired"), *map(Postfix, FURTHER))


def stop_unused():
    """Stop those that nobody uses, as after their last user was killed, and nobody keeps."""
    for server in reversed(usual() + further()):
        server.stop_unless_used()
