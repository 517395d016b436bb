"""The list of held messages in Chromium, with its keyboard and the message beside it."""

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, message, until
from e2e.held_messages import confirm, go_to, hold, hold_some, marked, open_queue, shown
from e2e.window import administrators_window, fits, picture

SCRIPT = """\
<html><body onload="document.title='run'"><img src="/web/static/img/logo.png?from-the-message">\
<script>window.ran = 1</script><p>Our <b>catalogue</b></p></body></html>"""


@pytest.fixture(scope="module")
def chromium(scene):
    """The administrator's window."""
    with administrators_window(scene.gateway.odoo) as window:
        yield window


def test_the_list_is_grouped_by_cause_and_the_first_message_is_shown(window, scene):
    hold_some(scene)
    page = open_queue(window, scene)
    expect(page.locator(".o_group_name", has_text="No Matching Recipient")).to_be_visible()
    expect(marked(page)).to_have_count(1)
    expect(marked(page)).to_contain_text(shown(page).inner_text())
    go_to(page, "Invoice 4711")
    preview = page.locator(".o_inbound_preview")
    expect(preview).to_contain_text("No recipient matches")
    expect(preview.get_by_label("Text of the message")).to_contain_text("Please call me.")
    picture(window, "queue")


def test_the_preview_follows_the_keyboard(window, scene):
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


def test_j_and_k_skip_the_titles_of_groups_and_stop_at_the_ends(window, scene):
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


def test_the_preview_neither_runs_nor_loads_content_of_a_message(window, scene):
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


def test_very_long_words_stay_inside_the_preview(window, scene):
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


# Nothing to decide


def test_an_emptied_group_disappears_and_an_empty_queue_shows_one_hint(window, scene):
    until(lambda: not scene.gateway.count(["state", "=", "received"]))  # messages that other tests released
    scene.gateway.sql("DELETE FROM mail_inbound_message WHERE state IN ('held', 'failed')")
    hold(scene, "The last one")
    page = open_queue(window, scene)
    page.keyboard.press("Alt+d")
    confirm(page)
    words = page.get_by_text("No messages wait for a decision")
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


def test_the_picture_of_the_readme_can_be_taken(window, scene):
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
