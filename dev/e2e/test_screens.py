"""What administrators and postmasters see: each view in Chromium, with messages in all states, and its buttons."""

import os
import xmlrpc.client

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, FETCH, LEADS, Gateway, message, until
from e2e.window import administrators_window, without_complaints

DEFERRED = "Fifty desks"
# The disk is full for this message only: it stays deferred.
FULL_DISK = f"""
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.subject = '{DEFERRED}' THEN
            RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON mail_message FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
CUSTOMER = "Purchasing <purchasing@customer.example>"
REQUEST = f"""\
Good morning,

we move into a new office in March and need forty chairs: swivelling, with armrests, in blue or grey.

    Quantity    40
    Delivery    ground floor, with a lift of 110 x 140 cm

Could you send us an offer by the end of the week? Two of them we would like to try beforehand, if that is possible. \
The floor is carpet, so hard castors please.

https://customer.example/{"nowhereToBreak" * 25}

Kind regards
Purchasing
"""


class Scene:
    """An Odoo whose inbound messages are in all states, each by what really leads there."""

    def __init__(self, gateway, dovecot, untrusted_dovecot):
        self.gateway, self.dovecot = gateway, dovecot
        self.mailbox = f"office-{os.getpid()}@{DOMAIN}"
        self.imap = gateway.mail_server(self.mailbox, dovecot.port("imaps"), name="Office", is_ssl=True)
        self.pop = gateway.mail_server(f"shop-{os.getpid()}@{DOMAIN}", dovecot.port("pop3"), "pop", name="Shop")
        self.old = gateway.mail_server(f"old-{os.getpid()}@{DOMAIN}", untrusted_dovecot.port("imaps"),
                                       name="From before", is_ssl=True, verify_certificate=False)
        self.failing = gateway.mail_server(f"failing-{os.getpid()}@{DOMAIN}", dovecot.port("imap"), name="Failing")

    def play(self):
        """Let messages come in, and one server fail."""
        self.gateway.sql(FULL_DISK)
        self.gateway.sql("UPDATE fetchmail_server SET password = 'changed' WHERE id = %s", self.failing)
        twice = message("Two lamps", message_id="<twice@customer.example>", sender=CUSTOMER)
        self.dovecot.put_all(self.mailbox, [message("Forty chairs", sender=CUSTOMER, body=REQUEST), twice])
        self.gateway.odoo.run_cron(FETCH)
        self.gateway.settle()
        self.dovecot.put_all(self.mailbox, [
            twice.replace(b"\r\nTo:", b"\r\nX-Forwarded: again\r\nTo:"),
            message("Is anybody there?", to=f"nobody@{DOMAIN}"),
            message("Our new catalogue", to=f"catalogues@{DOMAIN}", sender="Supplier <news@supplier.example>"),
            message("To the catchall", to=f"catchall@{DOMAIN}"),
            message("Broken Message-Id", message_id="<[x@y]>")])
        self.gateway.fetch(self.imap)
        self.gateway.settle()
        self.dovecot.put(self.mailbox, message(DEFERRED, sender=CUSTOMER))
        self.gateway.fetch(self.imap)
        until(lambda: self.state(DEFERRED) == "deferred")

    def hire_postmaster(self):
        """Create a user who is a postmaster and nothing else; the password is the login."""
        [group] = self.gateway.call("ir.model.data", "search_read", [
            ["module", "=", "mail_gateway"], ["name", "=", "group_postmaster"]], ["res_id"])
        self.gateway.call("res.users", "create", {
            "name": "Postmaster", "login": "postmaster", "password": "postmaster",
            "group_ids": [(6, 0, [group["res_id"]])]}, context={"no_reset_password": True})

    def hold(self, subject):
        """Have a message come in that nobody can route; return its id."""
        self.dovecot.put(self.mailbox, message(subject, to=f"{subject.replace(' ', '.').lower()}@{DOMAIN}"))
        self.gateway.fetch(self.imap)
        until(lambda: self.state(subject) == "held")
        return self.message(subject)

    def message(self, subject):
        """The id of the newest inbound message with this subject."""
        return self.gateway.sql("SELECT max(id) FROM mail_inbound_message WHERE subject = %s", subject)[0][0]

    def state(self, subject):
        """The state of that message."""
        self.gateway.odoo.wake_cron()
        rows = self.gateway.sql("SELECT state FROM mail_inbound_message WHERE id = %s", self.message(subject))
        return rows[0][0] if rows else None


@pytest.fixture(scope="module")
def scene(module_database, dovecot, untrusted_dovecot):
    """The scene that the tests of the module share."""
    gateway = Gateway(module_database)
    try:
        scene = Scene(gateway.prepare(), dovecot, untrusted_dovecot)
        scene.play()
        scene.hire_postmaster()
        yield scene
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


@pytest.fixture
def window(chromium):
    """The same, for one test, in which JavaScript must not complain."""
    with without_complaints(chromium):
        yield chromium


@pytest.fixture
def postmaster(scene, window):
    """The same window, where somebody is logged in who is a postmaster and nothing else."""
    log_in(window, scene, "postmaster")
    yield window
    log_in(window, scene, "admin")


def log_in(window, scene, user):
    """Log in as somebody else; the browser forgets whom the login page would offer."""
    window.page.evaluate("localStorage.clear()")
    window.page.context.clear_cookies()
    window.login(scene.gateway.odoo, user)


def open_list(window, scene):
    """Open Inbound Messages; return the page."""
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/inbound-messages")
    expect(window.page.locator(".o_data_row").first).to_be_visible()
    return window.page


def open_message(window, scene, subject):
    """Open the newest message with this subject; return the page."""
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/inbound-messages/{scene.message(subject)}")
    expect(window.page.locator(".o_form_view h2")).to_have_text(subject)
    return window.page


def open_server(window, server):
    """Open the form of an incoming server; return the page."""
    window.open_record("fetchmail.server", server)
    expect(window.page.locator(".o_form_view .o_statusbar_status")).to_be_visible()
    return window.page


def picture(window, name, **options):
    """Take a screenshot when nothing moves any more."""
    window.page.mouse.move(0, 0)
    window.page.evaluate("""() => Promise.all(document.getAnimations()
        .filter(animation => animation.effect.getComputedTiming().endTime < Infinity)
        .map(animation => animation.finished.catch(() => null)))""")
    window.screenshot(name, **options)


def fits(locator):
    """Whether nothing of an element sticks out at its side."""
    return locator.evaluate("element => element.scrollWidth <= element.clientWidth")


def row(page, text):
    """The row of a list that contains a text."""
    return page.locator(".o_data_row", has_text=text)


def state_shown(page):
    """What the status bar marks."""
    return page.locator(".o_statusbar_status .o_arrow_button_current:visible")


# Inbound messages


def test_the_list_shows_each_state_and_why(window, scene):
    page = open_list(window, scene)
    for state in ("Delivered", "Held", "Rejected", "Discarded", "Failed", "Deferred"):
        expect(page.locator(".o_data_row .badge", has_text=state).first).to_be_visible()
    expect(row(page, "Is anybody there?")).to_contain_text(f"No one is at home at nobody@{DOMAIN}")
    expect(row(page, "A message with this Message-Id was processed before.")).to_have_count(1)
    picture(window, "inbound_list")


def test_the_search_finds_what_needs_a_decision(window, scene):
    page = open_list(window, scene)
    page.locator(".o_searchview_dropdown_toggler").click()
    expect(page.locator(".o_filter_menu")).to_contain_text("Needs a Decision")
    picture(window, "inbound_search")
    page.locator(".o_filter_menu .o_menu_item", has_text="Needs a Decision").click()
    expect(page.locator(".o_data_row .badge", has_text="Delivered")).to_have_count(0)
    page.locator(".o_group_by_menu").get_by_role("menuitemcheckbox", name="State", exact=True).click()
    expect(page.locator(".o_group_name")).to_have_text(["Failed (1)", "Held (2)"])
    page.keyboard.press("Escape")
    picture(window, "inbound_grouped")


def test_the_graph_counts_messages_by_day_and_state(window, scene):
    page = open_list(window, scene)
    page.locator(".o_switch_view.o_graph").click()
    expect(page.locator(".o_graph_renderer canvas")).to_be_visible()
    picture(window, "inbound_graph")


def test_a_delivered_message_shows_its_text_and_leads_to_its_record(window, scene):
    page = open_message(window, scene, "Forty chairs")
    expect(state_shown(page)).to_have_text("Delivered")
    preview = page.locator("[name=preview]")
    expect(preview).to_contain_text("Could you send us an offer")
    assert "monospace" in preview.evaluate("element => getComputedStyle(element).fontFamily")
    assert fits(preview)
    picture(window, "inbound_delivered", full_page=True)
    page.locator("a[name=chatter]").click()
    expect(row(page, "Forty chairs")).to_be_visible()
    picture(window, "inbound_delivered_chatter")
    page.locator("button[name=action_open_record]").click()
    expect(page.locator(".o-mail-Chatter")).to_contain_text("Could you send us an offer")
    picture(window, "lead")


def test_words_without_end_stay_inside_the_form(window, scene):
    subject = "endless" * 40
    scene.hold(subject)
    page = open_message(window, scene, subject)
    assert fits(page.locator(".o_form_sheet"))
    picture(window, "inbound_endless", full_page=True)
    page.locator("a[name=detail]").click()
    expect(page.locator("[name=remote_key]")).to_be_visible()
    assert fits(page.locator(".o_form_sheet"))


def test_the_source_can_be_downloaded(window, scene):
    page = open_message(window, scene, "Forty chairs")
    with page.expect_download() as download:
        page.locator("[name=source] .fa-download, [name=source] a").first.click()
    assert download.value.suggested_filename == "Forty_chairs.eml"
    with open(download.value.path(), "rb") as file:
        assert file.read() in scene.dovecot.read(scene.mailbox)


def test_a_held_message_says_why(window, scene):
    page = open_message(window, scene, "Is anybody there?")
    expect(state_shown(page)).to_have_text("Held")
    expect(page.locator(".alert:visible")).to_contain_text("No one is at home")
    picture(window, "inbound_held")
    page.locator("a[name=detail]").click()
    expect(page.locator("[name=remote_key]")).to_contain_text("UIDVALIDITY")
    picture(window, "inbound_held_detail")


def test_a_failed_message_shows_where_it_failed(window, scene):
    page = open_message(window, scene, "Broken Message-Id")
    expect(state_shown(page)).to_have_text("Failed")
    expect(page.locator(".alert:visible")).to_contain_text("Odoo could not process this message")
    page.locator("a[name=detail]").click()
    expect(page.locator("[name=detail].o_field_widget")).to_contain_text("Traceback")
    picture(window, "inbound_failed", full_page=True)


def test_a_deferred_message_says_when_it_is_tried_again(window, scene):
    page = open_message(window, scene, DEFERRED)
    expect(state_shown(page)).to_have_text("Deferred")
    expect(page.locator("[name=next_try]")).to_be_visible()
    picture(window, "inbound_deferred")


def test_a_rejected_message_does_not_look_delivered(window, scene):
    page = open_message(window, scene, "To the catchall")
    expect(state_shown(page)).to_have_text("Rejected")
    expect(page.locator(".o_statusbar_status:visible")).not_to_contain_text("Delivered")
    picture(window, "inbound_rejected")


def test_process_again_delivers_once_the_alias_exists(window, scene):
    scene.hold("New address")
    scene.gateway.alias("new.address", "crm.lead")
    page = open_message(window, scene, "New address")
    page.locator("button[name=action_process_again]").click()
    until(lambda: scene.state("New address") == "delivered")
    page.reload()
    expect(state_shown(page)).to_have_text("Delivered")
    expect(page.locator("button[name=action_process_again]")).to_have_count(0)


def test_discard_keeps_the_message_in_the_list(window, scene):
    scene.hold("Unwanted")
    page = open_message(window, scene, "Unwanted")
    page.locator("button[name=action_discard]").click()
    page.locator(".modal button.btn-primary").click()
    expect(state_shown(page)).to_have_text("Discarded")
    expect(page.locator("[name=reason]:visible")).to_have_text("Discarded by Administrator.")
    picture(window, "inbound_discarded")
    expect(row(open_list(window, scene), "Unwanted")).to_be_visible()


def test_a_held_message_is_routed_to_a_record(window, scene):
    contact = scene.gateway.call("res.partner", "create", {"name": "Facility Management"})
    scene.hold("For the file")
    page = open_message(window, scene, "For the file")
    page.locator("button[name=action_route]").click()
    dialog = page.locator(".modal")
    expect(row(dialog, "For the file")).to_be_visible()
    picture(window, "route_empty")
    dialog.locator("[name=record] select").select_option(label="Contact")
    dialog.locator("[name=record] input").fill("Facility")
    page.locator(".o-autocomplete--dropdown-item", has_text="Facility Management").click()
    picture(window, "route_record")
    dialog.locator("button[name=action_route]").click()
    expect(dialog).to_have_count(0)
    until(lambda: scene.state("For the file") == "delivered")
    posted = scene.gateway.call("mail.message", "search_count", [
        ["model", "=", "res.partner"], ["res_id", "=", contact], ["subject", "=", "For the file"]])
    assert posted == 1


def test_several_messages_are_routed_to_an_alias_at_once(window, scene):
    subjects = ("To whom it may concern 1", "To whom it may concern 2")
    for subject in subjects:
        scene.hold(subject)
    page = open_list(window, scene)
    for subject in subjects:
        row(page, subject).locator("input[type=checkbox]").check()
    picture(window, "inbound_selected")
    page.locator("button[name=action_route]").click()
    route_to_alias(page, window)
    until(lambda: [scene.state(subject) for subject in subjects] == ["delivered"] * 2)
    assert set(subjects) <= set(scene.gateway.leads(scene.imap))


def route_to_alias(page, window):
    """Fill in the dialog and confirm."""
    dialog = page.locator(".modal")
    dialog.get_by_label("An alias").check()
    dialog.locator("[name=alias_id] input").fill(LEADS)
    page.locator(".o-autocomplete--dropdown-item", has_text=f"{LEADS}@").click()
    picture(window, "route_alias")
    dialog.locator("button[name=action_route]").click()
    expect(dialog).to_have_count(0)


# Incoming servers


def test_the_list_of_servers_shows_what_fails(window, scene):
    window.open("mail.action_email_server_tree")
    expect(row(window.page, "Failing")).to_contain_text("does not let")
    picture(window, "servers")


def test_the_form_of_an_imap_server(window, scene):
    page = open_server(window, scene.imap)
    for label in ("Folders", "Afterwards", "Verify Certificate"):
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
    expect(page.locator(".alert-warning:visible")).to_contain_text("Any certificate is accepted")
    picture(window, "server_any_certificate")


def test_a_failing_server_says_why_and_since_when(window, scene):
    page = open_server(window, scene.failing)
    expect(page.locator(".alert-danger:visible")).to_contain_text("Check user name and password")
    expect(page.locator(".alert-danger:visible")).to_contain_text("Failing since")
    picture(window, "server_failing")


def test_a_new_server_asks_for_what_it_needs(window, scene):
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/fetchmail.server/new")
    expect(window.page.locator("button[name=button_confirm_login]")).to_be_visible()
    expect(window.page.locator(".alert:visible")).to_have_count(0)
    expect(window.page.locator(".oe_stat_button")).to_have_count(0)
    picture(window, "server_new")


def test_fetch_now_tells_how_many_came(window, scene):
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


def test_a_postmaster_sees_servers_without_their_passwords(postmaster, scene):
    page = open_server(postmaster, scene.imap)
    expect(page.locator("[name=user]")).to_be_visible()
    expect(page.locator("[name=password]")).to_have_count(0)
    expect(page.locator("button[name=fetch_mail]")).to_have_count(0)
    picture(postmaster, "postmaster_server")
    server = scene.gateway.odoo
    uid = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/common").authenticate(
        server.database, "postmaster", "postmaster", {})
    models = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/object")
    with pytest.raises(xmlrpc.client.Fault, match="password"):
        models.execute_kw(server.database, uid, "postmaster", "fetchmail.server", "read", [[scene.imap], ["password"]])
