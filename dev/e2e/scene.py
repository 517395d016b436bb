"""An Odoo with messages in all states and servers of all kinds, for the tests of its screens."""

import os

import pytest
from playwright.sync_api import expect

from e2e.gateway import DOMAIN, FETCH, LEADS, Gateway, message, until
from e2e.window import picture

DEFERRED, FAILED = "Fifty desks", "Sixty desks"
# The disk is full for one message only, which stays deferred; another one cannot be processed at all.
FAULTS = f"""
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.subject = '{DEFERRED}' THEN
            RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100';
        ELSIF NEW.subject = '{FAILED}' THEN
            RAISE EXCEPTION 'another addon does not like it';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fault BEFORE INSERT ON mail_message FOR EACH ROW EXECUTE FUNCTION fault();
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
    """An Odoo whose inbound messages are in all states, into which real mail and real errors have put them."""

    def __init__(self, gateway, dovecot, untrusted_dovecot):
        self.gateway, self.dovecot = gateway, dovecot
        self.mailbox = f"office-{os.getpid()}@{DOMAIN}"
        self.imap = gateway.mail_server(self.mailbox, dovecot.port("imaps"), name="Office", is_ssl=True)
        self.pop = gateway.mail_server(f"shop-{os.getpid()}@{DOMAIN}", dovecot.port("pop3"), "pop", name="Shop")
        self.old = gateway.mail_server(
            f"old-{os.getpid()}@{DOMAIN}",
            untrusted_dovecot.port("imaps"),
            name="From before",
            is_ssl=True,
            verify_certificate=False,
        )
        self.failing = gateway.mail_server(f"failing-{os.getpid()}@{DOMAIN}", dovecot.port("imap"), name="Failing")

    def play(self):
        """Let messages come in, and one server fail."""
        self.gateway.sql(FAULTS)
        self.gateway.sql("UPDATE fetchmail_server SET password = 'changed' WHERE id = %s", self.failing)
        twice = message("Two lamps", message_id="<twice@customer.example>", sender=CUSTOMER)
        self.dovecot.put_all(self.mailbox, [message("Forty chairs", sender=CUSTOMER, body=REQUEST), twice])
        self.gateway.odoo.run_cron(FETCH)
        self.gateway.settle()
        self.dovecot.put_all(
            self.mailbox,
            [
                twice.replace(b"\r\nTo:", b"\r\nX-Forwarded: again\r\nTo:"),
                message("Is anybody there?", to=f"nobody@{DOMAIN}"),
                message("Our new catalogue", to=f"catalogues@{DOMAIN}", sender="Supplier <news@supplier.example>"),
                message("To the catchall", to=f"catchall@{DOMAIN}"),
                message(FAILED),
            ],
        )
        self.gateway.fetch(self.imap)
        self.gateway.settle()
        self.dovecot.put(self.mailbox, message(DEFERRED, sender=CUSTOMER))
        self.gateway.fetch(self.imap)
        until(lambda: self.state(DEFERRED) == "deferred")

    def hire_postmaster(self):
        """Create a user whose only group is that of postmasters; the password is the login."""
        group = self.gateway.ref("mail_gateway.group_postmaster")
        self.gateway.call(
            "res.users",
            "create",
            {
                "name": "Postmaster",
                "login": "postmaster",
                "password": "postmaster",
                "group_ids": [(6, 0, [group])],
            },
            context={"no_reset_password": True},
        )

    def hold(self, subject):
        """Let an unroutable message come in; return its id when it is held."""
        self.dovecot.put(self.mailbox, message(subject, to=f"{subject.replace(' ', '.').lower()}@{DOMAIN}"))
        self.gateway.fetch(self.imap)
        until(lambda: self.state(subject) == "held")
        return self.message(subject)

    def message(self, subject):
        """Return the id of the newest inbound message with this subject."""
        return self.gateway.sql("SELECT max(id) FROM mail_inbound_message WHERE subject = %s", subject)[0][0]

    def state(self, subject):
        """Return the state of that message, or None."""
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


@pytest.fixture
def postmaster(scene, window):
    """The same window, in which a user whose only group is that of postmasters is logged in."""
    log_in(window, scene, "postmaster")
    yield window
    log_in(window, scene, "admin")


def log_in(window, scene, user):
    """Log in as another user; the browser forgets the users that the login page would offer."""
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


def route_to_alias(page, window):
    """Choose the alias leads@ in the dialog and confirm."""
    dialog = page.locator(".modal")
    dialog.get_by_role("radio", name="Alias").check()
    dialog.locator("[name=alias_id] input").fill(LEADS)
    page.locator(".o-autocomplete--dropdown-item", has_text=f"{LEADS}@").click()
    picture(window, "route_alias")
    dialog.locator("button[name=action_route]").click()
    expect(dialog).to_have_count(0)
