"""What administrators and postmasters see of incoming servers and settings, in Chromium."""

import xmlrpc.client

import pytest
from playwright.sync_api import expect

from e2e.gateway import message, until
from e2e.scene import open_list, open_message, open_server, route_to_alias
from e2e.window import administrators_window, picture, row


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


# Incoming servers


def test_the_list_of_servers_shows_what_fails(window, scene):
    window.open("mail.action_email_server_tree")
    expect(row(window.page, "Failing")).to_contain_text("refuses the login")
    picture(window, "servers")


def test_the_form_of_an_imap_server(window, scene):
    page = open_server(window, scene.imap)
    for label in ("Folders", "After Fetching", "Verify Certificate"):
        expect(page.locator(".o_form_label:visible", has_text=label)).to_have_count(1)
    expect(page.locator(".alert:visible")).to_have_count(0)
    picture(window, "server_imap")


def test_the_form_of_a_pop3_server(window, scene):
    page = open_server(window, scene.pop)
    expect(page.locator("[name=pop_afterwards]")).to_be_visible()
    expect(page.locator("[name=folder]")).to_have_count(0)
    picture(window, "server_pop3")


def test_a_server_that_accepts_any_certificate_warns(window, scene):
    page = open_server(window, scene.old)
    expect(page.locator(".alert-warning:visible")).to_contain_text("Odoo accepts any certificate")
    picture(window, "server_any_certificate")


def test_a_failing_server_says_why_and_since_when(window, scene):
    page = open_server(window, scene.failing)
    expect(page.locator(".alert-danger:visible")).to_contain_text("Check the user name and the password")
    expect(page.locator(".alert-danger:visible")).to_contain_text("Failing since")
    picture(window, "server_failing")


def test_a_new_server_asks_for_what_it_needs(window, scene):
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/fetchmail.server/new")
    expect(window.page.locator("button[name=button_confirm_login]")).to_be_visible()
    expect(window.page.locator(".alert:visible")).to_have_text(
        [
            "The connection is not encrypted: others can read the password and the messages. Switch on SSL/TLS or STARTTLS."
        ]
    )
    expect(window.page.locator(".oe_stat_button")).to_have_count(0)
    picture(window, "server_new")


def test_the_warning_about_a_server_disappears_once_it_is_encrypted(window, scene):
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/fetchmail.server/new")
    warning = window.page.locator(".alert-warning:visible", has_text="The connection is not encrypted")
    for encryption in ("is_ssl", "is_starttls"):
        expect(warning).to_be_visible()
        box = window.page.locator(f"[name={encryption}] input")
        box.check()
        expect(warning).to_have_count(0)
        box.uncheck()


def test_fetch_now_says_how_many_messages_came(window, scene):
    scene.dovecot.put(scene.mailbox, message("Fetched by hand"))
    page = open_server(window, scene.imap)
    page.locator("button[name=fetch_mail]").click()
    expect(page.locator(".o_notification")).to_contain_text("New messages: 1")
    picture(window, "server_fetch_now")


def test_the_number_held_opens_the_messages(window, scene):
    page = open_server(window, scene.imap)
    page.locator("button[name=action_open_inbound]", has_text="Held").click()
    expect(row(page, "Is anybody there?")).to_be_visible()
    expect(page.locator(".o_data_row .badge", has_text="Delivered")).to_have_count(0)
    picture(window, "server_held_messages")


# Settings


def test_the_number_of_lanes_is_set_in_the_settings(window, scene):
    page = window.page
    page.goto(f"{scene.gateway.odoo.url}/odoo/settings")
    block = page.locator("#inbound_messages_setting")
    block.scroll_into_view_if_needed()
    expect(block.locator("[name=inbound_lanes] input")).to_have_value("2")
    picture(window, "settings")
    block.locator("[name=inbound_lanes] input").fill("3")
    page.locator(".o_form_button_save").click()
    lanes = [["cron_name", "ilike", "inbound messages, lane"]]
    until(lambda: scene.gateway.call("ir.cron", "search_count", lanes) == 3)


# The postmaster


def test_a_postmaster_without_settings_decides(postmaster, scene):
    scene.hold("For the postmaster")
    page = open_message(postmaster, scene, "For the postmaster")
    page.locator("button[name=action_route]").click()
    route_to_alias(page, postmaster)
    until(lambda: scene.state("For the postmaster") == "delivered")
    page = open_message(postmaster, scene, "Forty chairs")
    expect(page.locator("[name=preview]")).to_contain_text("Could you send us an offer")
    picture(postmaster, "postmaster_delivered")
    open_list(postmaster, scene)
    picture(postmaster, "postmaster_list")


def test_a_postmaster_sees_under_discuss_whom_they_allowed(postmaster, scene):
    page = postmaster.page
    page.goto(f"{scene.gateway.odoo.url}/odoo/discuss")
    page.locator(".o_menu_sections button", has_text="Configuration").click()
    entry = page.locator(".o-dropdown--menu a, .o-dropdown--menu .dropdown-item", has_text="Mail Gateway Allowed").first
    expect(entry).to_be_visible()
    picture(postmaster, "postmaster_menu")
    entry.click()
    expect(page.locator(".o_list_button_add")).to_be_visible()
    picture(postmaster, "postmaster_allowed")


def test_a_postmaster_sees_servers_without_their_passwords(postmaster, scene):
    page = open_server(postmaster, scene.imap)
    expect(page.locator("[name=user]")).to_be_visible()
    expect(page.locator("[name=password]")).to_have_count(0)
    expect(page.locator("button[name=fetch_mail]")).to_have_count(0)
    picture(postmaster, "postmaster_server")
    server = scene.gateway.odoo
    uid = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common").authenticate(
        server.database, "postmaster", "postmaster", {}
    )
    models = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/object")
    with pytest.raises(xmlrpc.client.Fault, match="password"):
        models.execute_kw(server.database, uid, "postmaster", "fetchmail.server", "read", [[scene.imap], ["password"]])
