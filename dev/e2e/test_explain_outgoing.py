"""What administrators and postmasters see of outgoing mail in Chromium: explained before, and recorded afterwards."""

import re

import pytest
from playwright.sync_api import expect

from e2e.desk import AGENT, BOUNCE, CATCHALL, DOMAIN, NOTIFICATIONS, Desk
from e2e.gateway import Gateway, until
from e2e.window import administrators_window, picture, row
from lab.host.ports import any_free


@pytest.fixture(scope="module")
def desk(module_database, dovecot, postfix, second_postfix):
    """The office that the tests of the module share."""
    gateway = Gateway(module_database)
    try:
        yield Desk(gateway.prepare(), dovecot, postfix, second_postfix)
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def chromium(desk):
    """The window, with the administrator logged in."""
    with administrators_window(desk.gateway.odoo) as window:
        yield window


@pytest.fixture
def as_user(window, desk):
    """A function that logs in as another user; after the test the administrator is logged in again."""

    def log_in(login, password=None):
        window.page.evaluate("localStorage.clear()")
        window.page.context.clear_cookies()
        window.login(desk.gateway.odoo, login, password or login)
        return window

    yield log_in
    log_in("admin")


def open_configuration(window, desk):
    """Open the menu Discuss > Configuration; return its entries."""
    window.page.goto(f"{desk.gateway.odoo.url}/odoo/discuss")
    window.page.locator(".o_menu_sections button", has_text="Configuration").click()
    return window.page.locator(".o-dropdown--menu .dropdown-item")


def open_dialog(window, desk):
    """Open the dialog from its menu; return it."""
    open_configuration(window, desk).filter(has_text="Explain an Outgoing Message").click()
    dialog = window.page.locator(".modal")
    expect(dialog.locator("[name=server_name]")).to_be_visible()
    return dialog


def ask(dialog, author):
    """Type a From and leave the field."""
    dialog.locator("[name=email_from] input").fill(author)
    dialog.locator(".modal-title").click()


def open_lead(window, desk):
    """Open the lead's form; return the page."""
    window.open_record("crm.lead", desk.lead)
    return window.page


def menu_of(page, body):
    """Open the menu of the chatter message with this text; return its entries."""
    message = page.locator(".o-mail-Message", has_text=body).first
    message.hover()
    message.locator(".o-mail-Message-actions button[title=Expand]").click()
    entries = page.locator(".o-dropdown--menu .o-dropdown-item")
    expect(entries.filter(has_text="Copy Link")).to_be_visible()
    return entries


# Explained before sending


def test_the_dialog_explains_what_is_typed_without_sending(window, desk):
    mails = desk.gateway.call("mail.mail", "search_count", [])
    dialog = open_dialog(window, desk)
    ask(dialog, "Mary Smith <mary@customer.example>")
    expect(dialog.locator("[name=from_after]")).to_have_text(f"Mary Smith <{NOTIFICATIONS}>")
    expect(dialog.locator("[name=server_name]").first).to_have_text("Main")
    expect(dialog.locator("[name=return_path]")).to_have_text(BOUNCE)
    expect(row(dialog, "Newsletters")).to_contain_text("It sends mass mail only.")
    expect(row(dialog, "Last year's")).to_contain_text("It is archived.")
    picture(window, "explain_outgoing")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(dialog).to_have_count(0)
    assert desk.gateway.call("mail.mail", "search_count", []) == mails
    assert desk.gateway.sql("SELECT count(*) FROM mail_outgoing_explain")[0][0] == 0


def test_the_dialog_answers_for_mass_mail_and_named_servers(window, desk):
    dialog = open_dialog(window, desk)
    choose(window, dialog, "traffic", "Mass")
    ask(dialog, f"News <editor@news.{DOMAIN}>")
    expect(dialog.locator("[name=server_name]").first).to_have_text("Newsletters")
    choose(window, dialog, "named_server", "Main")
    expect(dialog.locator("[name=server_name]").first).to_have_text("Main")
    expect(row(dialog, "Newsletters")).to_contain_text("The message specifies another server.")
    picture(window, "explain_named")


def choose(window, dialog, field, label):
    """Choose an entry of a selection."""
    select = dialog.locator(f"[name={field}] select")
    if select.count():
        select.select_option(label=label)
        return
    dialog.locator(f"[name={field}] input").click()
    window.page.locator(".o_select_menu_item", has_text=label).first.click()


def test_the_dialog_says_what_is_wrong_with_a_from(window, desk):
    dialog = open_dialog(window, desk)
    ask(dialog, "just a name")
    expect(dialog.locator(".alert-warning:visible")).to_contain_text("contains no valid e-mail address")
    picture(window, "explain_no_address")


def test_the_dialog_takes_a_record(window, desk):
    dialog = open_dialog(window, desk)
    dialog.locator("[name=record] select").select_option(label="Lead")
    dialog.locator("[name=record] input").fill("Forty")
    window.page.locator(".o-autocomplete--dropdown-item", has_text="Forty chairs").first.click()
    expect(dialog.locator("[name=reply_to]")).to_contain_text(CATCHALL)
    expect(dialog.locator("[name=record] input")).to_have_value("Forty chairs")
    picture(window, "explain_record")


def test_a_message_is_sent_as_it_was_explained(window, desk):
    dialog = open_dialog(window, desk)
    ask(dialog, f"Anna Agent <{AGENT}>")
    expect(dialog.locator("[name=from_after]")).to_have_text(f"Anna Agent <{NOTIFICATIONS}>")
    _message, mail = desk.comment("Which colour shall they have?")
    sender = mail["From"].addresses[0]
    assert dialog.locator("[name=from_after]").inner_text() == f"{sender.display_name} <{sender.addr_spec}>"
    assert mail["Return-Path"] == f"<{dialog.locator('[name=return_path]').inner_text()}>"
    reply_to = mail["Reply-To"].addresses[0]
    assert dialog.locator("[name=reply_to]").inner_text() == f"{reply_to.display_name} <{reply_to.addr_spec}>"


# The servers


def test_a_server_shows_what_it_carries_and_explains_itself(window, desk):
    window.open_record("ir.mail_server", desk.newsletters)
    page = window.page
    expect(page.locator("[name=traffic]").first).to_be_visible()
    expect(page.locator(".alert-warning:visible")).to_have_count(0)
    picture(window, "outgoing_server")
    page.locator("button[name=action_explain_outgoing]").click()
    dialog = page.locator(".modal")
    expect(dialog.locator("[name=email_from] input")).to_have_value(f"odoo@news.{DOMAIN}")
    expect(dialog.locator("[name=server_name]").first).to_have_text("Newsletters")
    picture(window, "outgoing_server_explain")


def test_a_filter_that_never_matches_causes_a_warning(window, desk):
    server = desk.gateway.call("ir.mail_server", "create", {"name": "Typo", "smtp_host": "127.0.0.1", "active": False})
    desk.gateway.sql("UPDATE ir_mail_server SET from_filter = 'mycompany .example' WHERE id = %s", server)
    # Odoo may have read the old filter before: this write makes it read the new one
    desk.gateway.call("ir.mail_server", "write", [server], {"name": "Typing mistake"})
    window.open_record("ir.mail_server", server)
    expect(window.page.locator(".alert-warning:visible")).to_contain_text("is neither a domain nor an e-mail address")
    picture(window, "outgoing_server_problem")
    desk.gateway.call("ir.mail_server", "unlink", [server])


def test_a_server_without_a_filter_says_which_domains_count(window, desk):
    server = desk.gateway.call(
        "ir.mail_server", "create", {"name": "Anything", "smtp_host": "127.0.0.1", "sequence": 99}
    )
    window.open_record("ir.mail_server", server)
    note = window.page.locator("[name=without_filter]")
    expect(note.first).to_contain_text(f"Authors in the alias domains ({DOMAIN}) keep their address")
    picture(window, "outgoing_server_without_filter")
    window.page.locator("button[name=action_explain_outgoing]").click()
    dialog = window.page.locator(".modal")
    dialog.locator("[name=named_server] input, [name=named_server] select").first.wait_for()
    window.page.locator(".modal button.btn-secondary", has_text="Close").last.click()
    window.page.locator("[name=from_filter] input").fill("mycompany.example")
    window.page.locator("[name=smtp_host] input").first.click()
    expect(note).to_have_count(0)
    picture(window, "outgoing_server_with_filter")
    window.page.locator(".o_form_button_cancel").click()
    desk.gateway.call("ir.mail_server", "unlink", [server])


def test_the_list_of_servers_shows_filters_and_kinds_of_mail(window, desk):
    window.open("base.action_ir_mail_server_list")
    expect(row(window.page, "Newsletters")).to_contain_text("Mass Only")
    expect(row(window.page, "Main")).to_contain_text(DOMAIN)
    picture(window, "outgoing_servers")
    window.page.locator(".o_searchview_dropdown_toggler").click()
    window.page.locator(".o_filter_menu .o_menu_item", has_text="Transactional").click()
    expect(row(window.page, "Main")).to_have_count(1)
    expect(row(window.page, "Newsletters")).to_have_count(0)
    picture(window, "outgoing_servers_search")


# Looked up after sending


def test_a_postmaster_opens_the_details_from_the_chatter(as_user, desk):
    desk.comment("What height shall they have?")
    window = as_user(desk.postmaster)
    page = open_lead(window, desk)
    entries = menu_of(page, "What height")
    details = entries.filter(has_text="Sending Details")
    expect(details).to_be_visible()
    window.screenshot("chatter_menu")
    details.click()
    dialog = page.locator(".modal")
    expect(dialog.locator("[name=server_name]")).to_have_text("Main")
    expect(dialog.locator("[name=from_before]")).to_contain_text(AGENT)
    expect(dialog.locator("[name=from_after]")).to_contain_text(NOTIFICATIONS)
    expect(dialog.locator("[name=passed_over]")).to_contain_text("Newsletters")
    picture(window, "chatter_details")


def test_a_message_in_several_e_mails_opens_as_a_list(as_user, desk):
    # users and customers get an e-mail each: their links differ
    _user, colleague = desk.gateway.user("Carl Colleague", f"colleague@{DOMAIN}")
    message, _mail = desk.comment("Who is to be told?", colleague)
    until(lambda: len(desk.rows(message)) == 2)
    window = as_user(desk.postmaster)
    page = open_lead(window, desk)
    menu_of(page, "Who is to be told").filter(has_text="Sending Details").click()
    expect(page.locator(".o_data_row")).to_have_count(2)
    picture(window, "chatter_details_list")


def test_an_ordinary_user_is_not_offered_the_details(as_user, desk):
    desk.comment("How soon?")
    window = as_user(AGENT)
    page = open_lead(window, desk)
    expect(menu_of(page, "How soon").filter(has_text="Sending Details")).to_have_count(0)


def test_a_log_note_offers_no_details(window, desk):
    desk.gateway.call("crm.lead", "message_post", [desk.lead], body="Only for us.")
    page = open_lead(window, desk)
    note = page.locator(".o-mail-Message", has_text="Only for us")
    note.hover()
    # the message has so few actions that they need no menu
    expect(note.locator(".o-mail-Message-actions button[title='Copy Link']")).to_be_visible()
    expect(note.locator(".o-mail-Message-actions button[title='Expand']")).to_have_count(0)
    expect(note.locator(".o-mail-Message-actions button[title='Sending Details']")).to_have_count(0)


def test_a_postmaster_without_settings_finds_both_menus_under_discuss(as_user, desk):
    window = as_user(desk.postmaster)
    entries = open_configuration(window, desk)
    for name in ("Sending Details", "Explain an Outgoing Message"):
        expect(entries.filter(has_text=name)).to_be_visible()
    picture(window, "discuss_menus")
    dialog = open_dialog(window, desk)
    expect(dialog.locator("[name=server_name]").first).to_have_text("Main")
    picture(window, "postmaster_explain")


def test_the_list_of_sending_details_is_searched_and_counted(window, desk):
    desk.comment("Any wishes?")
    page = window.page
    page.goto(f"{desk.gateway.odoo.url}/odoo/sending-details")
    expect(row(page, NOTIFICATIONS).first).to_be_visible()
    picture(window, "sending_details")
    page.locator(".o_searchview_dropdown_toggler").click()
    page.locator(".o_group_by_menu").get_by_role("menuitemcheckbox", name="Reason", exact=True).click()
    expect(page.locator(".o_group_name").first).to_be_visible()
    picture(window, "sending_details_search")
    page.keyboard.press("Escape")
    for view in ("graph", "pivot"):
        page.locator(f".o_switch_view.o_{view}").click()
        expect(page.locator(f".o_{view}_renderer canvas, .o_pivot table").first).to_be_visible()
        picture(window, f"sending_details_{view}")


def test_a_failed_e_mail_is_red_in_the_list_and_its_form_shows_the_failure(window, desk):
    call = desk.gateway.call
    closed = call(
        "ir.mail_server",
        "create",
        {"name": "Closed", "smtp_host": "127.0.0.1", "smtp_port": any_free(), "from_filter": "nobody.example"},
    )
    address = desk.reader()
    mail = call(
        "mail.mail",
        "create",
        {
            "email_from": f"Anna Agent <{AGENT}>",
            "email_to": address,
            "subject": "Never arrives",
            "body_html": "<p>Ten.</p>",
            "mail_server_id": closed,
            "auto_delete": False,
        },
    )
    call("mail.mail", "send", [mail])
    until(lambda: call("mail.outgoing.selection", "search_count", [["mail_mail_id", "=", mail]]))
    call("ir.mail_server", "unlink", [closed])
    page = window.page
    page.goto(f"{desk.gateway.odoo.url}/odoo/sending-details")
    page.locator(".o_searchview_dropdown_toggler").click()
    page.locator(".o_filter_menu").get_by_role("menuitemcheckbox", name="Failed", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator("tr.o_data_row")).to_have_count(1)
    failed = row(page, "Never arrives")
    expect(failed).to_have_class(re.compile("text-danger"))
    picture(window, "sending_details_failed")
    failed.locator("td[name=server_name]").click()
    expect(page.get_by_role("alert")).to_contain_text("Sending this e-mail failed")
    expect(page.locator("[name=recipients]")).to_contain_text(address)
    picture(window, "sending_details_failed_form")


def test_one_row_shows_everything_and_leads_to_the_record(window, desk):
    message, _mail = desk.comment("Shall we deliver on Monday?")
    [number] = desk.rows(message)
    page = window.page
    page.goto(f"{desk.gateway.odoo.url}/odoo/sending-details/{number}")
    expect(page.locator("[name=return_path]")).to_have_text(BOUNCE)
    picture(window, "sending_details_form")
    page.locator("button[name=action_open_record]").click()
    expect(page.locator(".o-mail-Chatter")).to_contain_text("Shall we deliver on Monday?")


def test_an_e_mail_shows_how_it_was_sent(window, desk):
    address = desk.reader()
    mail = desk.gateway.call(
        "mail.mail",
        "create",
        {
            "email_from": f"Anna Agent <{AGENT}>",
            "email_to": address,
            "subject": "Chairs",
            "body_html": "<p>Ten of them.</p>",
            "auto_delete": False,
        },
    )
    desk.gateway.call("mail.mail", "send", [mail])
    desk.gateway.letters(desk.dovecot, address)
    until(lambda: desk.gateway.call("mail.outgoing.selection", "search_count", [["mail_mail_id", "=", mail]]))
    window.open_record("mail.mail", mail)
    page = window.page
    page.locator("a[name=sending]").click()
    expect(row(page, NOTIFICATIONS)).to_contain_text("Main")
    picture(window, "mail_mail")


def test_the_form_of_a_message_leads_to_its_details(window, desk):
    message, _mail = desk.comment("Is Tuesday better?")
    window.open_record("mail.message", message)
    page = window.page
    picture(window, "mail_message")
    page.locator("button[name=action_open_sending_details]").click()
    expect(page.locator(".modal [name=server_name]")).to_have_text("Main")
