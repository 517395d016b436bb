"""Side by side with Odoo's own gateway, in one run: ``make bench``. Only the ratios mean something elsewhere."""

import sys

from bench.incoming import ROUND_TRIPS_MS, compare
from lab.console import say
from lab.dovecot import Dovecot
from lab.errors import LabError
from lab.postgres import Postgres


def main(messages=200):
    """Measure and print.

    :param messages: how many each gateway fetches and delivers, for each round trip time
    """
    with Postgres(), Dovecot() as dovecot:
        say(f"{messages} messages from one IMAP mailbox to leads, two cron threads; messages per second")
        say(f"  {'round trip':12}{'Odoo':>10}{'addon':>10}{'ratio':>10}")
        for milliseconds in ROUND_TRIPS_MS:
            core, addon = compare(dovecot, messages, milliseconds)
            say(f"  {milliseconds:>7} ms  {core:>10.1f}{addon:>10.1f}{addon / core:>10.2f}")


if __name__ == "__main__":
    try:
        main(*map(int, sys.argv[1:]))
    except LabError as error:
        sys.exit(str(error))
