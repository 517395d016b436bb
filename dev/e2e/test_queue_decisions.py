"""The decisions of a postmaster about held messages in Chromium, and files of messages."""

import os
import re

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, message, until
from e2e.held_messages import confirm, go_to, hold, hold_some, marked, open_queue, shown
from e2e.scene import route_to_alias
from e2e.window import administrators_window, picture

SENDER = f"supplier-{os.getpid()}@customer-{os.getpid()}.example"


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


def test_release_is_offered_only_for_what_a_rule_holds(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    go_to(page, "For the file")
    buttons = page.locator(".o_inbound_preview_buttons")
    expect(buttons.locator("[name=action_route].btn-primary")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="1 message is selected")).to_be_visible()
    for name in ("action_release", "action_allow_sender"):
        expect(buttons.locator(f"[name={name}]")).to_have_count(0)
    page.keyboard.press("Space")


def test_a_route_without_a_target_is_refused_in_words(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    go_to(page, "For the file")
    page.keyboard.press("Alt+o")
    dialog = page.locator(".modal")
    expect(dialog.get_by_role("radio", name="Alias")).to_be_checked()
    picture(window, "queue_route")
    dialog.locator("button[name=action_route]").click()
    refusal = page.locator(".modal", has_text="Choose a record or an alias to route the messages to.")
    expect(refusal).to_be_visible()
    refusal.get_by_role("button", name="Close").last.click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".modal")).to_have_count(0)


def test_all_similar_messages_are_routed_at_once(window, scene):
    for number in range(2):
        scene.dovecot.put(scene.mailbox, message(f"Pallet {number}", to=f"pallets-{os.getpid()}@{DOMAIN}"))
    scene.gateway.fetch(scene.imap)
    until(lambda: [scene.state(f"Pallet {n}") for n in range(2)] == ["held"] * 2)
    page = open_queue(window, scene)
    go_to(page, "Pallet 1")
    page.keyboard.press("Alt+l")
    expect(page.locator(".modal button.btn-primary:visible")).to_have_text("Route All")
    expect(page.locator(".modal button[name=action_release]")).to_have_count(0)
    picture(window, "queue_alike_route")
    page.locator(".modal").get_by_role("button", name="Route All").click()
    expect(page.locator(".modal .modal-title")).to_have_text("Route to a Record or Alias")
    expect(page.locator(".modal .o_data_row")).to_have_count(2)
    route_to_alias(page, window)
    expect(page.locator(".o_notification", has_text="2 messages. Delivery follows in a moment.")).to_be_visible()
    until(lambda: [scene.state(f"Pallet {n}") for n in range(2)] == ["delivered"] * 2)
    expect(page.locator(".o_data_row", has_text="Pallet")).to_have_count(0)


def test_after_a_decision_the_next_message_is_shown_and_the_keyboard_stays_there(window, scene):
    hold_some(scene)
    hold(scene, "Once more")
    scene.gateway.alias("once.more", "crm.lead")
    page = open_queue(window, scene)
    go_to(page, "Once more")
    rows = page.locator(".o_data_row [name=subject]").all_inner_texts()
    following = rows[rows.index("Once more") + 1]
    page.keyboard.press("Alt+g")
    expect(page.locator(".o_notification", has_text="Processed again: 1 message.")).to_be_visible()
    expect(shown(page)).to_have_text(following)
    expect(marked(page).locator("td:focus")).to_have_count(1)
    until(lambda: scene.state("Once more") == "delivered")
    assert "Once more" in scene.gateway.leads(scene.imap)


def test_a_message_is_rejected_with_a_letter_that_arrives(postmaster, scene, postfix):
    server = scene.gateway.outgoing_server(postfix)
    hold(scene, "Where are you", sender=f"Supplier <{SENDER}>", message_id=f"<refused-{os.getpid()}@customer.example>")
    page = open_queue(postmaster, scene)
    go_to(page, "Where are you")
    page.keyboard.press("Alt+e")
    text = page.locator(".modal [name=body] textarea")
    expect(text).to_have_value(re.compile("The address that you wrote to does not exist"))
    picture(postmaster, "queue_reject")
    text.fill("We have moved.\n\nPlease write to <sales@mycompany.example> & wait.")
    page.locator(".modal button[name=action_reject]").click()
    expect(page.locator(".modal")).to_have_count(0)
    expect(page.locator(".o_notification", has_text=f"Rejected, and {SENDER} was notified.")).to_be_visible()
    [letter] = scene.gateway.letters(scene.dovecot, SENDER)
    assert letter["Subject"] == "Re: Where are you"
    assert "Please write to <sales@mycompany.example> & wait." in letter.get_body(("plain",)).get_content()
    assert f"<refused-{os.getpid()}@customer.example>" in letter["References"]
    assert letter["In-Reply-To"] == f"<refused-{os.getpid()}@customer.example>"
    assert "Postmaster" in letter["From"]
    assert not letter["Auto-Submitted"]
    assert "loop-detection" not in letter["References"]
    assert scene.state("Where are you") == "rejected"
    scene.gateway.call("ir.mail_server", "write", [server], {"active": False})


def test_messages_are_selected_by_the_space_bar_and_discarded_at_once(window, scene):
    hold(scene, "Advertisement 1", "Advertisement 2")
    page = open_queue(window, scene)
    go_to(page, "Advertisement 2")
    page.keyboard.press("Space")
    page.keyboard.press("j")
    expect(shown(page)).to_have_text("Advertisement 1")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="2 messages are selected")).to_be_visible()
    picture(window, "queue_selected")
    page.keyboard.press("Alt+d")
    expect(page.locator(".modal")).to_contain_text("Discard 2 messages?")
    confirm(page)
    expect(page.locator(".o_data_row", has_text="Advertisement")).to_have_count(0)
    assert [scene.state(f"Advertisement {n}") for n in (1, 2)] == ["discarded"] * 2


def test_a_sender_is_allowed_and_all_that_waited_is_delivered(window, scene):
    scene.gateway.set_parameter("mail.incoming.limit.alias", "1")
    sender = f"Monitor <monitor-{os.getpid()}@customer.example>"
    subjects = [f"Measured value {n}" for n in range(3)]
    scene.dovecot.put_all(scene.mailbox, [message(subject, sender=sender) for subject in subjects])
    scene.gateway.fetch(scene.imap)
    until(lambda: sorted(map(scene.state, subjects)) == ["delivered", "held", "held"])
    page = open_queue(window, scene)
    held = next(subject for subject in subjects if scene.state(subject) == "held")
    go_to(page, held)
    picture(window, "queue_limit")
    page.keyboard.press("Alt+w")
    expect(page.locator(".o_notification", has_text="Messages released: 2")).to_be_visible()
    until(lambda: [scene.state(subject) for subject in subjects] == ["delivered"] * 3)
    expect(page.locator(".o_data_row", has_text="Measured value")).to_have_count(0)
    scene.gateway.set_parameter("mail.incoming.limit.alias", "5")


def test_all_similar_messages_are_shown_before_they_are_processed_again(window, scene):
    for number in range(3):
        scene.dovecot.put(scene.mailbox, message(f"Application {number}", to=f"jobs-{os.getpid()}@{DOMAIN}"))
    scene.gateway.fetch(scene.imap)
    until(lambda: [scene.state(f"Application {n}") for n in range(3)] == ["held"] * 3)
    scene.gateway.alias(f"jobs-{os.getpid()}", "crm.lead")
    page = open_queue(window, scene)
    go_to(page, "Application 1")
    page.keyboard.press("Alt+l")
    dialog = page.locator(".modal")
    expect(dialog).to_contain_text("Messages: 3, from")
    expect(dialog.locator(".o_data_row")).to_have_count(3)
    picture(window, "queue_alike")
    dialog.get_by_role("button", name="Process All Again").click()
    expect(dialog).to_have_count(0)
    until(lambda: [scene.state(f"Application {n}") for n in range(3)] == ["delivered"] * 3)


def test_the_message_shows_who_decided_what(window, scene):
    hold(scene, "Not for us")
    page = open_queue(window, scene)
    go_to(page, "Not for us")
    page.keyboard.press("Alt+d")
    confirm(page)
    until(lambda: scene.state("Not for us") == "discarded")
    page.goto(f"{scene.gateway.odoo.url}/odoo/inbound-messages/{scene.message('Not for us')}")
    page.locator("a[name=decisions]").click()
    decision = page.locator("[name=decision_ids] .o_data_row")
    expect(decision).to_contain_text("Discard")
    expect(decision).to_contain_text("Administrator")
    expect(decision).to_contain_text("No recipient matches")
    picture(window, "inbound_decisions")


# Files


def test_messages_are_exported_and_imported_again(window, scene, tmp_path):
    hold_some(scene)
    page = open_queue(window, scene)
    page.locator("thead .o_list_record_selector input").check()
    page.locator(".o_cp_action_menus button", has_text="Actions").click()
    picture(window, "queue_actions")
    with page.expect_download() as download:
        page.locator(".o-dropdown--menu .o-dropdown-item", has_text="Export as .eml").click()
    archive = tmp_path / "messages.zip"
    download.value.save_as(archive)
    assert download.value.suggested_filename == "messages.zip"

    page.locator(".o_menu_sections button", has_text="Configuration").click()
    page.locator(".o-dropdown--menu .dropdown-item", has_text="Import Messages").click()
    dialog = page.locator(".modal")
    (tmp_path / "notes.txt").write_text("no message")
    dialog.locator("input[type=file]").set_input_files([archive, tmp_path / "notes.txt"])
    expect(dialog.locator(".o_attachment")).to_have_count(2)
    picture(window, "import")
    dialog.get_by_role("button", name="Import").click()
    refusal = page.locator(".modal", has_text="Nothing was imported")
    expect(refusal).to_contain_text("notes.txt: it is no e-mail")
    picture(window, "import_refused")
    refusal.get_by_role("button", name="Close").last.click()
    dialog.locator(".o_attachment", has_text="notes.txt").locator(".o_attachment_delete").click()
    dialog.get_by_role("button", name="Import").click()
    expect(page.locator(".o_breadcrumb")).to_contain_text("Imported Messages")
    expect(page.locator(".o_data_row", has_text="For the file")).to_have_count(1)
