"""The chapters of the demo, in their order, and their helpers."""

import shlex
import subprocess
import time
import xmlrpc.client
from email import message_from_bytes, policy
from email.utils import formatdate, parseaddr

from e2e.gateway import FETCH, QUEUE, message

DATABASE = "demo"
# Not mycompany.example, whose mailboxes the tests use: the demo collects all mail of its domain in one mailbox.
DOMAIN = "demo.example"
ALIAS, SALES, MAILBOX = (f"{name}@{DOMAIN}" for name in ("leads", "sales", "odoo"))
CUSTOMER, BUSY = "purchasing@customer.example", "busy@customer.example"
CRASH_MESSAGES = 40
# The default of mail.incoming.limit.alias.
LIMIT = 5
BUSY_MESSAGES = 7
# The command by which a person sends a message: one line that needs only Python.
COMMAND = (
    """python3 -c "import smtplib; smtplib.SMTP('127.0.0.1', {port}).sendmail('{sender}', '{to}', """
    r"""'From: {sender}\nTo: {to}\nSubject: {subject}\n\nHello, this is a test.')"""
    '"'
)


class DemoError(Exception):
    """Something did not happen as it should; the message is one sentence."""


class Demo:
    """The servers of the demo and what happens on them."""

    def __init__(self, postfix, dovecot, gateway):
        self.postfix, self.dovecot, self.gateway = postfix, dovecot, gateway
        self.url = gateway.odoo.url
        self.salesperson = self.customer = self.lead = self.answer = None

    def send(self, subject, body, to=ALIAS, sender=f"Purchasing <{CUSTOMER}>", **headers):
        """Submit a message to Postfix.

        :raises smtplib.SMTPException: when Postfix refuses it
        """
        raw = message(subject, to, sender, body=body, Date=formatdate(), **headers)
        self.postfix.submit(raw, parseaddr(sender)[1], [parseaddr(to)[1]])

    def outcome(self, subject):
        """Fetch mail until the message with this subject is neither received nor deferred.

        :return: its row: id, state, reason, res_model, res_id
        """

        def dealt_with():
            self.gateway.wake(FETCH)
            return self.gateway.sql(
                "SELECT id, state, reason, res_model, res_id FROM mail_inbound_message"
                " WHERE subject = %s AND state NOT IN ('received', 'deferred')",
                subject,
            )

        return wait(f"“{subject}” is delivered or held", dealt_with)[0]

    def read(self, mailbox, about):
        """Wait until a mailbox has a message whose subject contains `about`; return the newest of these."""

        def arrived():
            self.gateway.wake(QUEUE)
            return [mail for mail in self.mails(mailbox) if about in mail["Subject"]]

        return wait(f"{mailbox} has a message about “{about}”", arrived)[-1]

    def mails(self, mailbox):
        """Return all messages of a mailbox, parsed, the oldest first."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.dovecot.read(mailbox)]

    def as_salesperson(self, model, method, *args, **kwargs):
        """Call a method as the salesperson."""
        models = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object")
        return models.execute_kw(self.gateway.database, self.salesperson, "sales", model, method, args, kwargs)

    def command(self, sender, to, subject):
        """Return the command by which a person sends a message."""
        return COMMAND.format(port=self.postfix.port, sender=sender, to=to, subject=subject)


def wait(what, condition, seconds=60, pause=0.3):
    """Wait until `condition()` is true and return what it returned.

    :raises DemoError: when it is still false after *seconds*
    """
    limit = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > limit:
            raise DemoError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return result


def configure(demo, story):
    """An administrator configures Odoo, once."""
    gateway = demo.gateway
    lead_mail(demo)
    gateway.prepare(DOMAIN)
    gateway.call("ir.config_parameter", "set_param", "web.base.url", demo.url)
    gateway.call("ir.config_parameter", "set_param", "web.base.url.freeze", "True")
    story.saw(f"alias domain {DOMAIN}; mail to {ALIAS} makes a lead")
    for mailbox in (SALES, MAILBOX, CUSTOMER, BUSY):
        demo.dovecot.empty(mailbox)
    incoming(demo, story)
    outgoing(demo, story)
    people(demo)
    story.saw(f"a salesperson ({SALES}) and a contact, Purchasing ({CUSTOMER})")


def lead_mail(demo):
    """Make Dovecot collect mail to all addresses of the domain in one mailbox, until Dovecot stops."""
    demo.dovecot.collect({SALES: SALES, f"@{DOMAIN}": MAILBOX})


def incoming(demo, story):
    """Create and confirm the incoming server, and have Odoo fetch from it every minute."""
    call = demo.gateway.call
    server = demo.gateway.mail_server(MAILBOX, demo.dovecot.port("imaps"), is_ssl=True)
    [seen] = call("fetchmail.server", "read", [server], ["state", "is_ssl", "verify_certificate", "port"])
    if (seen["state"], seen["is_ssl"], seen["verify_certificate"]) != ("done", True, True):
        raise DemoError(f"the incoming server is not confirmed with a verified certificate: {seen}")
    story.saw(f"incoming server: IMAP with TLS on port {seen['port']}, certificate verified, confirmed")
    [cron] = call(
        "ir.model.data", "search_read", [["module", "=", "mail"], ["name", "=", FETCH.split(".")[1]]], ["res_id"]
    )
    call("ir.cron", "write", [cron["res_id"]], {"interval_number": 1, "interval_type": "minutes"})
    story.saw("“Mail: Fetchmail Service” set to every minute, from five, for whoever tries this out")


def outgoing(demo, story):
    """Create and test the outgoing server."""
    server = demo.gateway.call(
        "ir.mail_server",
        "create",
        {
            "name": "Postfix",
            "smtp_host": "localhost",
            "smtp_port": demo.postfix.port,
            "smtp_encryption": "starttls_strict",
            "from_filter": DOMAIN,
        },
    )
    answer = demo.gateway.call("ir.mail_server", "test_smtp_connection", [server])
    story.saw(f"outgoing server: Postfix with STARTTLS, certificate verified; it says: {answer['params']['message']}")


def people(demo):
    """Create the salesperson, who may log in with sales/sales, and the customer's contact.

    The administrator gets alerts about held messages in Odoo, and finds the mail servers in General Settings.
    """
    call = demo.gateway.call
    [admin] = call("res.users", "search", [["login", "=", "admin"]])
    call("res.users", "write", [admin], {"notification_type": "inbox"})
    call("ir.config_parameter", "set_param", "base_setup.default_external_email_server", "True")
    [group] = call(
        "ir.model.data",
        "search_read",
        [["module", "=", "sales_team"], ["name", "=", "group_sale_salesman_all_leads"]],
        ["res_id"],
    )
    demo.salesperson = call(
        "res.users",
        "create",
        {
            "name": "Salesperson",
            "login": "sales",
            "password": "sales",
            "email": SALES,
            "notification_type": "email",
            "group_ids": [(4, group["res_id"])],
        },
        context={"no_reset_password": True},
    )
    demo.customer = call("res.partner", "create", {"name": "Purchasing", "email": CUSTOMER})


def becomes_a_lead(demo, story):
    """A customer's message goes through Postfix and Dovecot into Odoo."""
    subject, sent = "Forty chairs", time.monotonic()
    demo.send(subject, "We need forty chairs. What do they cost?")
    story.saw(f"{CUSTOMER} wrote to {ALIAS}: Postfix took “{subject}”")
    number, state, reason, model, demo.lead = demo.outcome(subject)
    if (state, model) != ("delivered", "crm.lead"):
        raise DemoError(f"the message did not become a lead, it is {state}: {reason}")
    [lead] = demo.gateway.call("crm.lead", "read", [demo.lead], ["name", "partner_id"])
    story.saw(f"Odoo fetched it, stored it as inbound message {number} and delivered it")
    story.saw(
        f"lead {demo.lead}: “{lead['name']}”, of {lead['partner_id'][1]}; "
        f"{time.monotonic() - sent:.1f} s after it was sent"
    )


def is_answered(demo, story):
    """An answer goes from the chatter through Postfix into the customer's mailbox."""
    demo.as_salesperson(
        "crm.lead",
        "message_post",
        [demo.lead],
        body="Eighty each. Which colour?",
        message_type="comment",
        subtype_xmlid="mail.mt_comment",
        partner_ids=[demo.customer],
    )
    story.saw("the salesperson answered in the lead's chatter")
    demo.answer = demo.read(CUSTOMER, "Forty chairs")
    story.saw(f"in the mailbox of {CUSTOMER}:")
    for name in ("From", "To", "Subject", "Reply-To", "Return-Path", "Message-Id"):
        story.quote(f"{name}: {demo.answer[name]}")
    story.saw("why it left like that, as the chatter's “Sending Details” say:")
    story.quote(sending_details(demo))


def sending_details(demo):
    """Wait until Odoo has recorded how the answer was sent, and return that in words."""

    def written():
        return demo.gateway.call(
            "mail.outgoing.selection",
            "search_read",
            [["res_model", "=", "crm.lead"], ["res_id", "=", demo.lead]],
            ["server_name", "step", "from_after"],
            limit=1,
        )

    [details] = wait("the sending details are written down", written)
    steps = demo.gateway.call("mail.outgoing.selection", "fields_get", ["step"])["step"]["selection"]
    return f"through “{details['server_name']}” ({dict(steps)[details['step']]}), From {details['from_after']}"


def replies(demo, story):
    """The customer's mail program replies to the answer."""
    mail, subject = demo.answer, f"Re: {demo.answer['Subject']}"
    demo.send(
        subject,
        "Blue, please.",
        to=str(mail["Reply-To"]),
        In_Reply_To=mail["Message-Id"],
        References=mail["Message-Id"],
    )
    story.saw(f"{CUSTOMER} replied to {parseaddr(mail['Reply-To'])[1]}")
    _number, state, reason, model, lead = demo.outcome(subject)
    if (state, model, lead) != ("delivered", "crm.lead", demo.lead):
        raise DemoError(f"the reply did not reach lead {demo.lead}, it is {state}: {reason}")
    story.saw(f"the chatter of lead {lead}:")
    for entry in chatter(demo):
        story.quote(entry)
    relayed = demo.read(SALES, "Forty chairs")
    story.saw(f"{SALES} was told by mail: “{relayed['Subject']}” from {relayed['From']}")


def chatter(demo):
    """Return the e-mails and comments of the lead, a line each, the oldest first."""
    found = demo.gateway.call(
        "mail.message",
        "search_read",
        [["model", "=", "crm.lead"], ["res_id", "=", demo.lead], ["message_type", "in", ["email", "comment"]]],
        ["author_id", "message_type", "preview"],
        order="id",
    )
    return [f"{entry['author_id'][1]} ({entry['message_type']}): {entry['preview']}" for entry in found]


def is_on_vacation(demo, story):
    """The customer's vacation responder answers what the salesperson writes."""
    mail, subject = demo.answer, f"Automatic reply: {demo.answer['Subject']}"
    demo.send(
        subject,
        "I am out of office until Monday.",
        to=str(mail["Reply-To"]),
        In_Reply_To=mail["Message-Id"],
        Auto_Submitted="auto-replied",
    )
    story.saw(f"{CUSTOMER}'s vacation responder replied to {parseaddr(mail['Reply-To'])[1]}")
    number, state, reason, _model, lead = demo.outcome(subject)
    if (state, lead) != ("delivered", demo.lead):
        raise DemoError(f"the vacation notice did not reach lead {demo.lead}, it is {state}: {reason}")
    [inbound] = demo.gateway.call("mail.inbound.message", "read", [number], ["rule_id"])
    story.saw(f"the rule “{inbound['rule_id'][1]}” made it a note on lead {lead}. It says:")
    story.quote(reason)
    if any("until Monday" in mail.as_string() for mail in demo.mails(SALES)):
        raise DemoError(f"{SALES} was told of a vacation notice")


def is_over_the_limit(demo, story):
    """One sender creates as many leads as the limit allows; a postmaster releases the other messages."""
    call, busy = demo.gateway.call, BUSY
    for number in range(BUSY_MESSAGES):
        demo.send(f"Busy {number + 1}", "Once more.", sender=f"Busy <{busy}>")
    outcomes = [demo.outcome(f"Busy {number + 1}") for number in range(BUSY_MESSAGES)]
    held = [number for number, state, *_rest in outcomes if state == "held"]
    story.saw(
        f"{busy} wrote {BUSY_MESSAGES} messages: {BUSY_MESSAGES - len(held)} leads, {len(held)} messages held. Why:"
    )
    story.quote(next(reason for _number, state, reason, *_rest in outcomes if state == "held"))
    if len(held) != BUSY_MESSAGES - LIMIT:
        raise DemoError(f"{len(held)} of {BUSY_MESSAGES} messages are held, not {BUSY_MESSAGES - LIMIT}")
    story.saw(f"the sender was told: “{demo.read(busy, 'Your message is waiting')['Subject']}”")
    call("mail.inbound.message", "action_allow_sender", held[:1])
    wait(
        "the released messages are leads",
        lambda: demo.gateway.count(("subject", "LIKE", "Busy %"), ("state", "=", "delivered")) == BUSY_MESSAGES,
    )
    story.saw("the postmaster pressed “Allow This Sender”: all of them are leads now")


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
    """A message that Odoo cannot route, sent by the command that the demo prints at its end."""
    nobody, subject = f"nobody@{DOMAIN}", "Is anybody there?"
    done = subprocess.run(
        shlex.split(demo.command(CUSTOMER, nobody, subject)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoError(f"the command to send a message failed: {done.stderr.strip()}")
    story.saw(f"{CUSTOMER} wrote to {nobody}")
    number, state, reason, _model, _record = demo.outcome(subject)
    if state != "held":
        raise DemoError(f"the message to {nobody} was not held, it is {state}: {reason}")
    story.saw(f"inbound message {number} is held; a postmaster decides. The reason given:")
    story.quote(reason)


def crashes(demo, story):
    """Odoo is killed (SIGKILL) in the middle of delivery."""
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
    """Return (number of leads, number of different names) that the messages of the crash created."""
    return gateway.sql("SELECT count(*), count(DISTINCT name) FROM crm_lead WHERE name LIKE %s", CRASHED[0][2])[0]


def all_delivered(gateway):
    """Tell whether all messages of the crash are delivered."""
    return gateway.count(*CRASHED, ("state", "=", "delivered")) == CRASH_MESSAGES


CHAPTERS = (
    ("Odoo is configured", configure),
    ("A customer's e-mail becomes a lead", becomes_a_lead),
    ("The answer leaves", is_answered),
    ("The customer replies, into the same chatter", replies),
    ("The customer's vacation responder answers", is_on_vacation),
    ("One sender writes too much", is_over_the_limit),
    ("The alias is renamed, and customers go on writing to its old name", is_renamed),
    ("A message to nobody is held with its reason", is_held),
    ("Odoo crashes while it delivers", crashes),
)
