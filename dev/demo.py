"""The program of ``make demo``: a customer's e-mail becomes a lead, is answered, and nothing is lost in a crash.

No result is written in advance: each line reports what the demo has seen on the servers. Afterwards Odoo keeps running,
so that you can look at it, until Ctrl-C; with ``DEMO_EXIT=1`` in the environment the demo ends by itself.
"""

import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager

from demo_chapters import ALIAS, CHAPTERS, DATABASE, DOMAIN, Demo, DemoError
from e2e.gateway import FETCH, Gateway
from lab.errors import LabError
from lab.host import orphans, ports
from lab.host.console import say, warn
from lab.host.paths import LOGS
from lab.odoo import databases
from lab.odoo.server import OdooError
from lab.servers.dovecot import Dovecot
from lab.servers.postfix import Postfix
from lab.servers.postgres import Postgres


class Story:
    """Prints chapters and, below each, what the demo has seen, with the seconds since the chapter began."""

    def __init__(self):
        self.title = "starting"
        self._number = 0
        self._began = time.monotonic()

    def chapter(self, title):
        """Begin a chapter."""
        self.title, self._began = title, time.monotonic()
        self._number += 1
        say(f"\n{self._number}. {title}")

    def saw(self, text):
        """Print one thing that was seen."""
        say(f"   {time.monotonic() - self._began:6.1f} s  {text}")

    def quote(self, text):
        """Print a quotation below one thing that was seen."""
        say(f"             {text}")


def main():
    """Run the demo; return the exit code."""
    return perform(show, DATABASE, "All steps worked. Everything that this started is stopped.")


def show(story):
    """Play all chapters and keep serving, unless the demo is to end by itself."""
    with servers(story, fresh_database()) as demo:
        play_chapters(CHAPTERS, demo, story)
        if os.environ.get("DEMO_EXIT") == "1":
            say("\nWithout DEMO_EXIT=1 the demo goes on serving, for a look at all that.")
        else:
            story.title = "serving"
            tell_where(demo)
            serve(demo)


def perform(play, database, success):
    """Run `play(story)` until its end or Ctrl-C, print an error as a message, and return the exit code.

    :param success: what to print at the end, when all servers are stopped
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a background job of a script ignores SIGINT
        signal.signal(number, _interrupt)
    story = Story()
    try:
        play(story)
    except KeyboardInterrupt:
        say("\nInterrupted. Everything that was started is stopped.")
        return 130
    except Exception as error:
        warn(f"\nThis ended at “{story.title}”: {words_for(error)}\nOdoo's log: {LOGS / database}.log")
        return 1
    say(f"\n{success}")
    return 0


def play_chapters(chapters, demo, story):
    """Play one chapter after the other."""
    for title, play in chapters:
        story.chapter(title)
        play(demo, story)


def words_for(error):
    """Return the text of an error, with its type unless it is one of ours."""
    return str(error) if isinstance(error, (DemoError, LabError, OdooError)) else f"{type(error).__name__}: {error}"


def _interrupt(*_signal):
    raise KeyboardInterrupt


@contextmanager
def fresh_database():
    """Clone a database for this run and drop it at the end; yields its name."""
    try:
        yield databases.clone("gateway", DATABASE)
    finally:
        databases.drop(DATABASE)


@contextmanager
def servers(story, database, **options):
    """Start all servers, and stop them at the end, even after an error.

    :param database: a context manager that yields the name of the database
    :param options: of the Odoo server
    """
    story.chapter("Servers start, on loopback only")
    orphans.stop_abandoned()
    with ExitStack() as stack:
        stack.enter_context(Postgres())
        port = ports.port("odoo")
        if not ports.is_free(port):
            raise DemoError(f"port {port} is in use; does `make demo` or `make dev` run? End it with Ctrl-C first.")
        dovecot, postfix = stack.enter_context(Dovecot()), stack.enter_context(Postfix())
        story.saw(
            f"PostgreSQL on port {ports.port('postgres')}, Dovecot (IMAP {dovecot.port('imaps')} with TLS), "
            f"Postfix (SMTP {postfix.port})"
        )
        name = stack.enter_context(database)
        story.saw(f"database “{name}”: an Odoo with CRM and this addon")
        gateway = Gateway(name, port=port, **options)
        stack.callback(gateway.stop)
        story.saw(f"Odoo answers at {gateway.odoo.url}")
        # A second Ctrl-C would leave processes behind: it is ignored while the servers stop.
        stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
        stack.callback(say, "\nStopping what this started ...")
        yield Demo(postfix, dovecot, gateway)


# After the chapters


def tell_where(demo):
    """Print the addresses at which the results can be seen."""
    leads = f"the lead and its chatter    {demo.url}/odoo/crm.lead/{demo.lead}"
    if not demo.lead:
        leads = f"leads and their chatter     {demo.url}/odoo/action-crm.crm_lead_all_leads"
    say(f"""
Look at it: {demo.url}/odoo       login admin, password admin
    {leads}
    Inbound Messages            {demo.url}/odoo/inbound-messages
    Inbound Rules               {demo.url}/odoo/inbound-rules
    Held Messages               {demo.url}/odoo/held-messages
    Odoo's log                  {demo.gateway.odoo.log}""")


def serve(demo):
    """Fetch every few seconds until Ctrl-C, and print what comes in."""
    say(f"""
Send a message of your own; it becomes a lead within seconds:
    {demo.command("me@customer.example", ALIAS, "My own message")}
    Any address at customer.example may send; write to somebody else at {DOMAIN} and it is held, as is the sixth lead
    of one sender within an hour.
    The salesperson logs in with sales/sales. Mail to any .example address stays in this lab.

Ctrl-C ends this and stops everything it started.
""")
    told = set(dealt_with(demo))
    try:
        while demo.gateway.odoo.running:
            demo.gateway.wake(FETCH)
            time.sleep(3)
            tell_new(demo, told)
    except KeyboardInterrupt:
        return
    raise DemoError("Odoo has ended.")


def dealt_with(demo):
    """Return id -> (subject, sender, state) of every inbound message that does not wait for a lane."""
    rows = demo.gateway.sql(
        "SELECT id, subject, email_from, state FROM mail_inbound_message"
        " WHERE state NOT IN ('received', 'deferred') ORDER BY id"
    )
    return {number: seen for number, *seen in rows}


def tell_new(demo, told):
    """Print a line for each message of :func:`dealt_with` that is not in `told`, and add it there."""
    for number, (subject, sender, state) in dealt_with(demo).items():
        if number not in told:
            say(
                f"{time.strftime('%H:%M:%S')}  “{subject}” from {sender}: {state}, "
                f"{demo.url}/odoo/inbound-messages/{number}"
            )
            told.add(number)


if __name__ == "__main__":
    sys.exit(main())
