"""A conversation with customers through a real Postfix and a real Dovecot: notifications, replies, relaying."""

import os
import subprocess
import xmlrpc.client
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.utils import parseaddr
from itertools import count

import pytest

from e2e.gateway import QUEUE, Gateway, message, until
from lab.host.paths import PYTHON
from lab.odoo import source

# Each run has a domain of its own: mailboxes outlive the run, and another run may use the same lab.
DOMAIN = f"mycompany-{os.getpid()}.example"
LEADS, CATCHALL, BOUNCE, SALES = (f"{name}@{DOMAIN}" for name in ("leads", "catchall", "bounce", "salesperson"))
MAILGATE = "odoo/addons/mail/static/scripts/odoo-mailgate.py"
EX_NOUSER = 67

_number = count(1)


class Desk:
    """The company's Odoo, and the people who write to it and read what it sends."""

    def __init__(self, gateway, postfix, dovecot):
        self.gateway, self.postfix, self.dovecot = gateway, postfix, dovecot
        self.servers = [gateway.mail_server(box, dovecot.port("imap")) for box in (LEADS, CATCHALL)]
        self.salesperson = self._salesperson()

    def _salesperson(self):
        """Create a user who is notified by e-mail; the password is the login."""
        group = self.gateway.ref("sales_team.group_sale_salesman_all_leads")
        return self.gateway.call(
            "res.users",
            "create",
            {
                "name": "Salesperson",
                "login": "salesperson",
                "password": "salesperson",
                "email": SALES,
                "notification_type": "email",
                "group_ids": [(4, group)],
            },
            context={"no_reset_password": True},
        )

    # What people do

    def contact(self, name):
        """Create a contact with a mailbox of its own; return (id, address)."""
        address = f"{name.lower()}-{next(_number)}@customer-{os.getpid()}.example"
        return self.gateway.call("res.partner", "create", {"name": name, "email": address}), address

    def write(self, raw, sender, to):
        """Send a message by SMTP, fetch it and wait until it is delivered."""
        before = self.gateway.count()
        self.postfix.submit(raw, sender, [to])
        until(lambda: self._fetch() or self.gateway.count() > before)
        self.gateway.settle()

    def comment(self, lead, body):
        """Post a comment as the salesperson; return the id of its message."""
        server = self.gateway.odoo
        models = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/object")
        posted = models.execute_kw(
            server.database,
            self.salesperson,
            "salesperson",
            "crm.lead",
            "message_post",
            [lead],
            {"body": body, "message_type": "comment", "subtype_xmlid": "mail.mt_comment"},
        )
        return posted[0] if isinstance(posted, list) else posted

    def lead_with_followers(self, subject):
        """Create a lead from Purchasing's mail, which Purchasing, Accounting and the salesperson follow.

        :return: (lead, Purchasing, Accounting), the contacts as :meth:`contact` returns them
        """
        purchasing, accounting = self.contact("Purchasing"), self.contact("Accounting")
        self.write(message(subject, LEADS, f"Purchasing <{purchasing[1]}>"), purchasing[1], LEADS)
        lead = self.lead(subject)
        [user] = self.gateway.call("res.users", "read", [self.salesperson], ["partner_id"])
        followers = [purchasing[0], accounting[0], user["partner_id"][0]]
        self.gateway.call("crm.lead", "message_subscribe", [lead], partner_ids=followers)
        return lead, purchasing, accounting

    # What the tests look at

    def lead(self, subject):
        """Return the id of the only lead with this name."""
        [lead] = self.gateway.call("crm.lead", "search", [["name", "=", subject]])
        return lead

    def chatter(self, lead):
        """Return comments and e-mails of a lead, the oldest first."""
        return self.gateway.call(
            "mail.message",
            "search_read",
            [["model", "=", "crm.lead"], ["res_id", "=", lead], ["message_type", "in", ("comment", "email")]],
            ["author_id", "email_from", "body"],
            order="id",
        )

    def mailbox(self, address):
        """Wait until all that Odoo sends has arrived; return the parsed messages of a mailbox, the oldest first."""
        until(self._all_arrived)
        return [message_from_bytes(raw, policy=policy.default) for raw in self.dovecot.read(address)]

    def bodies(self, address):
        """Wait until all that Odoo sends has arrived; return the texts of the messages of a mailbox."""
        return [mail.get_body(("plain", "html")).get_content() for mail in self.mailbox(address)]

    def _all_arrived(self):
        if self.outgoing():
            self.gateway.wake(QUEUE)
            return False
        return not any(waiting["sender"] == BOUNCE for waiting in self.postfix.queue())

    def outgoing(self):
        """Return the number of messages in Odoo's own queue."""
        return self.gateway.sql("SELECT count(*) FROM mail_mail WHERE state = 'outgoing'")[0][0]

    def _fetch(self):
        for server in self.servers:
            self.gateway.fetch(server)

    @contextmanager
    def sleeping_queue(self):
        """Keep Odoo's queue from sending until the block ends."""
        job = (
            "UPDATE ir_cron SET active = %s WHERE id IN (SELECT res_id FROM ir_model_data "
            "WHERE module = 'mail' AND name = 'ir_cron_mail_scheduler_action')"
        )
        self.gateway.sql(job, False)
        try:
            yield
        finally:
            self.gateway.sql(job, True)


@pytest.fixture(scope="module")
def desk(module_database, postfix, dovecot):
    """The desk that the tests of the module share: each has leads and contacts of its own."""
    gateway = Gateway(module_database)
    try:
        yield Desk(gateway.prepare(DOMAIN), postfix, dovecot)
    finally:
        gateway.stop()


def reply(mail, sender, body):
    """Return the source of a reply to a parsed message, as a mail program writes it, and the address that it goes to."""
    address = parseaddr(mail["Reply-To"])[1]
    references = " ".join(filter(None, (mail["References"], mail["Message-Id"])))
    raw = message(
        f"Re: {mail['Subject']}", address, sender, body=body, In_Reply_To=mail["Message-Id"], References=references
    )
    return raw, address


def mailgate(server, raw):
    """Hand a message to Odoo's own script, as an MTA's alias does; return the exit code."""
    common = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common")
    uid = common.authenticate(server.database, "admin", "admin", {})
    command = [
        PYTHON,
        source.directory() / MAILGATE,
        "--database",
        server.database,
        "--userid",
        str(uid),
        "--password",
        "admin",
        "--host",
        "127.0.0.1",
        "--port",
        str(server.port),
    ]
    return subprocess.run(command, input=raw, timeout=60, check=False).returncode


def test_a_customers_mail_becomes_a_lead_under_their_name(desk):
    partner, address = desk.contact("Purchasing")
    desk.write(message("Ten chairs", LEADS, f"Purchasing <{address}>"), address, LEADS)
    [mail] = desk.chatter(desk.lead("Ten chairs"))
    assert mail["author_id"][0] == partner
    assert "Please call me." in mail["body"]


def test_followers_get_a_comment_by_mail_and_its_author_does_not(desk):
    lead, purchasing, accounting = desk.lead_with_followers("Twenty chairs")
    desk.comment(lead, "Which colour?")
    for _partner, address in (purchasing, accounting):
        [body] = desk.bodies(address)
        assert "Which colour?" in body
    assert not any("Which colour?" in body for body in desk.bodies(SALES))


def test_a_notification_says_who_wrote_and_where_replies_and_bounces_go(desk):
    lead, purchasing, _accounting = desk.lead_with_followers("Thirty chairs")
    comment = desk.comment(lead, "Which size?")
    [mail] = desk.mailbox(purchasing[1])
    [posted] = desk.gateway.call("mail.message", "read", [comment], ["message_id"])
    # odoo-bin's settings have no filter, so the alias domain counts
    assert parseaddr(mail["From"]) == ("Salesperson", SALES)
    assert parseaddr(mail["Reply-To"])[1] == CATCHALL
    assert mail["Return-Path"] == f"<{BOUNCE}>"
    assert mail["Message-Id"] == posted["message_id"]


def test_replies_to_a_record_whose_team_has_an_alias_go_there(desk):
    lead, purchasing, _accounting = desk.lead_with_followers("Forty chairs")
    team = desk.gateway.call("crm.team", "create", {"name": "Chairs", "alias_name": "chairs"})
    desk.gateway.call("crm.lead", "write", [lead], {"team_id": team})
    desk.comment(lead, "Which height?")
    [mail] = desk.mailbox(purchasing[1])
    assert parseaddr(mail["Reply-To"])[1] == f"chairs@{DOMAIN}"


def test_a_reply_lands_in_the_same_chatter_under_the_contacts_name(desk):
    lead, purchasing, _accounting = desk.lead_with_followers("Fifty chairs")
    desk.comment(lead, "Which colour?")
    [question] = desk.mailbox(purchasing[1])
    raw, address = reply(question, f"Somebody <{purchasing[1]}>", "Blue.")
    desk.write(raw, purchasing[1], address)
    answer = desk.chatter(lead)[-1]
    assert "Blue." in answer["body"]
    assert answer["author_id"][0] == purchasing[0]


def test_a_reply_is_relayed_to_the_other_followers_and_not_back_to_its_author(desk):
    lead, purchasing, accounting = desk.lead_with_followers("Sixty chairs")
    desk.comment(lead, "Which colour?")
    [question] = desk.mailbox(purchasing[1])
    raw, address = reply(question, purchasing[1], "Sixty blue ones.")
    desk.write(raw, purchasing[1], address)
    assert ["Sixty blue ones." in body for body in desk.bodies(accounting[1])] == [False, True]
    assert "Sixty blue ones." in desk.bodies(SALES)[-1]
    assert len(desk.bodies(purchasing[1])) == 1


def test_a_follower_answers_a_relayed_reply(desk):
    lead, purchasing, accounting = desk.lead_with_followers("Seventy chairs")
    desk.comment(lead, "Who pays?")
    raw, address = reply(desk.mailbox(purchasing[1])[-1], purchasing[1], "Ask Accounting.")
    desk.write(raw, purchasing[1], address)
    relayed = desk.mailbox(accounting[1])[-1]
    raw, address = reply(relayed, accounting[1], "We do.")
    desk.write(raw, accounting[1], address)
    answer = desk.chatter(lead)[-1]
    assert ("We do." in answer["body"], answer["author_id"][0]) == (True, accounting[0])
    assert "We do." in desk.bodies(purchasing[1])[-1]


def test_a_reply_from_an_unknown_address_shows_name_and_address_of_its_from(desk):
    lead, purchasing, _accounting = desk.lead_with_followers("Eighty chairs")
    desk.comment(lead, "Which colour?")
    [question] = desk.mailbox(purchasing[1])
    stranger = f"stranger@elsewhere-{os.getpid()}.example"
    raw, address = reply(question, f"Head of Purchasing <{stranger}>", "I answer for them: green.")
    desk.write(raw, stranger, address)
    answer = desk.chatter(lead)[-1]
    assert "green" in answer["body"]
    assert not answer["author_id"]
    assert parseaddr(answer["email_from"]) == ("Head of Purchasing", stranger)


def test_mail_that_a_delivery_causes_is_left_to_the_queue(desk):
    lead, purchasing, accounting = desk.lead_with_followers("Ninety chairs")
    desk.comment(lead, "Which colour?")
    [question] = desk.mailbox(purchasing[1])
    raw, address = reply(question, purchasing[1], "Ninety red ones.")
    with desk.sleeping_queue():
        desk.write(raw, purchasing[1], address)
        assert "Ninety red ones." in desk.chatter(lead)[-1]["body"]
        assert desk.outgoing() == 2  # to Accounting and to the salesperson
        assert len(desk.dovecot.read(accounting[1])) == 1
    assert "Ninety red ones." in desk.bodies(accounting[1])[-1]


def test_mailgate_delivers_a_message_and_leaves_a_row(desk):
    raw = message("By mailgate", LEADS)
    assert mailgate(desk.gateway.odoo, raw) == 0
    [row] = desk.gateway.call(
        "mail.inbound.message", "search_read", [["subject", "=", "By mailgate"]], ["transport", "state", "res_id"]
    )
    assert (row["transport"], row["state"], row["res_id"]) == ("call", "delivered", desk.lead("By mailgate"))


def test_mailgate_says_that_there_is_no_such_user_and_a_row_says_why(desk):
    raw = message("To nobody by mailgate", f"nobody@{DOMAIN}")
    assert mailgate(desk.gateway.odoo, raw) == EX_NOUSER
    [(state, transport, source, reason)] = desk.gateway.sql(
        "SELECT state, transport, source, reason FROM mail_inbound_message WHERE subject = 'To nobody by mailgate'"
    )
    assert (state, transport) == ("rejected", "call")
    assert f"nobody@{DOMAIN}" in reason
    assert source is None  # the mail server that called keeps the message, and tells its sender
