"""Addresses that customers still use after they were renamed, through a real Postfix and Dovecot; Former Addresses."""

import os
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.utils import parseaddr

import pytest
from playwright.sync_api import expect

from e2e.gateway import QUEUE, Gateway, message, until
from lab.testing.browser import Browser

DOMAIN = f"former-{os.getpid()}.example"
CUSTOMER = f"purchasing@customer-{os.getpid()}.example"
CATCHALL, BOUNCE = f"catchall@{DOMAIN}", f"bounce@{DOMAIN}"
# Postfix answers such addresses with a bounce.
UNKNOWN = f"unknown@customer-{os.getpid()}.example"


class Company:
    """An Odoo with mailboxes for the addresses that are going to be renamed."""

    def __init__(self, gateway, postfix, dovecot):
        self.gateway, self.postfix, self.dovecot = gateway, postfix, dovecot
        self.call = gateway.call

    def mailbox(self, address):
        """Create an incoming server for the mailbox of an address; return its id."""
        return self.gateway.mail_server(address, self.dovecot.port("imap"))

    def alias(self, name, domain=DOMAIN):
        """Create an alias for leads; return (id, address)."""
        alias = self.gateway.alias(name, "crm.lead")
        self.call("mail.alias", "write", [alias], {"alias_domain_id": self.domain(domain)})
        return alias, f"{name}@{domain}"

    def domain(self, name):
        """Return the id of an alias domain, which is created if necessary."""
        found = self.call("mail.alias.domain", "search", [["name", "=", name]])
        return found[0] if found else self.call("mail.alias.domain", "create", {"name": name})

    def rename_domain(self, domain, **values):
        """Change names of an alias domain."""
        self.call("mail.alias.domain", "write", [self.domain(domain)], values)

    @contextmanager
    def renamed(self, domain, **values):
        """Change names of an alias domain until the block ends."""
        found = self.domain(domain)
        [before] = self.call("mail.alias.domain", "read", [found], list(values))
        self.call("mail.alias.domain", "write", [found], values)
        yield
        self.call("mail.alias.domain", "write", [found], {name: before[name] for name in values})

    def receive(self, raw, to, server, sender=CUSTOMER):
        """Send a message by SMTP as the customer; return its row once it was fetched and delivered."""
        self.postfix.submit(raw, sender, [to])
        return self.arrival(server)

    def arrival(self, server):
        """Wait for the next message of an incoming server to be delivered, and return its row."""
        before = self.gateway.count(["server_id", "=", server])
        until(lambda: self.gateway.fetch(server) and self.gateway.count(["server_id", "=", server]) > before)
        self.gateway.settle()
        return self.call("mail.inbound.message", "search_read", [["server_id", "=", server]], limit=1, order="id desc")[
            0
        ]

    def lead_name(self, row):
        """Return the name of the lead that a message created."""
        assert row["res_model"] == "crm.lead"
        return self.call("crm.lead", "read", [row["res_id"]], ["name"])[0]["name"]

    def ask(self, lead_name, address):
        """Post a question on a new lead that the customer follows.

        :return: (lead, id of the question)
        """
        partner = self.call("res.partner", "create", {"name": "Purchasing", "email": address})
        lead = self.call("crm.lead", "create", {"name": lead_name, "partner_id": partner, "team_id": False})
        self.call("crm.lead", "message_subscribe", [lead], partner_ids=[partner])
        posted = self.call(
            "crm.lead",
            "message_post",
            [lead],
            body="Which colour?",
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )
        self.gateway.wake(QUEUE)
        return lead, posted[0] if isinstance(posted, list) else posted

    def entry(self, address):
        """Return the values of an entry of the list."""
        [entry] = self.call("mail.former.address", "search_read", [["address", "=", address]])
        return entry


@pytest.fixture(scope="module")
def company(module_database, postfix, dovecot):
    """The company that the tests of the module share: each test has addresses of its own."""
    gateway = Gateway(module_database)
    try:
        yield Company(gateway.prepare(DOMAIN), postfix, dovecot)
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def window(company):
    """The administrator's window."""
    with Browser() as browser:
        browser.login(company.gateway.odoo)
        yield browser


def test_mail_to_the_old_alias_creates_a_lead(company):
    alias, old = company.alias("sales")
    server = company.mailbox(old)
    company.call("mail.alias", "write", [alias], {"alias_name": "verkauf"})
    row = company.receive(message("Ten chairs", old, CUSTOMER), old, server)
    assert (row["state"], company.lead_name(row)) == ("delivered", "Ten chairs")
    assert row["former_address"] == f"{old} → verkauf@{DOMAIN}"


def test_a_reply_to_the_old_catchall_reaches_its_record(company):
    server = company.mailbox(CATCHALL)
    lead, _question = company.ask("Twenty chairs", CUSTOMER)
    [raw] = until(lambda: company.dovecot.read(CUSTOMER))
    mail = message_from_bytes(raw, policy=policy.default)
    assert parseaddr(mail["Reply-To"])[1] == CATCHALL
    with company.renamed(DOMAIN, catchall_alias="answers"):
        reply = message(
            f"Re: {mail['Subject']}",
            CATCHALL,
            CUSTOMER,
            body="Blue.",
            In_Reply_To=mail["Message-Id"],
            References=mail["Message-Id"],
        )
        row = company.receive(reply, CATCHALL, server)
    assert (row["state"], row["res_model"], row["res_id"]) == ("delivered", "crm.lead", lead)
    assert row["former_address"] == f"{CATCHALL} → answers@{DOMAIN}"
    [answer] = company.call("mail.message", "read", row["mail_message_ids"], ["body"])
    assert "Blue." in answer["body"]


def test_mail_to_the_old_catchall_that_replies_to_nothing_is_refused(company):
    old = f"catchall@second-{DOMAIN}"
    company.domain(f"second-{DOMAIN}")
    server = company.mailbox(old)
    company.rename_domain(f"second-{DOMAIN}", catchall_alias="answers")
    row = company.receive(message("Hello?", old, CUSTOMER), old, server)
    assert (row["state"], row["former_address"]) == ("rejected", f"{old} → answers@second-{DOMAIN}")


def test_a_bounce_to_the_old_bounce_address_is_recognised(company):
    server = company.mailbox(BOUNCE)
    _lead, question = company.ask("Thirty chairs", UNKNOWN)
    until(lambda: company.dovecot.read(BOUNCE))
    with company.renamed(DOMAIN, bounce_alias="returns"):
        row = company.arrival(server)
    assert row["former_address"] == f"{BOUNCE} → returns@{DOMAIN}"
    assert "A bounce" in row["reason"]
    notifications = company.call(
        "mail.notification", "search_read", [["mail_message_id", "=", question]], ["notification_status"]
    )
    assert "bounce" in [notification["notification_status"] for notification in notifications]


def test_mail_to_the_old_domain_creates_a_lead(company):
    alias, old = company.alias("office", f"old-{DOMAIN}")
    server = company.mailbox(old)
    company.rename_domain(f"old-{DOMAIN}", name=f"new-{DOMAIN}")
    row = company.receive(message("Forty chairs", old, CUSTOMER), old, server)
    assert (company.lead_name(row), row["former_address"]) == ("Forty chairs", f"{old} → office@new-{DOMAIN}")
    company.call("mail.alias", "write", [alias], {"alias_name": "bureau"})
    row = company.receive(message("Fifty chairs", old, CUSTOMER), old, server)
    assert (company.lead_name(row), row["former_address"]) == ("Fifty chairs", f"{old} → bureau@new-{DOMAIN}")


def test_mail_for_a_deleted_team_is_held_until_a_postmaster_enters_a_redirect(company, window):
    team = company.call("crm.team", "create", {"name": "Lamps", "alias_name": "lamps"})
    old = f"lamps@{DOMAIN}"
    server = company.mailbox(old)
    company.call("crm.team", "unlink", [team])
    row = company.receive(message("Two lamps", old, CUSTOMER), old, server)
    assert row["state"] == "held"
    assert f"The alias {old} was deleted on" in row["reason"]

    company.alias("lighting")
    page = open_entry(company, window, old)
    expect(page.locator(".alert-warning:visible")).to_contain_text("This address redirects nowhere")
    window.screenshot("former_deleted")
    page.locator("[name=alias_id] input").fill("lighting")
    page.locator(".o-autocomplete--dropdown-item", has_text="lighting@").first.click()
    page.locator(".o_form_button_save").click()
    until(lambda: company.entry(old)["leads_to"] == f"lighting@{DOMAIN}")
    company.call("mail.inbound.message", "action_process_again", [row["id"]])
    company.gateway.settle()
    [row] = company.call("mail.inbound.message", "read", [row["id"]])
    assert (row["state"], company.lead_name(row)) == ("delivered", "Two lamps")


def test_an_entry_stays_in_use_until_the_postmaster_retires_it(company, window):
    alias, old = company.alias("retiring")
    server = company.mailbox(old)
    company.call("mail.alias", "write", [alias], {"alias_name": "retired"})
    assert company.receive(message("Sixty chairs", old, CUSTOMER), old, server)["state"] == "delivered"
    page = open_entry(company, window, old)
    expect(page.locator("[name=action_open_messages]")).to_contain_text("1")
    window.screenshot("former_form")
    page.locator("button[name=action_archive]").click()
    page.locator(".modal button.btn-primary").click()
    expect(page.locator(".ribbon")).to_be_visible()
    window.screenshot("former_retired")
    row = company.receive(message("Seventy chairs", old, CUSTOMER), old, server)
    assert (row["state"], row["former_address"]) == ("held", False)
    assert f"No recipient matches: {old}" in row["reason"]


# What the postmaster sees


def open_entry(company, window, address):
    """Open the form of an entry; return the page."""
    entry = company.entry(address)
    window.page.goto(f"{company.gateway.odoo.url}/odoo/former-addresses/{entry['id']}")
    expect(window.page.locator(".o_form_view [name=address] input")).to_have_value(address)
    return window.page


def open_list(company, window):
    """Open Former Addresses; return the page."""
    window.page.goto(f"{company.gateway.odoo.url}/odoo/former-addresses")
    expect(window.page.locator(".o_list_view, .o_view_nocontent").first).to_be_visible()
    return window.page


def test_the_list_shows_what_leads_where(company, window):
    alias, old = company.alias("listed")
    company.call("mail.alias", "write", [alias], {"alias_name": "shown"})
    gone, deleted = company.alias("gone")
    company.call("mail.alias", "unlink", [gone])
    page = open_list(company, window)
    expect(page.locator(".o_data_row", has_text=old)).to_contain_text(f"shown@{DOMAIN}")
    expect(page.locator(".o_data_row", has_text=deleted)).to_have_class("o_data_row text-warning")
    window.screenshot("former_list")
    page.locator(".o_searchview_dropdown_toggler").click()
    page.locator(".o_filter_menu .o_menu_item", has_text="No Target").click()
    expect(page.locator(".o_data_row", has_text=old)).to_have_count(0)
    page.locator(".o_group_by_menu").get_by_role("menuitemcheckbox", name="Type", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator(".o_group_name").first).to_contain_text("Alias")
    window.screenshot("former_grouped")
    page.locator(".o_switch_view.o_graph").click()
    expect(page.locator(".o_graph_renderer canvas")).to_be_visible()
    window.screenshot("former_graph")


def test_a_postmaster_enters_a_domain(company, window):
    page = open_list(company, window)
    page.locator(".o_list_button_add").click()
    page.locator("[name=address] input").fill("@Ancient.example")
    window.screenshot("former_new")
    page.locator("[name=kind] select, [name=kind] input").first.click()
    choose(page, "kind", "Domain")
    page.locator("[name=alias_domain_id] input").fill(DOMAIN)
    page.locator(".o-autocomplete--dropdown-item", has_text=DOMAIN).first.click()
    page.locator(".o_form_button_save").click()
    until(lambda: company.call("mail.former.address", "search", [["address", "=", "ancient.example"]]))
    assert company.entry("ancient.example")["leads_to"]


def choose(page, field, label):
    """Choose an option of a selection field, whichever widget shows it."""
    select = page.locator(f"[name={field}] select")
    if select.count():
        select.select_option(label=label)
    else:
        page.locator(".o_select_menu_item", has_text=label).click()


def test_a_malformed_address_is_refused_in_words(company, window):
    company.alias("target")
    page = open_list(company, window)
    page.locator(".o_list_button_add").click()
    page.locator("[name=address] input").fill("no address")
    page.locator("[name=alias_id] input").fill("target")
    page.locator(".o-autocomplete--dropdown-item", has_text="target@").first.click()
    page.locator(".o_form_button_save").click()
    expect(page.locator(".modal")).to_contain_text("is not an e-mail address")
    window.screenshot("former_refused")
    page.locator(".modal button.btn-primary").click()
    page.locator(".o_form_button_cancel").click()


def test_an_alias_that_takes_a_former_address_over_warns(company, window):
    alias, _old = company.alias("wanted")
    company.call("mail.alias", "write", [alias], {"alias_name": "given"})
    taker = company.call("crm.team", "create", {"name": "Takers", "alias_name": "takers"})
    window.open_record("crm.team", taker)
    page = window.page
    page.locator("[name=alias_name] input").fill("wanted")
    page.locator("[name=alias_name] input").press("Tab")
    expect(page.locator(".modal, .o_notification")).to_contain_text(f"wanted@{DOMAIN} is a former address")
    window.screenshot("former_warning")


def test_a_message_to_a_former_address_says_so(company, window):
    alias, old = company.alias("marked")
    server = company.mailbox(old)
    company.call("mail.alias", "write", [alias], {"alias_name": "current"})
    row = company.receive(message("Eighty chairs", old, CUSTOMER), old, server)
    window.page.goto(f"{company.gateway.odoo.url}/odoo/inbound-messages/{row['id']}")
    expect(window.page.locator("[name=former_address]")).to_have_text(f"{old} → current@{DOMAIN}")
    window.screenshot("former_inbound")
