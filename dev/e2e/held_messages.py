"""Helpers of the tests of the list of held messages: they hold messages, and use the keyboard."""

from playwright.sync_api import expect

from e2e.gateway import DOMAIN, message, until


def hold(scene, *subjects, sender=None, **options):
    """Let unroutable messages come in, and wait until they are held."""
    for subject in subjects:
        to = f"{subject.replace(' ', '.').lower()}@{DOMAIN}"
        scene.dovecot.put(scene.mailbox, message(subject, to=to, sender=sender, **options))
    scene.gateway.fetch(scene.imap)
    until(lambda: [scene.state(subject) for subject in subjects] == ["held"] * len(subjects))


def hold_some(scene):
    """Hold three messages, unless they are held already."""
    subjects = ("For the file", "To whom it may concern", "Invoice 4711")
    hold(scene, *(subject for subject in subjects if scene.state(subject) != "held"))


def open_queue(window, scene):
    """Open Held Messages; return the page."""
    window.page.goto(f"{scene.gateway.odoo.url}/odoo/held-messages")
    expect(window.page.locator(".o_inbound_preview h2")).to_be_visible()
    return window.page


def shown(page):
    """Return the subject of the message that is shown beside the list."""
    return page.locator(".o_inbound_preview h2")


def marked(page):
    """Return the row of that message."""
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
    """Press Enter in the dialog that asks for confirmation."""
    expect(page.locator(".modal button.btn-primary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".modal")).to_have_count(0)
