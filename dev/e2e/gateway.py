"""A database with the addon, its Odoo servers, and what the tests do with them."""

import time
import xmlrpc.client
from contextlib import contextmanager
from email import message_from_bytes, policy
from itertools import count

from lab.odoo.crons import run_cron_now, wake_cron
from lab.odoo.server import OdooError, OdooServer
from lab.servers.dovecot import PASSWORD
from lab.servers.postgres import Postgres

FETCH = "mail.ir_cron_mail_gateway_action"
QUEUE = "mail.ir_cron_mail_scheduler_action"
PENDING = ("received", "deferred")
LEADS = "leads"
DOMAIN = "mycompany.example"

_number = count(1)


class Gateway:
    """One database and the Odoo servers on it.

    :param database: its name
    :param options: options of every server, as for :class:`lab.odoo.server.OdooServer`
    """

    def __init__(self, database, **options):
        self.database = database
        self.options = options
        self.servers = []

    # Servers

    def start(self, **options):
        """Start one more Odoo server on the database."""
        server = OdooServer(self.database, **{**self.options, **options})
        self.servers.append(server)
        return server.start()

    @property
    def odoo(self):
        """The first server, started if necessary."""
        return self.servers[0] if self.servers else self.start()

    def stop(self):
        """End all servers."""
        for server in self.servers:
            server.stop()
        self.servers = []

    def call(self, model, method, *args, **kwargs):
        """Call a method as the administrator."""
        return self.odoo.call(model, method, *args, **kwargs)

    # Configuration

    def prepare(self, domain=DOMAIN):
        """Give the company an alias domain and the alias leads@, which creates CRM leads.

        The scheduled fetch is put off by a day, so that mail is fetched only when a test asks for it: otherwise the test
        could find its server in use.
        """
        self.sql(
            "UPDATE ir_cron SET nextcall = nextcall + interval '1 day' WHERE id IN"
            " (SELECT res_id FROM ir_model_data WHERE module = 'mail' AND name = %s)",
            FETCH.partition(".")[2],
        )
        [company] = self.call("res.company", "search", [], limit=1)
        found = self.call("mail.alias.domain", "search", [["name", "=", domain]])
        domain_id = found[0] if found else self.call("mail.alias.domain", "create", {"name": domain})
        self.call("res.company", "write", [company], {"alias_domain_id": domain_id})
        self.alias(LEADS, "crm.lead")
        return self

    def alias(self, name, model):
        """Create an alias that anyone may write to."""
        [model_id] = self.call("ir.model", "search", [["model", "=", model]])
        values = {"alias_name": name, "alias_model_id": model_id, "alias_contact": "everyone", "alias_defaults": "{}"}
        return self.call("mail.alias", "create", values)

    def mail_server(self, mailbox, port, protocol="imap", confirm=True, **values):
        """Create an incoming server for a Dovecot mailbox and confirm it."""
        server = self.call(
            "fetchmail.server",
            "create",
            {
                "name": mailbox,
                "server_type": protocol,
                "server": "127.0.0.1",
                "port": port,
                "user": mailbox,
                "password": PASSWORD,
                **values,
            },
        )
        if confirm:
            self.call("fetchmail.server", "button_confirm_login", [server])
        return server

    def outgoing_server(self, postfix, **values):
        """Create an outgoing server for one of the lab's Postfixes; return its id."""
        return self.call(
            "ir.mail_server",
            "create",
            {
                "name": postfix.name,
                "smtp_host": "127.0.0.1",
                "smtp_port": postfix.port,
                "smtp_encryption": "none",
                "smtp_authentication": "login",
                **values,
            },
        )

    def set_parameter(self, key, value):
        """Set a system parameter; a value of False removes it."""
        self.call("ir.config_parameter", "set_param", key, value)

    def ref(self, xmlid):
        """Return the id of the record with an external identifier, "module.name"."""
        module, name = xmlid.split(".")
        [found] = self.call("ir.model.data", "search_read", [["module", "=", module], ["name", "=", name]], ["res_id"])
        return found["res_id"]

    def user(self, name, email, **values):
        """Create a user who is notified by e-mail and may see all leads; login and password are the address.

        :return: (id of the user, id of their contact)
        """
        group = self.ref("sales_team.group_sale_salesman_all_leads")
        user = self.call(
            "res.users",
            "create",
            {
                "name": name,
                "login": email,
                "password": email,
                "email": email,
                "notification_type": "email",
                "group_ids": [(4, group)],
                **values,
            },
            context={"no_reset_password": True},
        )
        [found] = self.call("res.users", "read", [user], ["partner_id"])
        return user, found["partner_id"][0]

    # Work

    def comment(self, author, model, record, body, partners=()):
        """Post a comment.

        :param author: (id, login) of a user whose password is the login
        :param partners: ids of contacts that are notified besides the followers
        :return: the id of its message
        """
        user, login = author
        models = xmlrpc.client.ServerProxy(f"{self.odoo.url}/xmlrpc/2/object")
        posted = models.execute_kw(
            self.database,
            user,
            login,
            model,
            "message_post",
            [record],
            {
                "body": body,
                "message_type": "comment",
                "subtype_xmlid": "mail.mt_comment",
                "partner_ids": list(partners),
            },
        )
        return posted[0] if isinstance(posted, list) else posted

    def letters(self, dovecot, mailbox, number=1, seconds=120):
        """Wait until a mailbox has *number* messages; return all of them, parsed, the oldest first. Wakes Odoo's queue.

        :raises AssertionError: when there are fewer after *seconds*, with the reasons of mail that Odoo could not send
        """

        def read():
            found = dovecot.read(mailbox)
            if len(found) < number and self.sql("SELECT 1 FROM mail_mail WHERE state = 'outgoing'"):
                self.wake(QUEUE)
            return len(found) >= number and found

        try:
            return [message_from_bytes(raw, policy=policy.default) for raw in until(read, seconds)]
        except AssertionError as error:
            failures = self.sql("SELECT DISTINCT failure_reason FROM mail_mail WHERE state = 'exception'")
            raise AssertionError(f"{mailbox} has no {number} messages; failed: {failures}") from error

    def fetch(self, server):
        """Press "Fetch Now"; return the text of its notification."""
        return self.call("fetchmail.server", "fetch_mail", [server])["params"]["message"]

    def wake(self, xmlid=FETCH):
        """Make a scheduled action due, and wake the cron threads, which run it and all others that are due."""
        run_cron_now(self.database, xmlid)

    def settle(self, seconds=180, fetch=False):
        """Wait until no message is pending; deferred ones are tried again at once.

        :param fetch: keep fetching meanwhile
        """
        limit = time.monotonic() + seconds
        while pending := self.count(["state", "in", PENDING]):
            if time.monotonic() > limit:
                raise AssertionError(f"{pending} messages are still pending after {seconds} s: {self.states()}")
            self.hurry(fetch)
            time.sleep(0.5)

    def hurry(self, fetch=False):
        """Make deferred messages due now, and wake the lanes."""
        self.sql(
            "UPDATE mail_inbound_message SET next_try = now() AT TIME ZONE 'UTC' "
            "WHERE state IN ('received', 'deferred') AND next_try < (now() AT TIME ZONE 'UTC') + interval '1 hour' "
            "AND next_try > (now() AT TIME ZONE 'UTC') + interval '8 seconds'"
        )
        for lane in ("mail_gateway.ir_cron_lane_1", "mail_gateway.ir_cron_lane_2", *([FETCH] if fetch else [])):
            self.wake(lane)

    # What is in the database, read without Odoo, which may be down

    def count(self, *conditions):
        """Return the number of inbound messages that meet conditions (column, operator, value)."""
        where = " AND ".join(f"{column} {operator} %s" for column, operator, _value in conditions) or "true"
        values = [value for _column, _operator, value in conditions]
        return self.sql(f"SELECT count(*) FROM mail_inbound_message WHERE {where}", *values)[0][0]

    def states(self):
        """Return a dictionary from a state to the number of inbound messages."""
        return dict(self.sql("SELECT state, count(*) FROM mail_inbound_message GROUP BY state"))

    def leads(self, server=None):
        """Return the sorted names of the CRM leads that messages created; of one incoming server or of all."""
        rows = self.sql(
            "SELECT lead.name FROM crm_lead lead JOIN mail_inbound_message message"
            " ON message.res_model = 'crm.lead' AND message.res_id = lead.id AND message.state = 'delivered'"
            " WHERE %s IS NULL OR message.server_id = %s",
            server,
            server,
        )
        return sorted(name for (name,) in rows)

    def sql(self, statement, *values):
        """Run one statement and commit; return its rows, if it has any."""
        with self.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else None

    @contextmanager
    def cursor(self):
        """Yield a cursor, and commit at the end."""
        connection = Postgres().connect(self.database)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def message(subject, to=f"{LEADS}@{DOMAIN}", sender=None, message_id=True, body="Please call me.", **headers):
    """Return a small message; without `sender` each has a sender of its own, so that no limit per sender applies.

    :param message_id: True for a fresh one, None for no header, else its value
    :param headers: further headers, with _ for -
    """
    number = next(_number)
    if message_id is True:
        message_id = f"<{number}.{time.time_ns()}@customer.example>"
    lines = {
        "From": sender or f"Customer {number} <customer{number}@customer.example>",
        "To": to,
        "Subject": subject,
        "Date": "Mon, 02 Nov 2026 10:00:00 +0000",
        "Message-Id": message_id,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "\r\n".join(f"{name}: {value}" for name, value in lines.items() if value is not None)
    return f"{head}\r\n\r\n{body}\r\n".encode()


def author(mail):
    """Return display name and address of the From header of a parsed message."""
    [address] = mail["From"].addresses
    return address.display_name, address.addr_spec


def reply_to(mail):
    """Return the address of the Reply-To header of a parsed message."""
    [address] = mail["Reply-To"].addresses
    return address.addr_spec


def until(condition, seconds=180, every=0.2):
    """Wait until `condition()` is true and return what it returned.

    An error counts as not yet true: a server that is being killed or started answers with errors.
    """
    limit = time.monotonic() + seconds
    while True:
        try:
            if result := condition():
                return result
        except (OSError, OdooError):
            pass
        if time.monotonic() > limit:
            raise AssertionError(f"not true after {seconds} s")
        time.sleep(every)


__all__ = ["DOMAIN", "FETCH", "LEADS", "QUEUE", "Gateway", "author", "message", "reply_to", "until", "wake_cron"]
