"""What the tests of crashes share: killing servers while mail comes in, and what has to be there afterwards."""

import random
import time

from e2e.gateway import FETCH, until, wake_cron
from e2e.mail_mix import mail_mix

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
    return gateway.sql("SELECT count(*) FROM mail_inbound_acknowledgement") == [(0,)]


def check_mailbox(gateway, dovecot, mailbox, protocol):
    """IMAP: all is marked read; POP3: all is deleted; by the next fetch at the latest."""
    until(lambda: acknowledged(gateway) or fetch_once(gateway))
    flags = dovecot.flags(mailbox)
    assert all("\\Seen" in each for each in flags) if protocol == "imap" else not flags
