"""The explanation of incoming mail in Chromium, on a real server: what a postmaster reads, and that nothing is stored."""

import pytest
from playwright.sync_api import expect

from e2e.counter import AGENT, CUSTOMER, DOMAIN, Counter
from e2e.gateway import LEADS, Gateway, message
from e2e.window import administrators_window, fits, picture


@pytest.fixture(scope="module")
def counter(module_database, dovecot, postfix):
    """The office that the tests of the module share."""
    gateway = Gateway(module_database)
    try:
        yield Counter(gateway.prepare(DOMAIN), dovecot, postfix)
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def chromium(counter):
    """The window, with the administrator logged in."""
    with administrators_window(counter.gateway.odoo) as window:
        yield window


def open_dialog(window, counter):
    """Open the dialog from its menu under Discuss; return it."""
    window.page.goto(f"{counter.gateway.odoo.url}/odoo/discuss")
    window.page.locator(".o_menu_sections button", has_text="Configuration").click()
    window.page.locator(".o-dropdown--menu .dropdown-item", has_text="Explain an Incoming Message").click()
    dialog = window.page.locator(".modal")
    expect(dialog.locator("[name=email_from] input")).to_be_visible()
    return dialog


def ask(window, **values):
    """Type the question into the dialog and press the button; return the answer."""
    dialog = window.page.locator(".modal")
    for name, value in values.items():
        dialog.locator(f"[name={name}] input, [name={name}] textarea").first.fill(value)
    return press(window)


def press(window):
    """Press "Explain"; return the answer once it is there."""
    dialog = window.page.locator(".modal")
    with window.page.expect_response(lambda response: "action_explain" in response.url):
        dialog.get_by_role("button", name="Explain", exact=True).click()
    answer = window.page.locator(".modal [name=answer]")
    expect(answer.locator(".alert")).to_be_visible()
    return answer


def choose(window, label):
    """Choose the kind of question in the dialog."""
    dialog = window.page.locator(".modal")
    select = dialog.locator("[name=given] select")
    if select.count():
        select.select_option(label=label)
        return
    dialog.locator("[name=given] input").click()
    window.page.locator(".o_select_menu_item", has_text=label).first.click()


def test_a_new_record_is_explained_and_nothing_of_it_stays(window, counter):
    open_dialog(window, counter)
    before = counter.rows_at_rest()
    answer = ask(
        window,
        email_from=f"Nora New <nora@{CUSTOMER}>",
        email_to=f"{LEADS}@{DOMAIN}",
        subject="Fifty desks",
        body="Please send us an offer.",
    )
    for words in (
        "Delivered",
        "Odoo creates a record.",
        "Fifty desks",
        f"nora@{CUSTOMER}",
        "Alias that creates a record of Lead",
    ):
        expect(answer).to_contain_text(words)
    picture(window, "explain_incoming_record")
    assert counter.rows() == before


def test_a_reply_is_explained_and_nothing_of_it_leaves(window, counter):
    question = counter.question()
    counter.gateway.letters(counter.dovecot, f"carl@{CUSTOMER}")
    open_dialog(window, counter)
    before = counter.rows_at_rest()
    answer = ask(
        window,
        email_from=f"Mary Smith <mary@{CUSTOMER}>",
        email_to=f"catchall@{DOMAIN}, {LEADS}@old.example",
        subject="Re: Forty chairs",
        in_reply_to=question,
        body="Blue ones, please.",
    )
    for words in (
        "A reply to Lead “Forty chairs”",
        "Catchall address: accepts replies",
        "Nothing in Odoo",
        "Carl Cook",
        "Anna Agent",
    ):
        expect(answer).to_contain_text(words)
    picture(window, "explain_incoming_reply")
    assert counter.rows() == before
    assert len(counter.dovecot.read(f"carl@{CUSTOMER}")) == 1


def test_a_reply_to_a_former_address_is_explained(window, counter):
    gateway = counter.gateway
    alias = gateway.alias("requests", "crm.lead")
    gateway.call("mail.alias", "write", [alias], {"alias_name": "sales"})
    lead = gateway.call(
        "crm.lead",
        "create",
        {"name": "Forty chairs for the new office", "type": "lead", "user_id": False},
        context={"mail_create_nosubscribe": True},
    )
    posted = gateway.comment((counter.agent[0], AGENT), "crm.lead", lead, "Which colour?")
    [question] = gateway.call("mail.message", "read", [posted], ["message_id"])
    people = {"Ben Baker": f"ben@{DOMAIN}", "Mary Smith": "mary@customer.example", "Carl Cook": "carl@customer.example"}
    contacts = [gateway.call("res.partner", "create", {"name": name, "email": email}) for name, email in people.items()]
    gateway.call("crm.lead", "message_unsubscribe", [lead], [counter.agent[1]])
    gateway.call("crm.lead", "message_subscribe", [lead], contacts)
    window.page.set_viewport_size({"width": 1320, "height": 1130})
    open_dialog(window, counter)
    answer = ask(
        window,
        email_from="Mary Smith <mary@customer.example>",
        email_to=f"catchall@{DOMAIN}",
        email_cc=f"requests@{DOMAIN}",
        subject="Re: Forty chairs",
        in_reply_to=question["message_id"],
        body="Blue ones, please.",
    )
    expect(answer).to_contain_text(f"Former address, redirects to sales@{DOMAIN}")
    expect(answer).to_contain_text("A reply to Lead “Forty chairs for the new office”")
    picture(window, "explain_incoming_former")
    window.page.set_viewport_size({"width": 1366, "height": 900})


def test_a_file_is_explained_as_it_is_then_delivered(window, counter):
    open_dialog(window, counter)
    source = message("Re: out of office", to=f"{LEADS}@{DOMAIN}", Auto_Submitted="auto-replied")
    choose(window, "Uploaded File (.eml)")
    window.page.locator(".modal input[type=file]").set_input_files(
        {"name": "vacation.eml", "mimeType": "message/rfc822", "buffer": source}
    )
    expect(window.page.locator(".modal [name=source] input.o_input")).to_have_value("vacation.eml")
    answer = press(window)
    expect(answer).to_contain_text("Discarded")
    picture(window, "explain_incoming_file")
    row = counter.deliver(source)
    assert row["state"] == "discarded"
    expect(answer).to_contain_text(row["reason"])


def test_an_unroutable_message_is_explained_with_every_rule(window, counter):
    open_dialog(window, counter)
    answer = ask(window, email_from=f"mary@{CUSTOMER}", email_to="nobody@elsewhere.example", subject="Hello")
    expect(answer).to_contain_text("Held")
    expect(answer).to_contain_text("No recipient matches")
    for rule in ("Message Too Large", "Duplicate Messages", "Automatic Replies", "Record Limit Exceeded"):
        expect(answer).to_contain_text(rule)
    picture(window, "explain_incoming_nobody")


def test_the_notice_about_a_rejected_message_is_shown(window, counter):
    open_dialog(window, counter)
    answer = ask(window, email_from=f"mary@{CUSTOMER}", email_to=f"catchall@{DOMAIN}", subject="Hello")
    expect(answer).to_contain_text("Rejected")
    expect(answer).to_contain_text("Notice to the Sender")
    picture(window, "explain_incoming_refused")
    told = "SELECT 1 FROM mail_inbound_sender_notice UNION ALL SELECT 1 FROM mail_mail WHERE email_to LIKE %s"
    assert not counter.gateway.sql(told, f"%mary@{CUSTOMER}%")


def test_a_record_that_cannot_be_created_is_explained_in_words(window, counter):
    counter.gateway.alias("broken", "crm.lead")
    counter.gateway.sql(
        "UPDATE mail_alias SET alias_defaults = '{''stage_id'': 2000000000}' WHERE alias_name = 'broken'"
    )
    open_dialog(window, counter)
    before = counter.rows_at_rest()
    answer = ask(window, email_from=f"mary@{CUSTOMER}", email_to=f"broken@{DOMAIN}", subject="Hello")
    expect(answer).to_contain_text("Failed")
    expect(answer).to_contain_text("an error")
    picture(window, "explain_incoming_error")
    assert counter.rows() == before


def test_a_message_that_waits_for_a_lock_is_explained_in_words(window, counter):
    counter.gateway.alias("busy", "crm.lead")
    counter.gateway.sql("UPDATE mail_alias SET alias_status = 'not_tested' WHERE alias_name = 'busy'")
    open_dialog(window, counter)
    with counter.gateway.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM mail_alias WHERE alias_name = 'busy' FOR UPDATE")
        dialog = window.page.locator(".modal")
        dialog.locator("[name=email_to] input").fill(f"busy@{DOMAIN}")
        dialog.get_by_role("button", name="Explain", exact=True).click()
        answer = window.page.locator(".modal [name=answer]")
        expect(answer).to_contain_text("Try again in a moment", timeout=60_000)
        cursor.execute("ROLLBACK")


def test_a_held_message_says_what_would_happen_now(window, counter):
    row = counter.deliver(message("Later", to=f"later@{DOMAIN}"))
    assert row["state"] == "held"
    counter.gateway.alias("later", "crm.lead")
    window.open_record("mail.inbound.message", row["id"])
    before = counter.rows_at_rest()
    window.page.locator("button[name=action_explain]").click()
    dialog = window.page.locator(".modal")
    expect(dialog.locator("[name=answer]")).to_contain_text("Odoo creates a record.")
    expect(dialog.locator("[name=inbound_message_id] input")).to_have_value("Later")
    picture(window, "explain_incoming_held")
    assert counter.rows() == before


def test_a_postmaster_without_settings_can_explain_a_message(window, counter):
    window.page.context.clear_cookies()
    window.login(counter.gateway.odoo, counter.postmaster)
    open_dialog(window, counter)
    answer = ask(window, email_from=f"Nora New <nora@{CUSTOMER}>", email_to=f"{LEADS}@{DOMAIN}", subject="Fifty desks")
    expect(answer).to_contain_text("Odoo creates a record.")
    assert fits(window.page.locator(".modal-body"))
    picture(window, "explain_incoming_postmaster")
