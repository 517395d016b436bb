"""Incoming mail side by side with Odoo's own gateway: only the ratios are valid for other machines."""

import os
import time

from e2e.gateway import FETCH, Gateway, message, until
from lab.host.console import say
from lab.odoo import databases
from lab.servers.dovecot import Dovecot
from lab.servers.proxy import Proxy

ROUND_TRIPS_MS = (0, 50)
MAX_SECONDS = 300


def measure(messages=200):
    """Print messages per second, for each round trip time."""
    with Dovecot() as dovecot:
        say(f"{messages} messages from one IMAP mailbox to leads, two cron threads; messages per second")
        say(f"  {'round trip':12}{'Odoo':>10}{'addon':>10}{'ratio':>10}")
        for milliseconds in ROUND_TRIPS_MS:
            core, addon = compare(dovecot, messages, milliseconds)
            say(f"  {milliseconds:>7} ms  {core:>10.1f}{addon:>10.1f}{addon / core:>10.2f}")


def compare(dovecot, messages, milliseconds):
    """Return the messages per second of Odoo's own gateway and of the addon, measured one after the other.

    :param milliseconds: round trip time to the mail server
    """
    sources = [message(f"Bench {n}") for n in range(messages)]
    return tuple(_measure(dovecot, template, sources, milliseconds) for template in ("base", "gateway"))


def _measure(dovecot, template, sources, milliseconds):
    name = f"bench_{template}_{os.getpid()}"
    mailbox = f"{name}_{milliseconds}@mycompany.example"
    gateway = Gateway(databases.clone(template, name))
    try:
        gateway.prepare()
        # a packet is delayed on its way there and on its way back
        with Proxy(dovecot.port("imap"), delay_ms=milliseconds / 2) as proxy:
            gateway.mail_server(mailbox, proxy.port)
            dovecot.put_all(mailbox, sources)
            return len(sources) / _seconds_until_all_are_leads(gateway, len(sources))
    finally:
        gateway.stop()
        databases.drop(name)


def _seconds_until_all_are_leads(gateway, wanted):
    start = time.monotonic()
    gateway.wake(FETCH)
    until(lambda: _leads(gateway) >= wanted or gateway.odoo.wake_cron(), MAX_SECONDS, every=0.05)
    return time.monotonic() - start


def _leads(gateway):
    # the alias creates nothing else in a fresh database
    return gateway.sql("SELECT count(*) FROM crm_lead")[0][0]
