"""System parameters and the alias domain, changed by real processes: calls, imports, SQL, updates, the browser."""

import pytest
from playwright.sync_api import expect

from e2e.gateway import Gateway, until
from lab.odoo import databases, source
from lab.odoo.runs import install, run
from lab.odoo.server import OdooError
from lab.testing.browser import Browser

FIELDS = {
    "mail.catchall.domain": "name",
    "mail.catchall.alias": "catchall_alias",
    "mail.bounce.alias": "bounce_alias",
    "mail.default.from": "default_from",
}
DEFAULTS = {
    "mail.catchall.alias": "catchall",
    "mail.bounce.alias": "bounce",
    "mail.default.from": "notifications",
    "mail.incoming.limit.period": "60",
    "mail.incoming.limit.alias": "5",
}


class Mirror(Gateway):
    """A database without mail, and both places where its addresses are stored."""

    def shown(self):
        """Return the addresses in the system parameters, read from the table."""
        rows = dict(self.sql("SELECT key, value FROM ir_config_parameter WHERE key = ANY(%s)", list(FIELDS)))
        return [rows.get(key) for key in FIELDS]

    def record(self):
        """Return the addresses in the main company's alias domain, read from the table."""
        rows = self.sql(
            f"SELECT {', '.join(f'domain.{field}' for field in FIELDS.values())} FROM mail_alias_domain domain"
            " JOIN res_company company ON company.alias_domain_id = domain.id ORDER BY company.id LIMIT 1"
        )
        return list(rows[0]) if rows else None

    def parameters(self):
        """Return all system parameters of mail."""
        return dict(
            self.sql(
                "SELECT key, value FROM ir_config_parameter WHERE key ~ '^mail\\.(catchall|bounce|default|incoming)'"
            )
        )

    def parameter(self, key):
        """Return the id of a parameter."""
        return self.call("ir.config_parameter", "search", [["key", "=", key]])[0]

    def domain(self):
        """Return the id of the main company's alias domain."""
        return self.call("res.company", "search_read", [], ["alias_domain_id"], limit=1)[0]["alias_domain_id"][0]

    def update(self):
        """Run `-u mail_gateway` while no server runs."""
        self.stop()
        code, output = run(source.command(self.database, "--update", "mail_gateway", "--stop-after-init", "--no-http"))
        assert code == 0, output
        return output


@pytest.fixture(scope="module")
def mirror(module_database):
    """A running Odoo with the addon and the alias domain mycompany.example."""
    mirror = Mirror(module_database, cron_threads=0)
    try:
        yield mirror.prepare()
    finally:
        mirror.stop()


@pytest.fixture
def fresh(mirror):
    """The same database, in which the addresses are those of a new alias domain."""
    mirror.call(
        "mail.alias.domain",
        "write",
        [mirror.domain()],
        {
            "name": "mycompany.example",
            "catchall_alias": "catchall",
            "bounce_alias": "bounce",
            "default_from": "notifications",
        },
    )
    return mirror


@pytest.fixture
def from_sixteen(postgres):
    """A database without the addon and without an alias domain, with the parameters of Odoo 16."""
    name = databases.clone("base", databases.run_name("e2e", "sixteen"))
    mirror = Mirror(name, cron_threads=0)
    try:
        mirror.sql("UPDATE mail_alias SET alias_domain_id = NULL")
        mirror.sql("DELETE FROM mail_alias_domain")
        yield mirror
    finally:
        mirror.stop()
        databases.drop(name)


def insert(mirror, **values):
    """Insert parameters; in their names, _ stands for a dot."""
    for key, value in values.items():
        mirror.sql("INSERT INTO ir_config_parameter (key, value) VALUES (%s, %s)", key.replace("_", "."), value)


# Calls


def test_a_parameter_that_a_program_sets_is_in_the_alias_domain(fresh):
    fresh.call("ir.config_parameter", "set_param", "mail.default.from", "Office")
    fresh.call("ir.config_parameter", "write", [fresh.parameter("mail.catchall.alias")], {"value": "replies"})
    assert fresh.record() == fresh.shown() == ["mycompany.example", "replies", "bounce", "office"]


def test_an_alias_domain_that_a_program_writes_is_in_the_parameters(fresh):
    fresh.call("mail.alias.domain", "write", [fresh.domain()], {"name": "Renamed.example", "bounce_alias": "back"})
    assert fresh.record() == fresh.shown() == ["renamed.example", "catchall", "back", "notifications"]


def test_a_program_is_told_why_a_value_is_refused(fresh):
    with pytest.raises(
        OdooError,
        match="System parameter “mail.catchall.alias”: “catch all” can't be the part of an address before the @",
    ):
        fresh.call("ir.config_parameter", "set_param", "mail.catchall.alias", "catch all")
    assert fresh.record() == fresh.shown() == ["mycompany.example", "catchall", "bounce", "notifications"]


# Imports


def test_imported_parameters_are_in_the_alias_domain(fresh):
    ids = [fresh.parameter(key) for key in ("mail.catchall.alias", "mail.bounce.alias")]
    answer = fresh.call("ir.config_parameter", "load", [".id", "value"], [[str(ids[0]), "in"], [str(ids[1]), "out"]])
    assert sorted(answer["ids"]) == sorted(ids)
    assert fresh.record() == fresh.shown() == ["mycompany.example", "in", "out", "notifications"]


def test_an_imported_alias_domain_is_in_the_parameters(fresh):
    answer = fresh.call("mail.alias.domain", "load", [".id", "catchall_alias"], [[str(fresh.domain()), "imported"]])
    assert answer["ids"]
    assert fresh.record() == fresh.shown() == ["mycompany.example", "imported", "bounce", "notifications"]


def test_an_import_says_which_line_is_bad_and_changes_nothing(fresh):
    answer = fresh.call(
        "ir.config_parameter",
        "load",
        ["key", "value"],
        [["mail.default.from_filter", "mycompany.example"], ["mail.incoming.limit.scope", "everybody"]],
    )
    assert not answer["ids"]
    said = [message for message in answer["messages"] if "“everybody” is unknown." in message["message"]]
    assert {"from": 1, "to": 1} in [message["rows"] for message in said], answer
    assert "mail.default.from_filter" not in fresh.parameters()


# Installing and updating


def test_a_new_installation_creates_the_parameters(mirror):
    assert mirror.parameters().items() >= {**DEFAULTS, "mail.catchall.domain": "mycompany.example"}.items()


def test_an_alias_domain_changed_in_sql_is_in_the_parameters_after_an_update(fresh):
    fresh.call("ir.config_parameter", "set_param", "mail.incoming.limit.alias", "12")
    fresh.stop()
    fresh.sql(
        "UPDATE mail_alias_domain SET catchall_alias = 'sql', default_from = NULL WHERE name = 'mycompany.example'"
    )
    fresh.sql("UPDATE ir_config_parameter SET value = 'not the record' WHERE key = 'mail.bounce.alias'")
    fresh.sql("DELETE FROM ir_config_parameter WHERE key = 'mail.incoming.limit.period'")
    fresh.update()
    assert fresh.shown() == ["mycompany.example", "sql", "bounce", ""]
    parameters = fresh.parameters()
    assert [parameters[f"mail.incoming.limit.{name}"] for name in ("period", "alias")] == ["60", "12"]


def test_parameters_of_odoo_16_make_the_alias_domain(from_sixteen):
    insert(
        from_sixteen,
        mail_catchall_domain="Sixteen.example",
        mail_bounce_alias="back",
        mail_default_from="office",
        mail_incoming_limit_alias="20",
    )
    install(from_sixteen.database, ["mail_gateway"])
    assert from_sixteen.record() == from_sixteen.shown() == ["sixteen.example", "catchall", "back", "office"]
    assert from_sixteen.parameters()["mail.incoming.limit.alias"] == "20"
    assert from_sixteen.sql("SELECT count(*) FROM mail_alias WHERE alias_domain_id IS NULL") == [(0,)]


def test_bad_parameters_of_odoo_16_do_not_stop_an_installation(from_sixteen):
    insert(from_sixteen, mail_catchall_domain="sixteen.example", mail_bounce_alias="bounce back")
    install(from_sixteen.database, ["mail_gateway"])
    assert from_sixteen.record() == from_sixteen.shown() == ["sixteen.example", "catchall", "bounce", "notifications"]


# The browser


def test_the_settings_show_and_change_the_parameters(fresh):
    fresh.call("ir.config_parameter", "set_param", "mail.incoming.limit.alias", "12")
    fresh.call("ir.config_parameter", "set_param", "mail.incoming.limit.period", "60")
    with Browser(height=1000) as browser:
        browser.login(fresh.odoo)
        page = browser.page
        open_settings(page, fresh)
        for name, value in {
            "mail_catchall_alias": "catchall",
            "mail_bounce_alias": "bounce",
            "mail_default_from": "notifications",
            "incoming_limit_number": "12",
            "incoming_limit_period": "60",
        }.items():
            expect(field(page, name)).to_have_value(value)
        field(page, "mail_catchall_alias").fill("Replies")
        field(page, "mail_from_filter").fill("mycompany.example, info@partner.example")
        field(page, "incoming_limit_period").fill("30")
        browser.screenshot("settings_parameters")
        page.locator(".o_form_button_save").click()
        until(lambda: fresh.shown() == ["mycompany.example", "replies", "bounce", "notifications"])
        until(lambda: fresh.parameters().get("mail.default.from_filter") == "mycompany.example, info@partner.example")
        assert fresh.record() == fresh.shown()
        assert not browser.errors


def test_the_settings_say_what_is_wrong(fresh):
    with Browser(height=1000) as browser:
        browser.login(fresh.odoo)
        open_settings(browser.page, fresh)
        field(browser.page, "mail_default_from").fill("Office <office@mycompany.example>")
        browser.page.locator(".o_form_button_save").click()
        expect(browser.page.locator(".modal")).to_contain_text("Default From")
        browser.screenshot("settings_parameters_refused")
    assert fresh.record()[-1] == "notifications"


def test_the_settings_swap_addresses_and_leave_an_old_bad_value_alone(fresh):
    fresh.stop()
    fresh.sql("UPDATE mail_alias_domain SET default_from = 'our office' WHERE name = 'mycompany.example'")
    with Browser(height=1000) as browser:
        browser.login(fresh.odoo)
        page = browser.page
        open_settings(page, fresh)
        expect(field(page, "mail_default_from")).to_have_value("our office")
        field(page, "mail_catchall_alias").fill("bounce")
        field(page, "mail_bounce_alias").fill("catchall")
        field(page, "incoming_limit_period").fill("45")
        page.locator(".o_form_button_save").click()
        until(lambda: fresh.record() == ["mycompany.example", "bounce", "catchall", "our office"])
        until(lambda: fresh.parameters()["mail.incoming.limit.period"] == "45")
        assert fresh.shown() == fresh.record()
        assert not browser.errors


def open_settings(page, mirror):
    """Open General Settings at the parameters."""
    page.goto(f"{mirror.odoo.url}/odoo/settings")
    expect(page.locator("#incoming_limit_setting")).to_be_visible()
    page.locator("#email_servers_setting").evaluate("element => element.scrollIntoView()")


def field(page, name):
    """Return the input of a field."""
    return page.locator(f"[name={name}] input").first
