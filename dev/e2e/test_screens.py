"""What administrators and postmasters see of inbound messages: each view in Chromium, and its buttons."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, until
from e2e.scene import DEFERRED, FAILED, open_list, open_message, route_to_alias
from e2e.window import administrators_window, fits, picture, row


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


def state_shown(page):
    """Return the state that the status bar marks."""
    return page.locator(".o_statusbar_status .o_arrow_button_current:visible")


def test_the_list_shows_each_state_and_why(window, scene):
    page = open_list(window, scene)
    for state in ("Delivered", "Held", "Rejected", "Discarded", "Failed", "Deferred"):
        expect(page.locator(".o_data_row .badge", has_text=state).first).to_be_visible()
    expect(row(page, "Is anybody there?")).to_contain_text(f"No recipient matches: nobody@{DOMAIN}")
    expect(row(page, "Odoo processed this message before.")).to_have_count(1)
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


def test_very_long_words_stay_inside_the_form(window, scene):
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
    assert Path(download.value.path()).read_bytes() in scene.dovecot.read(scene.mailbox)


def test_a_held_message_says_why(window, scene):
    page = open_message(window, scene, "Is anybody there?")
    expect(state_shown(page)).to_have_text("Held")
    expect(page.locator(".alert:visible")).to_contain_text("No recipient matches")
    picture(window, "inbound_held")
    page.locator("a[name=detail]").click()
    expect(page.locator("[name=remote_key]")).to_contain_text("UIDVALIDITY")
    picture(window, "inbound_held_detail")


def test_a_failed_message_shows_where_it_failed(window, scene):
    page = open_message(window, scene, FAILED)
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
    dialog.get_by_role("radio", name="Record").check()
    dialog.locator("[name=record] select").select_option(label="Contact")
    dialog.locator("[name=record] input").fill("Facility")
    page.locator(".o-autocomplete--dropdown-item", has_text="Facility Management").click()
    picture(window, "route_record")
    dialog.locator("button[name=action_route]").click()
    expect(dialog).to_have_count(0)
    until(lambda: scene.state("For the file") == "delivered")
    posted = scene.gateway.call(
        "mail.message",
        "search_count",
        [["model", "=", "res.partner"], ["res_id", "=", contact], ["subject", "=", "For the file"]],
    )
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


# Inbound rules


def test_the_rules_read_like_a_table(window, scene):
    page = window.page
    page.goto(f"{scene.gateway.odoo.url}/odoo/inbound-rules")
    expect(page.locator(".o_data_row")).to_have_count(7)
    expect(row(page, "Duplicate Messages")).to_contain_text("Discard")
    expect(row(page, "Duplicate Messages").locator("[name=hits_day]")).to_have_text("1")
    picture(window, "rules")


def test_the_messages_that_a_rule_decided_are_a_click_away(window, scene):
    page = window.page
    page.goto(f"{scene.gateway.odoo.url}/odoo/inbound-rules")
    row(page, "Duplicate Messages").get_by_role("button", name="Messages").click()
    expect(page.locator(".o_data_row")).to_have_count(1)
    expect(page.locator(".o_data_row")).to_contain_text("Two lamps")
