"""The queue of held messages in Chromium: moved through by keyboard, looked at aside, decided about."""

import os
import re

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, message, until
from e2e.scene import route_to_alias
from e2e.window import administrators_window, fits, picture

SENDER = f"supplier-{os.getpid()}@customer-{os.getpid()}.example"
SCRIPT = """\
<html><body onload="document.title='run'"><img src="/web/static/img/logo.png?from-the-message">\
<script>window.ran = 1</script><p>Our <b>catalogue</b></p></body></html>"""


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


def hold(scene, *subjects, sender=None, **options):
    """Have messages come in that nobody can route."""
    for subject in subjects:
        to = f"{subject.replace(' ', '.').lower()}@{DOMAIN}"
        scene.dovecot.put(scene.mailbox, message(subject, to=to, sender=sender, **options))
    scene.gateway.fetch(scene.imap)
    until(lambda: [scene.state(subject) for subject in subjects] == ["held"] * len(subjects))


def hold_some(scene):
    """Have three messages wait, unless they do."""
    subjects = ("For the file", "To whom it may concern", "Invoice 4711")
    hold(scene, *(subject for subject in subjects if scene.state(subject) != "held"))


def open_queue(window, scene):
    """Open Held Messages; return the page."""
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/held-messages")
    expect(window.page.locator(".o_inbound_preview h2")).to_be_visible()
    return window.page


def shown(page):
    """The subject of the message at the side."""
    return page.locator(".o_inbound_preview h2")


def marked(page):
    """The row of that message."""
    return page.locator(".o_data_row[aria-current=true]")


def go_to(page, subject):
    """Move by keyboard until this message is shown."""
    subjects = page.locator(".o_data_row [name=subject]").all_inner_texts()
    place = subjects.index(shown(page).inner_text())
    key, distance = ("j", 1) if subjects.index(subject) > place else ("k", -1)
    while subjects[place] != subject:
        place += distance
        page.keyboard.press(key)
        expect(shown(page)).to_have_text(subjects[place])
        expect(page.locator(".o_inbound_preview")).to_have_attribute("aria-busy", "false")


def confirm(page):
    """Press Enter in the question that is asked."""
    expect(page.locator(".modal button.btn-primary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".modal")).to_have_count(0)


# Looking


def test_the_list_is_grouped_by_cause_and_the_first_message_is_shown(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    expect(page.locator(".o_group_name", has_text="Nobody at home")).to_be_visible()
    expect(marked(page)).to_have_count(1)
    expect(marked(page)).to_contain_text(shown(page).inner_text())
    go_to(page, "Invoice 4711")
    preview = page.locator(".o_inbound_preview")
    expect(preview).to_contain_text("No one is at home")
    expect(preview.get_by_label("Text of the message")).to_contain_text("Please call me.")
    picture(window, "queue")


def test_the_message_at_the_side_follows_the_keyboard(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    subjects = page.locator(".o_data_row [name=subject]").all_inner_texts()
    first = len(subjects) - 3  # of three in the same group
    go_to(page, subjects[first])
    for key, distance in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expected = first + distance
        expect(shown(page)).to_have_text(subjects[expected])
        expect(marked(page)).to_contain_text(subjects[expected])
        expect(marked(page).locator("td:focus")).to_have_count(1)


def test_j_and_k_pass_the_titles_of_groups_and_stop_at_the_ends(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    subjects = page.locator(".o_data_row [name=subject]").all_inner_texts()
    for subject in (*subjects, subjects[-1]):
        expect(shown(page)).to_have_text(subject)
        page.keyboard.press("j")
    for subject in (*reversed(subjects), subjects[0]):
        expect(shown(page)).to_have_text(subject)
        page.keyboard.press("k")


def test_a_click_shows_a_message_and_a_double_click_opens_it(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    page.locator(".o_data_row", has_text="For the file").locator("[name=subject]").click()
    expect(shown(page)).to_have_text("For the file")
    page.locator(".o_data_row", has_text="For the file").locator("[name=subject]").dblclick()
    expect(page.locator(".o_form_view h2")).to_have_text("For the file")


def test_enter_opens_a_message_and_the_way_back_leads_to_it(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    go_to(page, "For the file")
    page.keyboard.press("Enter")
    expect(page.locator(".o_form_view h2")).to_have_text("For the file")
    picture(window, "queue_form", full_page=True)
    page.locator(".o_back_button, .breadcrumb-item a").first.click()
    expect(shown(page)).to_have_text("For the file")


def test_nothing_of_a_message_is_run_or_loaded(window, scene):
    hold(scene, "Active content", body=SCRIPT, Content_Type="text/html; charset=utf-8")
    page, asked = window.page, []
    page.on("request", lambda request: asked.append(request.url))
    open_queue(window, scene)
    go_to(page, "Active content")
    text = page.get_by_label("Text of the message")
    expect(text).to_contain_text("Our catalogue")
    assert text.locator("*").count() == 0
    assert page.evaluate("window.ran") is None
    assert not [url for url in asked if "from-the-message" in url]


def test_words_without_end_stay_inside_the_side(window, scene):
    scene.hold("endlessness" * 30)
    page = open_queue(window, scene)
    go_to(page, "endlessness" * 30)
    for part in (".o_inbound_preview header", ".o_inbound_preview_text"):
        assert fits(page.locator(part))
    page.keyboard.press("Alt+d")
    confirm(page)


def test_the_buttons_have_keys_that_alt_shows(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    page.keyboard.down("Alt")
    expect(page.locator(".o_web_hotkey_overlay", has_text="O").first).to_be_visible()
    picture(window, "queue_keys")
    page.keyboard.up("Alt")
    keys = page.locator(".o_inbound_preview [data-hotkey]").evaluate_all("all => all.map(one => one.dataset.hotkey)")
    others = page.locator("[data-hotkey]:not(.o_inbound_preview *)").evaluate_all(
        "all => all.map(one => one.dataset.hotkey)"
    )
    assert len(set(keys)) == len(keys) >= 5
    assert not set(keys) & set(others)


def test_typing_in_the_search_bar_is_left_alone(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    before = shown(page).inner_text()
    page.locator(".o_searchview_input").click()
    page.keyboard.type("jjkk")
    expect(page.locator(".o_searchview_input")).to_have_value("jjkk")
    expect(shown(page)).to_have_text(before)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [1600, 1200, 800])
def test_list_and_message_fit_beside_or_above_each_other(window, scene, width):
    hold_some(scene)
    page = window.page
    page.set_viewport_size({"width": width, "height": 900})
    open_queue(window, scene)
    table, side = (page.locator(part).bounding_box() for part in (".o_inbound_queue_list", ".o_inbound_preview"))
    beside = width >= 992
    assert (side["x"] >= table["x"] + table["width"] - 1) == beside
    assert (side["y"] >= table["y"] + table["height"] - 1) != beside
    assert side["x"] + side["width"] <= width + 1
    assert side["y"] + side["height"] <= 901
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(window, f"queue_{width}")
    page.set_viewport_size({"width": 1366, "height": 900})


def test_on_a_phone_there_are_cards_by_cause_that_open_the_message(window, scene):
    hold_some(scene)
    page = window.page
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{scene.gateway.odoo.url}/odoo/held-messages")
    card = page.locator(".o_kanban_record", has_text="For the file")
    expect(card).to_be_visible()
    picture(window, "queue_phone")
    card.click()
    expect(page.locator(".o_form_view h2")).to_have_text("For the file")
    picture(window, "queue_phone_form")
    page.set_viewport_size({"width": 1366, "height": 900})


# Deciding


def test_release_is_offered_only_for_what_a_rule_holds(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    go_to(page, "For the file")
    buttons = page.locator(".o_inbound_preview_buttons")
    expect(buttons.locator("[name=action_route].btn-primary")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="1 messages are selected")).to_be_visible()
    for name in ("action_release", "action_allow_sender"):
        expect(buttons.locator(f"[name={name}]")).to_have_count(0)
    page.keyboard.press("Space")


def test_a_route_without_a_target_is_refused_in_words(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    go_to(page, "For the file")
    page.keyboard.press("Alt+o")
    dialog = page.locator(".modal")
    expect(dialog.get_by_label("An alias")).to_be_checked()
    picture(window, "queue_route")
    dialog.locator("button[name=action_route]").click()
    refusal = page.locator(".modal", has_text="Choose where the messages go.")
    expect(refusal).to_be_visible()
    refusal.get_by_role("button", name="Close").last.click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".modal")).to_have_count(0)


def test_all_like_this_are_routed_at_once(window, scene):
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
    expect(text).to_have_value(re.compile("There is no one at the address that you wrote to"))
    picture(postmaster, "queue_reject")
    text.fill("We have moved.\n\nPlease write to <sales@mycompany.example> & wait.")
    page.locator(".modal button[name=action_reject]").click()
    expect(page.locator(".modal")).to_have_count(0)
    expect(page.locator(".o_notification", has_text=f"Rejected; {SENDER} was told.")).to_be_visible()
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


def test_many_are_selected_by_the_space_bar_and_discarded_at_once(window, scene):
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


def test_all_like_this_is_shown_before_it_is_processed_again(window, scene):
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


def test_who_decided_what_is_shown_with_the_message(window, scene):
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
    expect(decision).to_contain_text("No one is at home")
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


# Nothing to decide


def test_an_emptied_group_is_gone_and_an_empty_queue_says_so_once(window, scene):
    until(lambda: not scene.gateway.count(["state", "=", "received"]))  # what other tests released
    scene.gateway.sql("DELETE FROM mail_inbound_message WHERE state IN ('held', 'failed')")
    hold(scene, "The last one")
    page = open_queue(window, scene)
    page.keyboard.press("Alt+d")
    confirm(page)
    words = page.get_by_text("Nothing waits for a decision")
    expect(words).to_have_count(1)
    expect(page.locator(".o_group_header")).to_have_count(0)
    expect(page.locator(".o_inbound_preview")).to_have_count(0)
    expect(page.locator(".o_notification", has_text="Discarded: 1 message")).to_be_visible()
    queue, told = (page.locator(part).bounding_box() for part in (".o_inbound_queue", ".o_nocontent_help"))
    assert abs(queue["x"] + queue["width"] / 2 - told["x"] - told["width"] / 2) < 3
    picture(window, "queue_empty")


# The README's picture


INVOICE = """\
Good morning,

please find our invoice for forty chairs. It is due within 30 days.

Kind regards
Accounts
"""


def test_the_readme_shows_it(window, scene):
    scene.gateway.sql("DELETE FROM mail_inbound_message WHERE state IN ('held', 'failed', 'received', 'deferred')")
    scene.gateway.set_parameter("mail.incoming.limit.alias", "1")
    alarms = [message(f"Disk {n} is full", sender="Monitor <alarm@servers.example>") for n in range(1, 4)]
    scene.dovecot.put_all(
        scene.mailbox,
        [
            *alarms,
            message("Our new catalogue", to=f"catalogues@{DOMAIN}", sender="Supplier <news@supplier.example>"),
            message("Application as a carpenter", to=f"jobs@{DOMAIN}", sender="Mary Smith <mary@customer.example>"),
            message(
                "Invoice 2026-4711",
                to=f"accounting@{DOMAIN}",
                sender="Accounts <accounts@supplier.example>",
                body=INVOICE,
            ),
        ],
    )
    scene.gateway.fetch(scene.imap)
    until(lambda: scene.gateway.count(["state", "=", "held"]) == 5)
    scene.gateway.set_parameter("mail.incoming.limit.alias", "5")
    page = window.page
    page.set_viewport_size({"width": 1200, "height": 680})
    open_queue(window, scene)
    go_to(page, "Invoice 2026-4711")
    picture(window, "held_messages")
    page.set_viewport_size({"width": 1366, "height": 900})
