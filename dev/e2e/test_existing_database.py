"""Installing and updating the addon in a database that used Odoo's own gateway before."""

import os

import pytest

from e2e.gateway import FETCH, Gateway, author, message, until
from lab.odoo import databases, source
from lab.odoo.crons import run_cron
from lab.odoo.runs import install, run

NOBODY, COLLEAGUE = "nobody@elsewhere.example", "mary@mycompany.example"
ATTACHMENT = "\r\n".join(
    (
        "--limit",
        "Content-Type: text/plain",
        "",
        "Please see the plan.",
        "--limit",
        'Content-Disposition: attachment; filename="plan.txt"',
        "Content-Type: text/plain",
        "",
        "The plan.",
        "--limit--",
    )
)
USED = ("imap", "pop", "task")
# what core stores about a server, except when it was last read
CORE_FIELDS = (
    "name",
    "active",
    "state",
    "server",
    "port",
    "server_type",
    "is_ssl",
    "attach",
    "original",
    "user",
    "password",
    "object_id",
    "priority",
    "configuration",
    "script",
)


class OldDatabase(Gateway):
    """A database with Odoo's own gateway in use, and what was in it before the addon was installed."""

    def __init__(self, database, dovecot, untrusted):
        super().__init__(database, cron_threads=0)
        self.dovecot, self.untrusted = dovecot, untrusted
        self.boxes = {
            name: f"old-{name}-{os.getpid()}@mycompany.example" for name in ("imap", "pop", "task", "draft", "archived")
        }
        self.ids = {}

    def configure(self):
        """Create servers of every sort, and change the interval of the scheduled action."""
        [task] = self.call("ir.model", "search", [["model", "=", "project.task"]])
        imap, pop3 = self.dovecot.port("imap"), self.dovecot.port("pop3")
        self._add("imap", self.untrusted.port("imaps"), is_ssl=True, attach=False, original=True)
        self._add("pop", pop3, protocol="pop")
        self._add("task", imap, object_id=task, original=True)
        self._add("draft", imap, confirm=False)
        self._add("archived", imap)
        self.call("fetchmail.server", "write", [self.ids["archived"]], {"active": False})
        self.sql("UPDATE ir_cron SET interval_number = 7 WHERE id = %s", self.cron_id(FETCH))

    def _add(self, name, port, **values):
        self.ids[name] = self.mail_server(self.boxes[name], port, **values)

    def use(self):
        """Let mail come in: some is fetched, some is read by a person first, some arrives after the last fetch."""
        self.untrusted.put(self.boxes["imap"], message("Read by a person, long ago"))
        self.untrusted.mark_seen(self.boxes["imap"])
        self._put_everywhere("Core {}")
        for name in USED:
            self.call("fetchmail.server", "fetch_mail", [self.ids[name]])
        self._put_everywhere("Unread {}")
        for name in ("draft", "archived"):
            self.dovecot.put(self.boxes[name], message("Not to be fetched"))

    def _put_everywhere(self, subject):
        for name in USED:
            host = self.untrusted if name == "imap" else self.dovecot
            to = {"to": NOBODY} if name == "task" else {}
            host.put(
                self.boxes[name],
                message(
                    subject.format(name),
                    body=ATTACHMENT,
                    message_id=None,
                    Content_Type="multipart/mixed; boundary=limit",
                    **to,
                ),
            )

    def left_as(self, **values):
        """Send a colleague's message and return its From in the recipient's mailbox."""
        reader = f"old-reader-{os.getpid()}@customer.example"
        mail = self.call(
            "mail.mail",
            "create",
            {
                "email_from": f"Mary <{COLLEAGUE}>",
                "email_to": reader,
                "subject": "Chairs",
                "body_html": "<p>Ten.</p>",
                **values,
            },
        )
        self.call("mail.mail", "send", [mail])
        [letter] = self.letters(self.dovecot, reader)
        self.dovecot.empty(reader)
        return author(letter)

    # What is in the database

    def cron_id(self, xmlid):
        """Return the id of a scheduled action."""
        module, name = xmlid.split(".")
        return self.sql("SELECT res_id FROM ir_model_data WHERE module = %s AND name = %s", module, name)[0][0]

    def cron(self, xmlid=FETCH):
        """Return what the administrator sees of a scheduled action."""
        return self.sql(
            "SELECT id, active, interval_number, interval_type, priority, user_id, ir_actions_server_id"
            " FROM ir_cron WHERE id = %s",
            self.cron_id(xmlid),
        )

    def core_values(self):
        """Return what core stores about the incoming servers."""
        return self.sql(f"SELECT id, {', '.join(CORE_FIELDS)} FROM fetchmail_server ORDER BY id")

    def verifying(self):
        """Return a dictionary from a server to whether it verifies certificates."""
        return dict(self.sql("SELECT id, verify_certificate FROM fetchmail_server"))

    def names(self, table="crm_lead"):
        """Return the sorted names of all records of a table that the tests created."""
        return sorted(name for (name,) in self.sql(f"SELECT name FROM {table} WHERE create_date > %s", self.since))

    def attachments(self, name, model="crm.lead"):
        """Return the sorted names of the files of a record."""
        return sorted(
            file
            for (file,) in self.sql(
                f"SELECT file.name FROM ir_attachment file JOIN {model.replace('.', '_')} record"
                " ON file.res_id = record.id AND file.res_model = %s WHERE record.name = %s",
                model,
                name,
            )
        )


@pytest.fixture(scope="module")
def old(postgres, dovecot, untrusted_dovecot, postfix):
    """A database in which Odoo's own gateway was in use; Odoo is stopped."""
    name = databases.clone("base", databases.run_name("e2e", "existing"))
    old = OldDatabase(name, dovecot, untrusted_dovecot)
    old.since = old.sql("SELECT now() AT TIME ZONE 'UTC'")[0][0]
    try:
        old.prepare().configure()
        old.use()
        old.outgoing = old.outgoing_server(postfix)
        old.left_before = old.left_as(mail_server_id=old.outgoing)
        old.stop()
        yield old
    finally:
        old.stop()
        databases.drop(name)


@pytest.fixture(scope="module")
def before(old):
    """What was in the database before the addon was installed."""
    return {"values": old.core_values(), "cron": old.cron(), "leads": old.names()}


@pytest.fixture(scope="module")
def installed(old, before):
    """The same database with the addon, before the first fetch."""
    databases.ensure("gateway")  # so that this installation is not the first one of this source
    install(old.database, ["mail_gateway"])
    return {"values": old.core_values(), "cron": old.cron(), "verifying": old.verifying()}


@pytest.fixture(scope="module")
def used(old, installed):
    """The same database with the addon in use: the scheduled action has run, and everything is delivered."""
    old.options = {"cron_threads": 2}
    old.start()
    for _again in range(2):
        run_cron(old.database, FETCH)
    old.settle()
    return old


@pytest.fixture(scope="module")
def updated(used):
    """The same database after the administrator changed some values and the addon was updated."""
    used.call("fetchmail.server", "write", [used.ids["pop"]], {"verify_certificate": True})
    used.stop()
    used.sql("UPDATE ir_cron SET interval_number = 3 WHERE id = %s", used.cron_id("mail_gateway.ir_cron_lane_1"))
    code, output = run(source.command(used.database, "--update", "mail_gateway", "--stop-after-init", "--no-http"))
    assert code == 0, output
    return used


def test_core_was_at_work_before(before):
    assert before["leads"] == ["Core imap", "Core pop"]


def test_names_passwords_states_and_options_stay(before, installed):
    assert installed["values"] == before["values"]


def test_the_scheduled_action_keeps_its_record_and_its_interval(before, installed):
    assert installed["cron"] == before["cron"]
    assert installed["cron"][0][1:4] == (True, 7, "minutes")


def test_existing_servers_still_accept_any_certificate(installed):
    assert set(installed["verifying"].values()) == {False}


def test_new_servers_verify(used, dovecot):
    new = used.mail_server("new@mycompany.example", dovecot.port("imap"), confirm=False)
    assert used.verifying()[new]
    used.call("fetchmail.server", "unlink", [new])


def test_a_colleague_leaves_through_a_server_without_a_filter_under_their_own_address_as_before(used):
    assert used.left_before == ("Mary", COLLEAGUE)
    assert used.left_as(mail_server_id=used.outgoing) == used.left_before
    assert used.left_as() == used.left_before


def test_nothing_old_is_fetched_again_and_nothing_unread_is_missed(used):
    assert used.names() == ["Core imap", "Core pop", "Unread imap", "Unread pop"]
    assert used.count() == 3


def test_create_a_new_record_means_the_same(used):
    assert used.names("project_task") == ["Core task", "Unread task"]


@pytest.mark.parametrize(
    ("name", "model", "files"),
    [
        ("imap", "crm.lead", []),  # without attachments, core does not keep the original either
        ("pop", "crm.lead", ["plan.txt"]),
        ("task", "project.task", ["original_email.eml", "plan.txt"]),
    ],
)
def test_keep_attachments_and_keep_original_mean_the_same(used, name, model, files):
    assert [used.attachments(f"{who} {name}", model) for who in ("Core", "Unread")] == [files, files]


def test_servers_that_are_not_confirmed_or_archived_are_left_alone(used, dovecot):
    for name in ("draft", "archived"):
        assert dovecot.flags(used.boxes[name]) == [set()]


def test_messages_that_a_person_reads_first_are_fetched_from_now_on(used, untrusted_dovecot):
    untrusted_dovecot.put(used.boxes["imap"], message("Read first"))
    untrusted_dovecot.mark_seen(used.boxes["imap"])
    assert used.fetch(used.ids["imap"]) == "New messages: 1"
    until(lambda: "Read first" in used.names())


def test_an_update_keeps_what_the_administrator_changed(updated, before):
    assert updated.cron() == before["cron"]
    assert updated.cron("mail_gateway.ir_cron_lane_1")[0][2] == 3
    verifying = updated.verifying()
    assert [name for name, server in updated.ids.items() if verifying[server]] == ["pop"]
    assert updated.core_values() == before["values"]
