"""A company that acknowledges each request by mail, people who write to it, and a count of the messages."""

import os
import time
from email import message_from_bytes, policy
from itertools import count
from typing import NamedTuple

import pytest

from e2e.gateway import QUEUE, Gateway, message
from lab.servers.relay import Relay

# Each run has domains of its own: mailboxes outlive the run, and another run may use the same lab.
DOMAIN = f"loops-{os.getpid()}.example"
CUSTOMERS = f"loops-customer-{os.getpid()}.example"
REQUESTS, CATCHALL, BOUNCE, NOTIFICATIONS = (
    f"{name}@{DOMAIN}" for name in ("requests", "catchall", "bounce", "notifications")
)

_number = count(1)


class Traffic(NamedTuple):
    """What happened in a period.

    :ivar came: messages that Odoo fetched
    :ivar records: records that Odoo created from them
    :ivar posted: messages in the chatter of records that came by mail, including notes
    :ivar left: messages that Odoo sent; one to two recipients counts twice
    """

    came: int
    records: int
    posted: int
    left: int


class Exchange:
    """The company, whose Odoo creates a task from each request and acknowledges it."""

    def __init__(self, gateway, dovecot, postfix):
        self.gateway, self.dovecot, self.postfix = gateway, dovecot, postfix
        # mail to the Return-Path and to the default From comes in, too
        self._servers = [
            gateway.mail_server(box, dovecot.port("imap")) for box in (REQUESTS, CATCHALL, BOUNCE, NOTIFICATIONS)
        ]
        self._acknowledge_requests()
        self._watched = set()
        self._start = self._totals()

    def _acknowledge_requests(self):
        create = self._create
        project = create("project.project", name="Requests", alias_name="requests", alias_contact="everyone")
        template = create(
            "mail.template",
            name="Acknowledgement",
            model_id=self._model("project.task"),
            subject="Your request: {{ object.name }}",
            partner_to="{{ object.partner_id.id }}",
            body_html="<p>We have got your request.</p>",
        )
        create("project.task.type", name="New", project_ids=[(6, 0, [project])], mail_template_id=template)

    def _create(self, model, **values):
        return self.gateway.call(model, "create", values)

    def _model(self, name):
        [found] = self.gateway.call("ir.model", "search", [["model", "=", name]])
        return found

    # What people do

    def person(self, name):
        """Create a contact whose mailbox is counted; return (id, address)."""
        address = f"{name.lower()}-{next(_number)}@{CUSTOMERS}"
        self._watched.add(address)
        return self._create("res.partner", name=name, email=address), address

    def write(self, sender, to, subject="Ten chairs", **headers):
        """Send a message by SMTP."""
        self.postfix.submit(message(subject, to, sender, **headers), sender, [to])

    def request(self, sender, subject="Ten chairs"):
        """Send a request, wait until no mail is under way, and return the task."""
        self.write(sender, REQUESTS, subject)
        self.wait_until_quiet()
        return self.task(sender)

    def comment(self, task, body, partners=()):
        """Have the administrator post a comment."""
        self.gateway.call(
            "project.task",
            "message_post",
            [task],
            body=body,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=list(partners),
        )

    def follow(self, task, partner):
        """Make a contact a follower, who is notified of what is posted."""
        self.gateway.call("project.task", "message_subscribe", [task], partner_ids=[partner])

    # What the tests look at

    def task(self, sender):
        """Return the id of the first task of a sender."""
        [(task,)] = self.gateway.sql(
            "SELECT min(task.id) FROM project_task task JOIN res_partner partner ON partner.id = task.partner_id"
            " WHERE partner.email = %s",
            sender,
        )
        return task

    def mailbox(self, address):
        """Return the parsed messages of a mailbox, the oldest first."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.dovecot.read(address)]

    def inbound(self, *columns):
        """Return these columns of the messages that came in since the count began, the oldest first."""
        return self.gateway.sql(
            f"SELECT {', '.join(columns)} FROM mail_inbound_message ORDER BY id OFFSET %s", self._start.came
        )

    def begin(self):
        """Count from now on."""
        self._start = self._totals()

    def traffic(self):
        """Return what has happened since the count began."""
        return Traffic(*(now - before for now, before in zip(self._totals(), self._start, strict=True)))

    def _totals(self):
        [row] = self.gateway.sql(
            "SELECT (SELECT count(*) FROM mail_inbound_message), (SELECT count(*) FROM project_task),"
            " (SELECT count(*) FROM mail_message WHERE model = 'project.task' AND message_type = 'email')"
        )
        return Traffic(*row, sum(len(self.dovecot.read(address)) for address in self._watched))

    # Waiting

    def wait_until_quiet(self, *responders, seconds=120):
        """Wait until no mail is under way any more in Odoo, in Postfix or in the responders.

        :raises AssertionError: when mail is still under way after *seconds*
        """
        limit, before = time.monotonic() + seconds, None
        while True:
            self._go_round()
            now = self._totals(), [responder.answered for responder in responders]
            if now == before and not self._moves(responders):
                return
            if time.monotonic() > limit:
                raise AssertionError(f"still no end after {seconds} s: {self.traffic()}, {self.gateway.states()}")
            before = now

    def _go_round(self):
        """Fetch, deliver and send all waiting mail once."""
        for server in self._servers:
            self.gateway.fetch(server)
        self.gateway.settle()
        if self._outgoing():
            self.gateway.wake(QUEUE)
            time.sleep(0.2)

    def _moves(self, responders):
        return self._outgoing() or self._in_postfix() or not all(responder.is_idle() for responder in responders)

    def _outgoing(self):
        return self.gateway.sql("SELECT count(*) FROM mail_mail WHERE state = 'outgoing'")[0][0]

    def _in_postfix(self):
        return [
            entry
            for entry in self.postfix.queue()
            if any(domain in str(entry) for domain in (f"@{DOMAIN}", f"@{CUSTOMERS}"))
        ]


@pytest.fixture(scope="module")
def shared_exchange(module_database, dovecot, postfix):
    """The exchange that the tests of a module share."""
    gateway = Gateway(module_database)
    try:
        yield Exchange(gateway.prepare(DOMAIN), dovecot, postfix)
    finally:
        gateway.stop()


@pytest.fixture
def exchange(shared_exchange):
    """The exchange, with a count that begins with the test."""
    shared_exchange.begin()
    yield shared_exchange
    # pytest shows it when the test fails
    for row in shared_exchange.inbound("state", "email_from", "recipients", "subject", "reason"):
        print(*row, sep=" | ")


@pytest.fixture
def relay(exchange, postfix):
    """A relay through which all of Odoo's mail goes, and which gives each message another Message-Id."""
    with Relay(postfix.port) as relay:
        server = exchange.gateway.call(
            "ir.mail_server",
            "create",
            {
                "name": "Relay",
                "smtp_host": "127.0.0.1",
                "smtp_port": relay.port,
                "smtp_encryption": "none",
                "smtp_authentication": "login",
            },
        )
        yield relay
        exchange.gateway.call("ir.mail_server", "write", [server], {"active": False})
