"""A database of the first version, 19.0.1.0.0, is updated to the present one: what was in it still works."""

import os
from email.utils import parseaddr

import pytest

from e2e.gateway import DOMAIN, message
from e2e.old_version import OldVersion, addons_of
from lab.odoo import databases
from lab.servers.postfix import carriers

# The last commit of 19.0.1.0.0, which knew nothing of outgoing mail.
FIRST_VERSION = "581ddbc31e8513b783c499d5e419ecb9ed99524d"
CUSTOMER = f"upgraded-{os.getpid()}@customer.example"
BAD_FILTER = f"*.bad, {DOMAIN}"
MIRROR = {
    "mail.catchall.domain": "name",
    "mail.catchall.alias": "catchall_alias",
    "mail.bounce.alias": "bounce_alias",
    "mail.default.from": "default_from",
}


class FirstVersion(OldVersion):
    """A database with the first version of the addon, in use."""

    def shown(self):
        """Return the addresses of the alias domain in the system parameters."""
        rows = dict(self.sql("SELECT key, value FROM ir_config_parameter WHERE key = ANY(%s)", list(MIRROR)))
        return [rows.get(key) for key in MIRROR]

    def use(self, postfix):
        """Create values that only the present version refuses, an incoming server, and mail that waits."""
        self.mail_server(f"before@{DOMAIN}", 1, confirm=False)
        self.outgoing_server(postfix, from_filter=BAD_FILTER, sequence=7)
        for key, value in {
            "mail.default.from": "no such office",
            "mail.catchall.alias": "replies",
            "mail.incoming.limit.period": "an hour",
            "mail.default.from_filter": BAD_FILTER,
        }.items():
            self.set_parameter(key, value)
        self.call(
            "mail.mail",
            "create",
            {
                "email_from": f"Sales <sales@{DOMAIN}>",
                "email_to": CUSTOMER,
                "subject": "Autumn offers",
                "body_html": "<p>Chairs.</p>",
                "headers": "{'Precedence': 'bulk'}",
            },
        )
        for subject in ("Dealt with", "Waits"):
            self.call(
                "mail.thread", "message_process", False, message(subject, sender="M. <Ann@Café.example>").decode()
            )
        self.sql("UPDATE mail_inbound_message SET state = 'held' WHERE subject = 'Waits'")


@pytest.fixture(scope="module")
def old_addons(tmp_path_factory):
    """The directory of addons with the first version."""
    return addons_of(FIRST_VERSION, tmp_path_factory.mktemp("first_version"))


@pytest.fixture(scope="module")
def upgraded(postgres, postfix, old_addons):
    """A database in which the first version was in use, updated to the present one."""
    old = FirstVersion(databases.clone("base", databases.run_name("e2e", "upgrade")), old_addons)
    try:
        old.install()
        assert old.version() == "19.0.1.0.0"
        old.prepare().use(postfix)
        old.upgrade()
        assert old.version() > "19.0.1.0.0"
        yield old
    finally:
        old.stop()
        databases.drop(old.database)


def test_queued_bulk_mail_leaves_by_the_good_entries_of_a_bad_filter(upgraded, dovecot, postfix):
    [mail] = upgraded.letters(dovecot, CUSTOMER)
    assert carriers(mail)[-1] == postfix.hostname
    assert parseaddr(mail["From"]) == ("Sales", f"sales@{DOMAIN}")
    assert mail["Precedence"] == "bulk"


def test_a_bad_filter_stays_and_its_form_says_what_is_wrong(upgraded):
    fields = ["from_filter", "sequence", "traffic", "from_filter_problem"]
    [server] = upgraded.call("ir.mail_server", "search_read", [], fields)
    assert (server["from_filter"], server["sequence"], server["traffic"]) == (BAD_FILTER, 7, "any")
    assert "*.bad" in server["from_filter_problem"]


def test_parameters_that_differed_say_what_the_alias_domain_says(upgraded):
    assert upgraded.shown() == [DOMAIN, "catchall", "bounce", "notifications"]
    fields = [*MIRROR.values()]
    [domain] = upgraded.call("mail.alias.domain", "search_read", [["name", "=", DOMAIN]], fields)
    assert [domain[field] for field in fields] == upgraded.shown()


def test_bad_parameters_count_as_their_defaults_and_settings_are_saved(upgraded):
    fields = ["incoming_limit_period", "mail_from_filter"]
    everything = upgraded.call("res.config.settings", "default_get", fields)
    shown = {field: everything[field] for field in fields}
    assert shown == {"incoming_limit_period": 60, "mail_from_filter": BAD_FILTER}
    settings = upgraded.call("res.config.settings", "create", {**shown, "incoming_limit_number": 7})
    upgraded.call("res.config.settings", "execute", [settings])
    saved = {
        "mail.incoming.limit.alias": "7",
        "mail.incoming.limit.period": "60",
        "mail.default.from_filter": BAD_FILTER,
    }
    rows = upgraded.sql("SELECT key, value FROM ir_config_parameter WHERE key = ANY(%s)", [*saved])
    assert dict(rows) == saved


def test_incoming_servers_still_hold_unroutable_mail(upgraded):
    assert upgraded.sql("SELECT unroutable FROM fetchmail_server") == [("hold",)]


def test_postmasters_get_alerts_about_held_mail(upgraded):
    assert upgraded.sql("SELECT DISTINCT told_of_held_mail FROM res_users") == [(True,)]
    assert upgraded.sql(
        "SELECT cron.active FROM ir_cron cron JOIN ir_model_data data ON data.res_id = cron.id"
        " WHERE data.model = 'ir.cron' AND data.name = 'ir_cron_alert'"
    ) == [(True,)]


def test_only_messages_that_wait_have_their_senders_address_read(upgraded):
    found = upgraded.sql("SELECT subject, state, sender FROM mail_inbound_message ORDER BY id")
    assert found == [("Dealt with", "delivered", None), ("Waits", "held", "ann@xn--caf-dma.example")]


def test_the_sender_of_a_message_that_waited_can_be_allowed(upgraded):
    upgraded.sql("UPDATE mail_inbound_message SET cause = 'limit' WHERE subject = 'Waits'")
    [waiting] = upgraded.call("mail.inbound.message", "search", [["subject", "=", "Waits"]])
    told = upgraded.call("mail.inbound.message", "action_allow_sender", [waiting])
    assert "ann@xn--caf-dma.example" in told["params"]["message"]
    assert upgraded.count(["subject", "=", "Waits"], ["state", "=", "received"]) == 1
    assert upgraded.sql("SELECT sender FROM mail_gateway_allowed") == [("ann@xn--caf-dma.example",)]
