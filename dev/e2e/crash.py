"""Helpers of the tests of crashes: they kill servers while mail comes in, and check that nothing is lost or doubled."""

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
    """Let two hundred messages come in, in eight parts, and kill an Odoo server in the middle of each part.

    :param between: called after each kill, before the server is started again
    """
    mix, dice = mail_mix(), random.Random(protocol)
    server = gateway.mail_server(mailbox, dovecot.port(PORTS[protocol]), protocol)
    gateway.sql(REFUSALS)
    for part in range(KILLS):
        dovecot.put_all(mailbox, mix.sources[part::KILLS])
        before = gateway.count()
        gateway.hurry(fetch=True)
        # kill while it fetches or while it delivers: after a few messages, or a moment later
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
    """Wait until there are more than *before* messages.

    If a job is triggered while it runs, Odoo starts it at its next look for due jobs, up to a minute later unless woken.
    """
    until(lambda: gateway.count() > before or wake_cron(gateway.database))


def fetch_once(gateway):
    """Run the scheduled action that fetches, and wait until it has run."""
    gateway.odoo.run_cron(FETCH)


def acknowledged(gateway):
    """Tell whether Odoo has acknowledged every message to the mail server."""
    return gateway.sql("SELECT count(*) FROM mail_inbound_acknowledgement") == [(0,)]


def check_mailbox(gateway, dovecot, mailbox, protocol):
    """Assert that all messages are marked read (IMAP) or deleted (POP3), by the next fetch at the latest."""
    until(lambda: acknowledged(gateway) or fetch_once(gateway))
    flags = dovecot.flags(mailbox)
    assert all("\\Seen" in each for each in flags) if protocol == "imap" else not flags
