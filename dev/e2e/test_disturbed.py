"""No message is lost or doubled while connections are cut or PostgreSQL is restarted."""

import pytest

from e2e.crash import PORTS, check_mailbox, fetch_once, until_more
from e2e.gateway import until
from e2e.mail_mix import mail_mix
from lab.servers.proxy import Proxy

# Each takes some ten seconds in which no other test can run.
RESTARTS = 2


@pytest.mark.parametrize("protocol", PORTS)
def test_connections_cut_at_random(crash_gateway, dovecot, mailbox, protocol):
    gateway, mix = crash_gateway, mail_mix()
    with Proxy(dovecot.port(PORTS[protocol]), seed=protocol) as proxy:
        server = gateway.mail_server(mailbox, proxy.port, protocol)
        dovecot.put_all(mailbox, mix.sources)
        proxy.cut_after = (500, 60_000)
        until(lambda: fetch_once(gateway) or gateway.count() == len(mix.sources), 300)
        assert proxy.cuts > 3
        proxy.cut_after = None
        gateway.settle(120)
        mix.check(gateway, server)
        check_mailbox(gateway, dovecot, mailbox, protocol)


@pytest.mark.alone
@pytest.mark.parametrize("protocol", PORTS)
def test_postgresql_restarted(crash_gateway, postgres, dovecot, mailbox, protocol):
    gateway, mix = crash_gateway, mail_mix()
    server = gateway.mail_server(mailbox, dovecot.port(PORTS[protocol]), protocol)
    for part in range(RESTARTS):
        dovecot.put_all(mailbox, mix.sources[part::RESTARTS])
        before = gateway.count()
        gateway.hurry(fetch=True)
        until_more(gateway, before)
        postgres.restart(immediate=True)
        # core's cron threads end when the database is away: after its restart, Odoo has to be restarted, too
        gateway.odoo.restart()
    gateway.hurry(fetch=True)
    until_more(gateway, len(mix.sources) - 1)
    gateway.settle(240, fetch=True)
    mix.check(gateway, server)
    check_mailbox(gateway, dovecot, mailbox, protocol)
