"""The show of ``make demo``: a customer's e-mail becomes a lead, is answered, and nothing is lost in a crash.

Nothing of what it prints is written beforehand: each line tells what was seen on the servers. Afterwards Odoo goes on
running for a look at it, until Ctrl-C; with ``DEMO_EXIT=1`` in the environment the demo ends by itself.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.utils import formatdate, parseaddr

from e2e.gateway import FETCH, QUEUE, Gateway, message
from lab import databases, orphans, ports
from lab.console import say, warn
from lab.dovecot import Dovecot
from lab.errors import LabError
from lab.odoo import OdooError
from lab.paths import LOGS
from lab.postfix import Postfix
from lab.postgres import Postgres

DATABASE = "demo"
# Not mycompany.example, whose mailboxes the tests use: the demo leads all mail of its domain into one mailbox.
DOMAIN = "demo.example"
ALIAS, SALES, MAILBOX = (f"{name}@{DOMAIN}" for name in ("leads", "sales", "odoo"))
CUSTOMER = "purchasing@customer.example"
CRASH_MESSAGES = 40
# What a person types to send a message: one line that needs nothing but Python.
COMMAND = (
    """python3 -c "import smtplib; smtplib.SMTP('127.0.0.1', {port}).sendmail('{sender}', '{to}', """
    r"""'From: {sender}\nTo: {to}\nSubject: {subject}\n\nHello, this is a test.')"""
    '"'
)


class DemoError(Exception):
    """Something did not happen as it should; the text is one sentence."""


class Demo:
    """The servers of the demo and what happens on them."""

    def __init__(self, postfix, dovecot, gateway):
        self.postfix, self.dovecot, self.gateway = postfix, dovecot, gateway
        self.url = gateway.odoo.url
        self.salesperson = self.customer = self.lead = self.answer = None

    def send(self, subject, body, to=ALIAS, sender=f"Purchasing <{CUSTOMER}>", **headers):
        """Hand a message to Postfix, which takes it or raises."""
        raw = message(subject, to, sender, body=body, Date=formatdate(), **headers)
        self.postfix.submit(raw, parseaddr(sender)[1], [parseaddr(to)[1]])

    def outcome(self, subject):
        """Have mail fetched until the message with this subject has been dealt with.

        :return: its row: id, state, reason, res_model, res_id
        """
        def dealt_with():
            self.gateway.wake(FETCH)
            return self.gateway.sql(
                "SELECT id, state, reason, res_model, res_id FROM mail_inbound_message"
                " WHERE subject = %s AND state NOT IN ('received', 'deferred')", subject)
        return wait(f"“{subject}” is delivered or held", dealt_with)[0]

    def read(self, mailbox, number=1):
        """Wait until a mailbox has so many messages; return the newest, parsed."""
        def arrived():
            self.gateway.wake(QUEUE)
            return len(raws := self.dovecot.read(mailbox)) >= number and raws
        raws = wait(f"{mailbox} has {number} message(s)", arrived)
        return message_from_bytes(raws[-1], policy=policy.default)

    def as_salesperson(self, model, method, *args, **kwargs):
        """Call as the salesperson."""
        models = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object")
        return models.execute_kw(DATABASE, self.salesperson, "sales", model, method, args, kwargs)

    def command(self, sender, to, subject):
        """The line that a person types to send a message."""
        return COMMAND.format(port=self.postfix.port, sender=sender, to=to, subject=subject)


class Story:
    """Prints chapters and, below each, what was seen and how many seconds after the chapter's beginning."""

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
        """Print something that was read, below what was seen."""
        say(f"             {text}")


def main():
    """Run the demo; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell without jobs ignores SIGINT
        signal.signal(number, _interrupt)
    story = Story()
    try:
        with servers(story) as demo:
            for title, play in CHAPTERS:
                story.chapter(title)
                play(demo, story)
            tell_where(demo)
            if os.environ.get("DEMO_EXIT") != "1":
                serve(demo)
    except KeyboardInterrupt:
        say("\nInterrupted. Everything that the demo started is stopped.")
        return 130
    except Exception as error:
        warn(f"\nThe demo ended at “{story.title}”: {words_for(error)}\nOdoo's log: {LOGS / DATABASE}.log")
        return 1
    say("\nThe demo is over: everything that it started is stopped.")
    return 0


def words_for(error):
    """What went wrong; errors that nobody put into words come with their kind."""
    return str(error) if isinstance(error, (DemoError, LabError, OdooError)) else f"{type(error).__name__}: {error}"


def _interrupt(*_signal):
    raise KeyboardInterrupt


@contextmanager
def servers(story):
    """Start everything on a fresh database, and stop it at the end, whatever happens."""
    story.chapter("Servers start, on loopback only")
    orphans.stop_abandoned()
    with ExitStack() as stack:
        stack.enter_context(Postgres())
        port = ports.port("odoo")
        if not ports.is_free(port):
            raise DemoError(f"port {port} is in use; does another demo run? End it with Ctrl-C first.")
        dovecot, postfix = stack.enter_context(Dovecot()), stack.enter_context(Postfix())
        story.saw(f"PostgreSQL on port {ports.port('postgres')}, Dovecot (IMAP {dovecot.port('imaps')} with TLS), "
                  f"Postfix (SMTP {postfix.port})")
        say("             (the first time, a database is installed: a minute or two)")
        stack.callback(databases.drop, DATABASE)
        databases.clone("gateway", DATABASE)
        story.saw(f"database “{DATABASE}”: a fresh Odoo with CRM and this addon")
        gateway = Gateway(DATABASE, port=port)
        stack.callback(gateway.stop)
        story.saw(f"Odoo answers at {gateway.odoo.url}")
        # Whoever presses Ctrl-C twice would leave processes behind.
        stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
        stack.callback(say, "\nStopping Odoo, Postfix, Dovecot and PostgreSQL ...")
        yield Demo(postfix, dovecot, gateway)


# The chapters


def configure(demo, story):
    """What an administrator sets up once."""
    gateway = demo.gateway
    gateway.prepare(DOMAIN)
    gateway.call("ir.config_parameter", "set_param", "web.base.url", demo.url)
    gateway.call("ir.config_parameter", "set_param", "web.base.url.freeze", "True")
    story.saw(f"alias domain {DOMAIN}; mail to {ALIAS} makes a lead")
    demo.dovecot.collect({SALES: SALES, f"@{DOMAIN}": MAILBOX})
    for mailbox in (SALES, MAILBOX, CUSTOMER):
        demo.dovecot.empty(mailbox)
    incoming(demo, story)
    outgoing(demo, story)
    people(demo)
    story.saw(f"a salesperson ({SALES}) and a contact, Purchasing ({CUSTOMER})")


def incoming(demo, story):
    """Create and confirm the incoming server, and have it read each minute."""
    call = demo.gateway.call
    server = demo.gateway.mail_server(MAILBOX, demo.dovecot.port("imaps"), is_ssl=True)
    [seen] = call("fetchmail.server", "read", [server], ["state", "is_ssl", "verify_certificate", "port"])
    if (seen["state"], seen["is_ssl"], seen["verify_certificate"]) != ("done", True, True):
        raise DemoError(f"the incoming server is not confirmed with a verified certificate: {seen}")
    story.saw(f"incoming server: IMAP with TLS on port {seen['port']}, certificate verified, confirmed")
    [cron] = call("ir.model.data", "search_read", [["module", "=", "mail"], ["name", "=", FETCH.split(".")[1]]],
                  ["res_id"])
    call("ir.cron", "write", [cron["res_id"]], {"interval_number": 1, "interval_type": "minutes"})
    story.saw("“Mail: Fetchmail Service” set to every minute, from five, for whoever tries this out")


def outgoing(demo, story):
    """Create and test the outgoing server."""
    server = demo.gateway.call("ir.mail_server", "create", {
        "name": "Postfix", "smtp_host": "localhost", "smtp_port": demo.postfix.port,
        "smtp_encryption": "starttls_strict", "from_filter": DOMAIN})
    answer = demo.gateway.call("ir.mail_server", "test_smtp_connection", [server])
    story.saw(f"outgoing server: Postfix with STARTTLS, certificate verified; it says: {answer['params']['message']}")


def people(demo):
    """Create the salesperson, who may log in with sales/sales, and the customer's contact."""
    call = demo.gateway.call
    [group] = call("ir.model.data", "search_read", [
        ["module", "=", "sales_team"], ["name", "=", "group_sale_salesman_all_leads"]], ["res_id"])
    demo.salesperson = call("res.users", "create", {
        "name": "Salesperson", "login": "sales", "password": "sales", "email": SALES, "notification_type": "email",
        "group_ids": [(4, group["res_id"])]}, context={"no_reset_password": True})
    demo.customer = call("res.partner", "create", {"name": "Purchasing", "email": CUSTOMER})


def becomes_a_lead(demo, story):
    """Customer -> Postfix -> Dovecot -> Odoo."""
    subject, sent = "Forty chairs", time.monotonic()
    demo.send(subject, "We need forty chairs. What do they cost?")
    story.saw(f"{CUSTOMER} wrote to {ALIAS}: Postfix took “{subject}”")
    number, state, reason, model, demo.lead = demo.outcome(subject)
    if (state, model) != ("delivered", "crm.lead"):
        raise DemoError(f"the message did not become a lead, it is {state}: {reason}")
    [lead] = demo.gateway.call("crm.lead", "read", [demo.lead], ["name", "partner_id"])
    story.saw(f"Odoo fetched it, stored it as inbound message {number} and delivered it")
    story.saw(f"lead {demo.lead}: “{lead['name']}”, of {lead['partner_id'][1]}; "
              f"{time.monotonic() - sent:.1f} s after it was sent")


def is_answered(demo, story):
    """Chatter -> Postfix -> the customer's mailbox."""
    demo.as_salesperson("crm.lead", "message_post", [demo.lead], body="Eighty each. Which colour?",
                        message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=[demo.customer])
    story.saw("the salesperson answered in the lead's chatter")
    demo.answer = demo.read(CUSTOMER)
    story.saw(f"in the mailbox of {CUSTOMER}:")
    for name in ("From", "To", "Subject", "Reply-To", "Return-Path", "Message-Id"):
        story.quote(f"{name}: {demo.answer[name]}")
    story.saw("why it left like that, as the chatter's “Sending Details” say:")
    story.quote(sending_details(demo))


def sending_details(demo):
    """How the answer was sent, once Odoo has written that down."""
    def written():
        return demo.gateway.call(
            "mail.outgoing.selection", "search_read", [["res_model", "=", "crm.lead"], ["res_id", "=", demo.lead]],
            ["server_name", "step", "from_after"], limit=1)
    [details] = wait("the sending details are written down", written)
    steps = demo.gateway.call("mail.outgoing.selection", "fields_get", ["step"])["step"]["selection"]
    return (f"through “{details['server_name']}” ({dict(steps)[details['step']]}), "
            f"From {details['from_after']}")


def replies(demo, story):
    """The customer's mail program replies to what it got."""
    mail, subject = demo.answer, f"Re: {demo.answer['Subject']}"
    demo.send(subject, "Blue, please.", to=str(mail["Reply-To"]), In_Reply_To=mail["Message-Id"],
              References=mail["Message-Id"])
    story.saw(f"{CUSTOMER} replied to {parseaddr(mail['Reply-To'])[1]}")
    _number, state, reason, model, lead = demo.outcome(subject)
    if (state, model, lead) != ("delivered", "crm.lead", demo.lead):
        raise DemoError(f"the reply did not reach lead {demo.lead}, it is {state}: {reason}")
    story.saw(f"the chatter of lead {lead}:")
    for entry in chatter(demo):
        story.quote(entry)
    relayed = demo.read(SALES)
    story.saw(f"{SALES} was told by mail: “{relayed['Subject']}” from {relayed['From']}")


def chatter(demo):
    """What people wrote on the lead, a line each, the oldest first."""
    found = demo.gateway.call(
        "mail.message", "search_read",
        [["model", "=", "crm.lead"], ["res_id", "=", demo.lead], ["message_type", "in", ["email", "comment"]]],
        ["author_id", "message_type", "preview"], order="id")
    return [f"{entry['author_id'][1]} ({entry['message_type']}): {entry['preview']}" for entry in found]


def is_renamed(demo, story):
    """Mail to the old name of an alias."""
    call, subject = demo.gateway.call, "Sixty chairs"
    [alias] = call("mail.alias", "search", [["alias_full_name", "=", ALIAS]])
    call("mail.alias", "write", [alias], {"alias_name": "requests"})
    story.saw(f"the alias {ALIAS} is now called requests@{DOMAIN}")
    demo.send(subject, "We need sixty chairs as well.")
    story.saw(f"{CUSTOMER} wrote to the old name")
    number, state, reason, model, _lead = demo.outcome(subject)
    [inbound] = call("mail.inbound.message", "read", [number], ["former_address"])
    if (state, model) != ("delivered", "crm.lead"):
        raise DemoError(f"the message to the old name did not become a lead, it is {state}: {reason}")
    story.saw(f"inbound message {number} became a lead; it came by a former address: {inbound['former_address']}")
    call("mail.alias", "write", [alias], {"alias_name": ALIAS.partition("@")[0]})


def is_held(demo, story):
    """A message that no one is there for, sent by the very command that the demo hands out at its end."""
    nobody, subject = f"nobody@{DOMAIN}", "Is anybody there?"
    done = subprocess.run(shlex.split(demo.command(CUSTOMER, nobody, subject)), capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise DemoError(f"the command to send a message failed: {done.stderr.strip()}")
    story.saw(f"{CUSTOMER} wrote to {nobody}")
    number, state, reason, _model, _record = demo.outcome(subject)
    if state != "held":
        raise DemoError(f"the message to {nobody} was not held, it is {state}: {reason}")
    story.saw(f"inbound message {number} is held; a postmaster decides. The reason given:")
    story.quote(reason)


def crashes(demo, story):
    """SIGKILL in the middle of delivery."""
    gateway, there = demo.gateway, len(demo.dovecot.read(MAILBOX))
    for number in range(CRASH_MESSAGES):
        demo.send(f"Before the crash {number + 1}", "Is it safe?", sender=f"buyer{number}@customer.example")
    wait("all messages are in Dovecot", lambda: len(demo.dovecot.read(MAILBOX)) >= there + CRASH_MESSAGES)
    story.saw(f"{CRASH_MESSAGES} customers wrote; Odoo begins to fetch and to deliver")
    gateway.wake(FETCH)
    wait("Odoo is in the middle of delivering", lambda: crash_leads(gateway)[0] >= CRASH_MESSAGES // 5, pause=0.02)
    gateway.odoo.kill()
    story.saw(f"Odoo was killed (SIGKILL): {gateway.count(*CRASHED)} messages stored, {crash_leads(gateway)[0]} leads")
    gateway.odoo.start()
    story.saw("Odoo is up again")
    wait("all messages are delivered", lambda: gateway.hurry(fetch=True) or all_delivered(gateway), 120)
    leads, names = crash_leads(gateway)
    story.saw(f"{CRASH_MESSAGES} messages sent, {leads} leads, {names} of them different")
    if not leads == names == CRASH_MESSAGES:
        raise DemoError(f"{CRASH_MESSAGES} messages made {leads} leads, {names} of them different")
    story.saw("none is lost, none is doubled")


CRASHED = [("subject", "LIKE", "Before the crash %")]


def crash_leads(gateway):
    """(leads, different ones) that the messages of the crash made."""
    return gateway.sql("SELECT count(*), count(DISTINCT name) FROM crm_lead WHERE name LIKE %s", CRASHED[0][2])[0]


def all_delivered(gateway):
    """Whether all messages of the crash are delivered."""
    return gateway.count(*CRASHED, ("state", "=", "delivered")) == CRASH_MESSAGES


CHAPTERS = (
    ("Odoo is configured", configure),
    ("A customer's e-mail becomes a lead", becomes_a_lead),
    ("The answer leaves", is_answered),
    ("The customer replies, into the same chatter", replies),
    ("The alias is renamed, and customers go on writing to its old name", is_renamed),
    ("A message to nobody is held with its reason", is_held),
    ("Odoo crashes while it delivers", crashes),
)


# Afterwards


def tell_where(demo):
    """Say where all that can be seen, and how to send a message of one's own."""
    say(f"""
Look at it: {demo.url}/odoo       login admin, password admin
    the lead and its chatter    {demo.url}/odoo/crm.lead/{demo.lead}
    Inbound Messages            {demo.url}/odoo/inbound-messages
    Odoo's log                  {LOGS / DATABASE}.log""")


def serve(demo):
    """Keep going until Ctrl-C, fetching every few seconds, and tell what comes in."""
    say(f"""
Send a message of your own; it becomes a lead within seconds:
    {demo.command("me@customer.example", ALIAS, "My own message")}
    Any address at customer.example may send; write to somebody else at {DOMAIN} and it is held.
    The salesperson logs in with sales/sales. Mail to any .example address stays in this lab.

Ctrl-C ends the demo and stops everything it started.
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
    """id -> (subject, sender, state) of every inbound message that delivery is through with."""
    rows = demo.gateway.sql(
        "SELECT id, subject, email_from, state FROM mail_inbound_message"
        " WHERE state NOT IN ('received', 'deferred') ORDER BY id")
    return {number: seen for number, *seen in rows}


def tell_new(demo, told):
    """Print a line for each message that is dealt with and not in `told`, and add it there."""
    for number, (subject, sender, state) in dealt_with(demo).items():
        if number not in told:
            say(f"{time.strftime('%H:%M:%S')}  “{subject}” from {sender}: {state}, "
                f"{demo.url}/odoo/inbound-messages/{number}")
            told.add(number)


def wait(what, condition, seconds=60, pause=0.3):
    """Wait until `condition()` is true and return what it returned.

    :raises DemoError: when it is not after *seconds*
    """
    limit = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > limit:
            raise DemoError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return result


if __name__ == "__main__":
    sys.exit(main())
