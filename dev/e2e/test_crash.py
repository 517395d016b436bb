"""No message is lost or doubled while servers are killed, inserts refused and connections cut."""

import random
import time

import pytest

from e2e.gateway import FETCH, until, wake_cron
from e2e.mail_mix import mail_mix
from lab.proxy import Proxy

PORTS = {"imap": "imap", "pop": "pop3"}
KILLS = 8

REFUSALS = """
    CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.05 THEN
            RAISE EXCEPTION 'refused by the test' USING ERRCODE = '40001';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse_some BEFORE INSERT ON mail_message FOR EACH ROW EXECUTE FUNCTION refuse_some();
"""


@pytest.mark.parametrize("protocol", PORTS)
def test_killed_servers_and_refused_inserts(crash_gateway, dovecot, mailbox, protocol):
    kill_while_mail_comes_in(crash_gateway, dovecot, mailbox, protocol)


@pytest.mark.parametrize("protocol", PORTS)
def test_two_servers_on_one_database_killed_in_turn(crash_gateway, dovecot, mailbox, protocol):
    crash_gateway.start()
    kill_while_mail_comes_in(crash_gateway, dovecot, mailbox, protocol)


def test_killed_servers_and_changed_uidvalidity(crash_gateway, dovecot, mailbox):
    kill_while_mail_comes_in(
        crash_gateway, dovecot, mailbox, "imap", between=lambda: dovecot.change_uidvalidity(mailbox))


def kill_while_mail_comes_in(gateway, dovecot, mailbox, protocol, between=lambda: None):
    """Two hundred messages in eight parts; an Odoo server is killed in the middle of each.

    :param between: done after each kill, before the server is started again
    """
    mix, dice = mail_mix(), random.Random(protocol)
    server = gateway.mail_server(mailbox, dovecot.port(PORTS[protocol]), protocol)
    gateway.sql(REFUSALS)
    for part in range(KILLS):
        dovecot.put_all(mailbox, mix.sources[part::KILLS])
        before = gateway.count()
        gateway.hurry(fetch=True)
        # kill while it fetches or while it delivers: a few messages in, or a moment later
        until_more(gateway, before)
        time.sleep(dice.uniform(0, 2))
        victim = gateway.servers[part % len(gateway.servers)]
        victim.kill()
        between()
        victim.start()
    gateway.hurry(fetch=True)
    until_more(gateway, len(mix.sources) - 1)
    gateway.settle(240, fetch=True)
    mix.check(gateway, server)
    check_mailbox(gateway, dovecot, mailbox, protocol)


@pytest.mark.parametrize("protocol", PORTS)
def test_connections_cut_at_random(crash_gateway, dovecot, mailbox, protocol):
    gateway, mix = crash_gateway, mail_mix()
    with Proxy(dovecot.port(PORTS[protocol]), seed=protocol) as proxy:
        server = gateway.mail_server(mailbox, proxy.port, protocol)
        dovecot.put_all(mailbox, mix.sources)
        proxy.cut_after = (500, 60_000)
        until(lambda: fetch_once(gateway) or gateway.count() == len(mix.sources), 120)
        assert proxy.cuts > 3
        proxy.cut_after = None
        gateway.settle(120)
        mix.check(gateway, server)
        check_mailbox(gateway, dovecot, mailbox, protocol)


@pytest.mark.parametrize("protocol", PORTS)
def test_postgresql_restarted(crash_gateway, postgres, dovecot, mailbox, protocol):
    gateway, mix = crash_gateway, mail_mix()
    server = gateway.mail_server(mailbox, dovecot.port(PORTS[protocol]), protocol)
    for part in range(4):
        dovecot.put_all(mailbox, mix.sources[part::4])
        before = gateway.count()
        gateway.hurry(fetch=True)
        until_more(gateway, before)
        postgres.restart(immediate=True)
        # core's cron threads do not survive a database that is away: whoever restarts it restarts Odoo
        gateway.odoo.restart()
    gateway.hurry(fetch=True)
    until_more(gateway, len(mix.sources) - 1)
    gateway.settle(240, fetch=True)
    mix.check(gateway, server)
    check_mailbox(gateway, dovecot, mailbox, protocol)


def until_more(gateway, before):
    """Wait until there are more than so many messages.

    A job that is called for while it runs is done at the next look, which is a minute away unless somebody asks.
    """
    until(lambda: gateway.count() > before or wake_cron(gateway.database))


def fetch_once(gateway):
    """Have the cron fetch, and wait until it has."""
    gateway.odoo.run_cron(FETCH)


def acknowledged(gateway):
    """Whether the mail server was told about every message."""
    return gateway.sql("SELECT count(*) FROM mail_inbound_receipt") == [(0,)]


def check_mailbox(gateway, dovecot, mailbox, protocol):
    """IMAP: all is marked read; POP3: all is deleted; by the next fetch at the latest."""
    until(lambda: acknowledged(gateway) or fetch_once(gateway))
    flags = dovecot.flags(mailbox)
    assert all("\\Seen" in each for each in flags) if protocol == "imap" else not flags
