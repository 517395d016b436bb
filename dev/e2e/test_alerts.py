"""Odoo alerts postmasters about held messages and failing servers: by real mail, from two hosts, without loops."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import expect

from e2e.gateway import QUEUE, Gateway, message, until
from e2e.window import administrators_window, picture, row
from lab.odoo.server import OdooError

DOMAIN = f"mycompany-alerts-{os.getpid()}.example"
SHARED, POSTMASTER = f"shared@{DOMAIN}", f"postmaster@{DOMAIN}"
ALERT = "mail_gateway.ir_cron_alert"


class Watch:
    """An Odoo on two hosts that reads a mailbox, and a postmaster who gets alerts by e-mail."""

    def __init__(self, gateway, dovecot, postfix):
        self.gateway, self.dovecot = gateway, dovecot
        gateway.outgoing_server(postfix)
        gateway.start()  # a second host
        self.imap = gateway.mail_server(SHARED, dovecot.port("imaps"), name="Shared mailbox", is_ssl=True)
        self.failing = None
        group = gateway.ref("mail_gateway.group_postmaster")
        self.user, self.partner = gateway.user("Postmaster", POSTMASTER, group_ids=[(4, group)])
        admin = gateway.call("res.users", "search", [["login", "=", "admin"]])
        gateway.call("res.users", "write", admin, {"notification_type": "inbox"})

    def hold(self, *subjects):
        """Let unroutable messages come in and be held."""
        self.dovecot.put_all(SHARED, [message(subject, to=f"nobody@{DOMAIN}") for subject in subjects])
        self.gateway.fetch(self.imap)
        self.gateway.settle()

    def look(self):
        """Run the scheduled action of the alerts, on either host, and then the queue."""
        self.gateway.odoo.run_cron(ALERT)
        self.gateway.odoo.run_cron(QUEUE)

    def let_pass(self, hours):
        """Date all events, alerts and the setting of the alerts back by some hours."""
        self.gateway.sql(
            "UPDATE ir_config_parameter SET write_date = write_date - make_interval(hours => %s)"
            " WHERE key = 'mail_gateway.alert'",
            hours,
        )
        for statement in (
            "UPDATE mail_inbound_message SET done_date = done_date - make_interval(hours => %s),"
            " alerted_date = alerted_date - make_interval(hours => %s) WHERE state IN ('held', 'failed')",
            "UPDATE fetchmail_server SET error_date = error_date - make_interval(hours => %s),"
            " alerted_date = alerted_date - make_interval(hours => %s)",
        ):
            self.gateway.sql(statement, hours, hours)

    def letters(self, number):
        """Wait until the postmaster has got so many alerts, and return them."""

        def read():
            raws = self.dovecot.read(POSTMASTER)
            found = [message_from_bytes(raw, policy=policy.default) for raw in raws]
            alerts = [letter for letter in found if "-openerp-mail-gateway-alert@" in letter["Message-Id"]]
            return len(alerts) >= number and alerts

        return until(read)

    def told(self):
        """Return how many alerts were created for the postmaster."""
        return self.gateway.sql(
            "SELECT count(*) FROM mail_message message JOIN mail_notification told ON told.mail_message_id = message.id"
            " WHERE message.message_id LIKE '%%mail-gateway-alert@%%' AND told.res_partner_id = %s",
            self.partner,
        )[0][0]


@pytest.fixture(scope="module")
def watch(module_database, dovecot, postfix):
    """The watch that the tests of the module share; they depend on their order."""
    gateway = Gateway(module_database)
    try:
        yield Watch(gateway.prepare(DOMAIN), dovecot, postfix)
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def chromium(watch):
    """The administrator's window."""
    with administrators_window(watch.gateway.odoo) as window:
        yield window


def html(letter):
    """Return the HTML of a letter."""
    return letter.get_body(("html",)).get_content()


def show(window, letter, name):
    """Take a picture of a letter, in a page of its own."""
    odoo, window.page = window.page, window.page.context.browser.new_page()
    try:
        window.page.set_content(html(letter))
        picture(window, name)
    finally:
        window.page.close()
        window.page = odoo


def test_the_first_held_message_causes_an_alert_by_mail(watch, window):
    watch.hold("Is anybody there?")
    watch.look()
    [letter] = watch.letters(1)
    assert letter["Subject"] == "A message waits for a decision: Is anybody there?"
    assert letter["Auto-Submitted"] == "auto-generated"
    inbound = watch.gateway.sql("SELECT max(id) FROM mail_inbound_message")[0][0]
    assert f"/odoo/held-messages/{inbound}" in html(letter)
    show(window, letter, "alert_letter")


def test_later_held_messages_are_alerted_once_in_one_mail(watch, window):
    watch.hold(*(f"Number {number}" for number in range(12)))
    watch.look()
    told = watch.told()
    watch.let_pass(hours=5)
    [cron] = watch.gateway.sql("SELECT res_id FROM ir_model_data WHERE module || '.' || name = %s", ALERT)[0]

    def press(server):
        with suppress(OdooError):  # another server runs it at this moment
            server.call("ir.cron", "method_direct_trigger", [cron])

    with ThreadPoolExecutor(6) as people:
        list(people.map(press, watch.gateway.servers * 4))
    watch.look()
    assert watch.told() == told + 1
    letter = watch.letters(2)[-1]
    assert letter["Subject"] == "12 messages wait for a decision"
    assert "Including earlier ones, 13 messages wait." in " ".join(html(letter).split())
    show(window, letter, "alert_letter_digest")


def test_a_user_who_prefers_the_inbox_gets_the_alert_there(watch, window):
    window.page.goto(f"{watch.gateway.odoo.url}/odoo/action-mail.action_discuss?active_id=mail.box_inbox")
    expect(window.page.locator(".o-mail-Message", has_text="12 messages wait for a decision")).to_be_visible()
    picture(window, "alert_inbox")


def test_an_alert_that_comes_back_is_discarded_and_causes_no_alert(watch):
    letter = watch.letters(1)[0]
    raw = letter.as_bytes(policy=policy.SMTP)
    told, before = watch.told(), watch.gateway.count()
    watch.dovecot.put(SHARED, raw)
    answer = message("Away until Monday", to=f"nobody@{DOMAIN}", In_Reply_To=letter["Message-Id"])
    watch.dovecot.put(SHARED, answer)
    watch.gateway.fetch(watch.imap)
    watch.gateway.settle()
    assert watch.gateway.count() == before + 2
    assert watch.gateway.count(["answers_alert", "=", True]) == 2
    watch.let_pass(hours=5)
    watch.look()
    assert watch.told() == told


def test_a_failing_server_causes_one_alert_with_the_cause(watch, window):
    watch.failing = watch.gateway.mail_server(f"failing@{DOMAIN}", watch.dovecot.port("imap"), name="Failing")
    watch.gateway.sql("UPDATE fetchmail_server SET password = 'changed' WHERE id = %s", watch.failing)
    watch.gateway.odoo.run_cron("mail.ir_cron_mail_gateway_action")
    told = watch.told()
    watch.look()
    assert watch.told() == told, "the next fetch may mend it"
    watch.let_pass(hours=1)
    watch.look()
    watch.look()
    assert watch.told() == told + 1
    letter = watch.letters(3)[-1]
    assert letter["Subject"] == "Odoo can't fetch messages from “Failing”"
    assert "Check the user name and the password" in html(letter)
    show(window, letter, "alert_letter_server")
    window.open_record("fetchmail.server", watch.failing)
    expect(window.page.locator(".alert-danger:visible")).to_contain_text("postmasters were notified")
    picture(window, "alert_server_form")


def test_the_form_of_a_server_sets_what_happens_to_unroutable_mail(watch, window):
    window.open_record("fetchmail.server", watch.imap)
    field = window.page.locator("[name=unroutable]")
    expect(field).to_be_visible()
    picture(window, "server_unroutable")
    field.locator("input, select").first.click()
    window.page.locator(".o_select_menu_item, option", has_text="Discard Silently").first.click()
    window.page.locator(".o_form_button_save").click()
    until(
        lambda: watch.gateway.sql("SELECT unroutable FROM fetchmail_server WHERE id = %s", watch.imap) == [("discard",)]
    )
    told = watch.told()
    watch.dovecot.put(SHARED, message("None of Odoo's business", to=f"nobody@{DOMAIN}"))
    watch.gateway.fetch(watch.imap)
    watch.gateway.settle()
    watch.let_pass(hours=5)
    watch.look()
    assert watch.told() == told
    assert watch.gateway.sql(
        "SELECT state, source IS NOT NULL FROM mail_inbound_message WHERE subject = 'None of Odoo''s business'"
    ) == [("discarded", True)]
    watch.gateway.call("fetchmail.server", "write", [watch.imap], {"unroutable": "hold"})


def test_settings_change_how_postmasters_are_alerted(watch, window):
    page = window.page
    page.goto(f"{watch.gateway.odoo.url}/odoo/settings")
    block = page.locator("#inbound_alert_setting")
    block.scroll_into_view_if_needed()
    expect(page.locator("#incoming_limit_setting")).to_contain_text("Gateway Allowed")
    picture(window, "settings_alerts")
    block.locator("[name=inbound_alert] input, [name=inbound_alert] select").first.click()
    page.locator(".o_select_menu_item, option", has_text="Activity").first.click()
    page.locator(".o_form_button_save").click()
    until(
        lambda: watch.gateway.sql(
            "SELECT value FROM ir_config_parameter WHERE key = 'mail_gateway.alert' AND value = 'activity'"
        )
    )


def test_an_activity_stays_until_no_message_waits(watch, window):
    told = watch.told()
    watch.hold("For an activity")
    watch.let_pass(hours=5)
    watch.look()
    assert watch.told() == told
    page = window.page
    page.goto(f"{watch.gateway.odoo.url}/odoo")
    page.locator(".o_menu_systray [aria-label=Activities]").click()
    expect(page.locator(".o-mail-ActivityGroup").first).to_be_visible()
    picture(window, "alert_systray")
    page.locator(".o-mail-ActivityGroup").first.click()
    expect(page.locator("body")).to_contain_text("messages wait for a decision")
    expect(row(page, "messages wait for a decision").locator("[name=res_name]")).to_have_text("Held Messages")
    picture(window, "alert_activity")
    row(page, "messages wait for a decision").locator("[name=summary]").click()
    expect(page.locator(".o_breadcrumb")).to_contain_text("Held Messages")
    expect(row(page, "For an activity")).to_be_visible()
    picture(window, "alert_activity_opened")
    window.open("mail.mail_activity_action_my")
    row(page, "messages wait for a decision").locator("[name=summary]").click()
    expect(row(page, "For an activity")).to_be_visible()
    held = watch.gateway.sql(
        "SELECT id FROM mail_inbound_message WHERE state = 'held' AND NOT answers_alert ORDER BY id"
    )
    watch.gateway.call("mail.inbound.message", "action_discard", [number for (number,) in held[:-1]])
    for summary, name in (
        ("messages wait", "For an activity"),
        ("Failing", "Failing"),
    ):  # if there is only one, its form opens instead of the list
        window.open("mail.mail_activity_action_my")
        row(page, summary).locator("[name=summary]").click()
        expect(page.locator(".o_form_view .o_last_breadcrumb_item, .o_form_view .o_breadcrumb").first).to_contain_text(
            name
        )
        picture(window, f"alert_activity_{name.split()[0].lower()}")
    watch.gateway.call("mail.inbound.message", "action_discard", [number for (number,) in held[-1:]])
    watch.look()
    still = watch.gateway.sql("SELECT DISTINCT summary FROM mail_activity WHERE active AND automated")
    assert still == [("Odoo can't fetch messages from “Failing”",)], (
        "the server still fails, and was told anew when the way changed"
    )


def test_a_postmaster_turns_alerts_off_in_the_preferences(watch, window):
    page = window.page
    [admin] = watch.gateway.sql("SELECT id FROM res_users WHERE login = 'admin'")[0]
    page.goto(f"{watch.gateway.odoo.url}/odoo/my-preferences/{admin}")
    box = page.locator("[name=told_of_held_mail] input")
    expect(box).to_be_checked()
    box.scroll_into_view_if_needed()
    picture(window, "alert_preferences")
    box.uncheck()
    page.locator(".o_form_button_save").click()
    until(lambda: watch.gateway.sql("SELECT told_of_held_mail FROM res_users WHERE login = 'admin'") == [(False,)])


def test_an_empty_gateway_allowed_shows_the_limit_in_force(watch, window):
    window.open("mail.mail_gateway_allowed_action")
    expect(window.page.locator(".o_view_nocontent")).to_contain_text("5 new records per alias and sender within 60")
    picture(window, "gateway_allowed_empty")
