"""Uninstalling the addon restores Odoo's own mail as it was, and loses nothing."""

import base64
import os
from email.utils import parseaddr

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, FETCH, Gateway, message, until
from lab.odoo import databases
from lab.odoo.runs import install
from lab.servers.postfix import carriers
from lab.testing.browser import Browser

NOBODY = "nobody@elsewhere.example"
CUSTOMER = f"uninstall-{os.getpid()}@customer.example"
FILTER = f"{DOMAIN}, partner.example"
ADDRESSES = {"catchall_alias": "replies", "bounce_alias": "returned", "default_from": "office"}
OUR_FIELDS = {"traffic", "from_filter_problem", "mail_catchall_alias", "incoming_limit_number", "inbound_lanes"}
PROTOCOLS = {"imap": "imap", "pop": "pop3"}
OURS = "SELECT model, array_agg(res_id) FROM ir_model_data WHERE module = 'mail_gateway' GROUP BY model"
CORE = {
    "cron": "SELECT id, active, interval_number, interval_type, priority, user_id FROM ir_cron"
    " WHERE id NOT IN (SELECT res_id FROM ir_model_data WHERE module = 'mail_gateway' AND model = 'ir.cron')",
    "servers": "SELECT id, name, active, state, server, port, server_type, is_ssl, attach, original, user, password,"
    " object_id, priority, date FROM fetchmail_server WHERE name <> 'STARTTLS'",
    "parameters": r"SELECT key, value FROM ir_config_parameter WHERE key NOT LIKE 'mail\_gateway.%%'",
    # without the chatter of scheduled actions, some of which are the addon's
    "chatter": "SELECT id, model, res_id, subject, body, message_id, author_id FROM mail_message"
    " WHERE model NOT IN ('ir.cron', 'ir.actions.server')",
    "leads": "SELECT id, name, active, email_from FROM crm_lead",
    "aliases": "SELECT id, alias_name, alias_domain_id, alias_model_id FROM mail_alias",
    "alias domains": "SELECT id, name, catchall_alias, bounce_alias, default_from FROM mail_alias_domain",
    "outgoing servers": "SELECT id, name, active, sequence, from_filter, smtp_host, smtp_port, smtp_encryption,"
    " smtp_authentication FROM ir_mail_server",
    "outgoing queue": "SELECT mail.id, state, email_to, headers, mail_server_id FROM mail_mail mail"
    " JOIN mail_message message ON message.id = mail_message_id",
}


class UsedGateway(Gateway):
    """A database with the addon in use, without cron threads: the test decides when each step runs."""

    def __init__(self, database, dovecot, postfix):
        super().__init__(database, cron_threads=0)
        self.dovecot, self.postfix = dovecot, postfix
        self.boxes = {protocol: f"uninstall-{protocol}-{os.getpid()}@mycompany.example" for protocol in PROTOCOLS}
        self.ids = {}
        self.kept = {subject: message(subject, to=NOBODY) for subject in ("Held", "Not delivered yet")}

    def use(self):
        """Create messages in every state, four lanes, and a parameter of the addon."""
        for protocol, port in PROTOCOLS.items():
            self.ids[protocol] = self.mail_server(self.boxes[protocol], self.dovecot.port(port), protocol)
            self.put(protocol, message(f"Delivered {protocol}", message_id=None))
            self.fetch(self.ids[protocol])
        self.mail_server(self.boxes["imap"], self.dovecot.port("imap"), name="STARTTLS", is_starttls=True)
        self.put("imap", self.kept["Held"])
        self.fetch(self.ids["imap"])
        self.run("ir_cron_lane_1")
        self.set_parameter("mail_gateway.alert", "activity")
        self.run("ir_cron_alert")
        self.told = self.sql("SELECT count(*) FROM mail_activity WHERE automated AND res_model IS NULL")
        self.put("imap", self.kept["Not delivered yet"])
        self.fetch(self.ids["imap"])
        settings = self.call("res.config.settings", "create", {"inbound_lanes": 4})
        self.call("res.config.settings", "execute", [settings])
        self.set_parameter("mail_gateway.source_retention_days", "10")

    def use_outgoing(self):
        """Create servers for kinds of mail, own addresses, former addresses, mail that was sent and mail that waits."""
        for sequence, traffic in enumerate(("mass", "transactional"), 3):
            self.outgoing_server(self.postfix, name=traffic, traffic=traffic, sequence=sequence, from_filter=FILTER)
        domains = self.call("mail.alias.domain", "search", [["name", "=", DOMAIN]])
        self.call("mail.alias.domain", "write", domains, ADDRESSES)
        for key, value in {"mail.default.from_filter": FILTER, "mail.incoming.limit.alias": "12"}.items():
            self.set_parameter(key, value)
        self.ids["partner"] = self.call("res.partner", "create", {"name": "Customer", "email": CUSTOMER})
        self.comment((2, "admin"), "res.partner", self.ids["partner"], "Sent with it.", [self.ids["partner"]])
        self.ids["mail"] = self.call(
            "mail.mail",
            "create",
            {
                "email_from": "Clerk <clerk@elsewhere.example>",
                "email_to": CUSTOMER,
                "subject": "Sent without it",
                "body_html": "<p>Chairs.</p>",
                "headers": "{'Precedence': 'bulk'}",
            },
        )

    def put(self, protocol, raw):
        """Let a message arrive."""
        self.dovecot.put(self.boxes[protocol], raw)

    def run(self, cron):
        """Run one of the addon's scheduled actions to its end."""
        [(job,)] = self.sql("SELECT res_id FROM ir_model_data WHERE name = %s", cron)
        self.call("ir.cron", "method_direct_trigger", [job])

    def core(self):
        """Return all data of core that have to stay as they are."""
        return {what: sorted(self.sql(statement), key=repr) for what, statement in CORE.items()}

    def all_leads(self):
        """Return the sorted names of all leads that the tests created."""
        return sorted(name for (name,) in self.sql("SELECT name FROM crm_lead WHERE create_date > %s", self.since))

    def push(self, button):
        """Press a button on the form of the addon."""
        module = self.call("ir.module.module", "search", [["name", "=", "mail_gateway"]])
        self.call("ir.module.module", button, module)


@pytest.fixture(scope="module")
def used(postgres, dovecot, postfix):
    """A database with the addon in use."""
    name = databases.clone("gateway", databases.run_name("e2e", "uninstall"))
    used = UsedGateway(name, dovecot, postfix)
    used.since = used.sql("SELECT now() AT TIME ZONE 'UTC'")[0][0]
    try:
        used.prepare().use()
        used.use_outgoing()
        yield used
    finally:
        used.stop()
        databases.drop(name)


@pytest.fixture(scope="module")
def before(used):
    """What was in the database before the addon was uninstalled."""
    assert used.states() == {"delivered": 2, "held": 1, "received": 1}
    assert used.sql("SELECT server_name FROM mail_outgoing_selection") == [("transactional",)]
    assert used.sql("SELECT count(*) FROM mail_former_address WHERE address LIKE 'catchall@%%'") == [(1,)]
    return {"core": used.core(), "ours": dict(used.sql(OURS))}


@pytest.fixture(scope="module")
def uninstalled(used, before):
    """The same database without the addon."""
    used.push("button_immediate_uninstall")
    return used


@pytest.fixture(scope="module")
def core_at_work(uninstalled):
    """The same database with Odoo's own gateway, which runs by itself, and a new message in each mailbox."""
    for protocol in PROTOCOLS:
        uninstalled.put(protocol, message(f"For core {protocol}"))
    uninstalled.start(cron_threads=2)
    uninstalled.wake(FETCH)
    return uninstalled


@pytest.fixture(scope="module")
def reinstalled(core_at_work):
    """The same database with the addon installed again, and another message in each mailbox."""
    until(lambda: len(core_at_work.all_leads()) >= 4)
    core_at_work.stop()
    install(core_at_work.database, ["mail_gateway"])
    for protocol in PROTOCOLS:
        core_at_work.put(protocol, message(f"Back again {protocol}"))
    core_at_work.options = {"cron_threads": 2}
    core_at_work.start()
    core_at_work.wake(FETCH)
    return core_at_work


@pytest.mark.parametrize("what", CORE)
def test_the_data_of_core_stay_as_they_are(before, uninstalled, what):
    assert uninstalled.core()[what] == before["core"][what]


@pytest.mark.parametrize("model", ["ir.cron", "res.groups", "ir.ui.menu", "ir.ui.view", "ir.actions.act_window"])
def test_no_rows_of_the_addon_are_left(before, uninstalled, model):
    assert before["ours"][model]
    assert not uninstalled.call(model, "search", [["id", "in", before["ours"][model]]], context={"active_test": False})


def test_all_lanes_and_alerts_are_gone(before, uninstalled):
    assert len(before["ours"]["ir.cron"]) == 4 + 1
    assert uninstalled.sql(
        "SELECT count(*) FROM ir_cron cron JOIN ir_act_server action"
        " ON action.id = cron.ir_actions_server_id"
        " WHERE action.code IN ('model._run_lane()', 'model._run()')"
    ) == [(0,)]


def test_nobody_is_left_with_an_activity_about_held_mail(uninstalled):
    assert uninstalled.told == [(1,)]
    assert uninstalled.sql("SELECT count(*) FROM mail_activity WHERE automated AND res_model IS NULL") == [(0,)]


def test_no_parameter_table_or_column_of_the_addon_is_left(uninstalled):
    assert not uninstalled.sql(r"SELECT 1 FROM ir_config_parameter WHERE key LIKE 'mail\_gateway%%'")
    assert not uninstalled.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_name"
        " ~ '^mail_(inbound|former|outgoing|postmaster|server_connection)_'"
    )
    assert not uninstalled.sql(
        "SELECT 1 FROM information_schema.columns WHERE table_name = 'fetchmail_server'"
        " AND column_name IN ('verify_certificate', 'imap_afterwards', 'last_success')"
    )
    assert not uninstalled.sql("SELECT table_name FROM information_schema.columns WHERE column_name = 'traffic'")


def test_no_password_leaves_unencrypted_where_it_was_encrypted(uninstalled):
    assert uninstalled.sql("SELECT state FROM fetchmail_server WHERE name = 'STARTTLS'") == [("draft",)]


def test_parameters_stay_and_say_what_the_alias_domain_says(uninstalled):
    parameters = dict(
        uninstalled.sql(
            "SELECT key, value FROM ir_config_parameter WHERE key ~ '^mail\\.(catchall|bounce|default|incoming)'"
        )
    )
    assert parameters == {
        "mail.catchall.domain": DOMAIN,
        "mail.catchall.alias": "replies",
        "mail.bounce.alias": "returned",
        "mail.default.from": "office",
        "mail.default.from_filter": FILTER,
        "mail.incoming.limit.alias": "12",
        "mail.incoming.limit.period": "60",
        "mail.incoming.limit.scope": "sender",
    }


def test_mail_that_waited_leaves_as_core_sends_it(uninstalled, dovecot, postfix):
    uninstalled.call("mail.mail", "send", [uninstalled.ids["mail"]])
    mails = uninstalled.letters(dovecot, CUSTOMER, number=2)
    [mail] = [mail for mail in mails if mail["Subject"] == "Sent without it"]
    assert carriers(mail)[-1] == postfix.hostname
    assert parseaddr(mail["From"]) == ("Clerk", f"office@{DOMAIN}")
    assert mail["Return-Path"] == f"<returned@{DOMAIN}>"


@pytest.mark.parametrize(
    "model",
    [
        "res.config.settings",
        "ir.mail_server",
        "mail.mail",
        "mail.alias.domain",
        "mail.alias",
        "mail.compose.message",
        "res.company",
        "res.partner",
    ],
)
def test_views_load(uninstalled, model):
    loaded = uninstalled.call(model, "get_views", [[False, "form"], [False, "search"]])
    assert loaded["views"].keys() == {"form", "search"}
    assert not OUR_FIELDS & set(loaded["models"][model]["fields"])


def test_the_browser_shows_settings_server_and_chatter(uninstalled):
    [server, *_others] = uninstalled.call("ir.mail_server", "search", [])
    with Browser() as browser:
        browser.login(uninstalled.odoo)
        page = browser.page
        page.goto(f"{uninstalled.odoo.url}/odoo/settings")
        expect(page.locator("#email_servers_setting")).to_be_visible()
        browser.open_record("ir.mail_server", server)
        expect(page.locator("[name=from_filter] input")).to_have_value(FILTER)
        browser.open_record("res.partner", uninstalled.ids["partner"])
        expect(page.locator(".o-mail-Message", has_text="Sent with it.")).to_be_visible()
        assert not browser.errors


def test_the_form_of_a_server_opens(uninstalled):
    views = uninstalled.call("fetchmail.server", "get_views", [[False, "form"], [False, "list"]])["views"]
    assert "inbound_count" not in views["form"]["arch"]


def test_undelivered_messages_are_kept_as_files_of_their_server(uninstalled):
    files = uninstalled.call(
        "ir.attachment",
        "search_read",
        [["name", "=like", "%.eml"]],
        ["datas", "mimetype", "res_model", "res_id", "description"],
    )
    assert sorted(base64.b64decode(file["datas"]) for file in files) == sorted(uninstalled.kept.values())
    for file in files:
        assert (file["res_model"], file["res_id"]) == ("fetchmail.server", uninstalled.ids["imap"])
        assert file["mimetype"] == "message/rfc822"
        assert "Undelivered when mail_gateway was uninstalled" in file["description"]
    assert any("No recipient matches" in file["description"] for file in files)


def test_odoos_own_gateway_continues_by_itself(core_at_work, dovecot):
    leads = ["Delivered imap", "Delivered pop", "For core imap", "For core pop"]
    until(lambda: core_at_work.all_leads() == leads)
    until(lambda: not dovecot.read(core_at_work.boxes["pop"]))
    assert all("\\Seen" in flags for flags in dovecot.flags(core_at_work.boxes["imap"]))


def test_after_a_new_installation_the_addon_continues_where_core_stopped(reinstalled):
    until(lambda: reinstalled.count() == len(PROTOCOLS))
    reinstalled.settle()
    assert reinstalled.all_leads() == [
        "Back again imap",
        "Back again pop",
        "Delivered imap",
        "Delivered pop",
        "For core imap",
        "For core pop",
    ]
