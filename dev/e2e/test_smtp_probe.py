"""Test Connection of outgoing servers: against Postfix, and against servers that misbehave, as an administrator sees it."""

import base64
import re
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from lab.host import ports
from lab.odoo.server import OdooError
from lab.servers.smtp_script import CLOSE, ScriptedSmtp
from lab.testing.browser import Browser

SENDER = "sales@mycompany.example"
# one of the ports that the probe tries when the configured one fails
ALTERNATIVE = 2525
BUTTON_SECONDS = 60


class Dialog:
    """What the dialog shows."""

    def __init__(self, gateway, server, seconds):
        self.seconds = seconds
        [probe] = gateway.call(
            "mail.server.connection.test", "read", [server], ["outcome", "summary", "advice", "step_ids"]
        )
        self.outcome, self.summary, self.advice = probe["outcome"], probe["summary"], probe["advice"] or ""
        steps = gateway.call(
            "mail.server.connection.test.step", "read", probe["step_ids"], ["step", "outcome", "words"]
        )
        self.outcomes = {step["step"]: step["outcome"] for step in steps}
        self.words = {step["step"]: step["words"] or "" for step in steps}

    @property
    def failed(self):
        """The step that failed."""
        return next((step for step, outcome in self.outcomes.items() if outcome == "failed"), None)


def create(gateway, port, encryption="none", **values):
    """Create an outgoing server; return its id."""
    return gateway.call(
        "ir.mail_server",
        "create",
        {
            "name": "Relay",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_encryption": encryption,
            "smtp_authentication": "login",
            "from_filter": SENDER,
            **values,
        },
    )


def press(gateway, server):
    """Press the button of a server; return the dialog."""
    began = time.monotonic()
    action = gateway.call("ir.mail_server", "action_connection_test", [server])
    return Dialog(gateway, action["res_id"], time.monotonic() - began)


def probe(gateway, port, encryption="none", **values):
    """Press the button of a new outgoing server; return the dialog."""
    return press(gateway, create(gateway, port, encryption, **values))


@contextmanager
def refused(*words):
    """Expect that a program that tests the server gets an error with all these words."""
    with pytest.raises(OdooError) as refusal:
        yield
    for piece in words:
        assert re.search(piece, str(refusal.value)), str(refusal.value)


@pytest.fixture
def alternative():
    """Listen on the port that the probe tries by itself."""
    if not ports.is_free(ALTERNATIVE):
        pytest.fail(f"Port {ALTERNATIVE} of 127.0.0.1 is in use by another program: stop that.")
    with ScriptedSmtp(certificate="trusted", auth=True, port=ALTERNATIVE) as server:
        yield server


# ---------------------------------------------------------------------- Postfix


@pytest.mark.parametrize("encryption", ["none", "starttls", "starttls_strict"])
def test_postfix_accepts_every_step_and_gets_no_message(gateway, postfix, encryption):
    dialog = probe(gateway, postfix.port, encryption)
    assert dialog.outcome == "ok", dialog.summary
    assert "ESMTP Postfix" in dialog.words["greeting"]
    assert "100.00 Mb" in dialog.words["greeting"]
    assert dialog.outcomes["tls"] == ("skipped" if encryption == "none" else "ok")
    assert not [entry for entry in postfix.queue() if entry["sender"] == SENDER]


def test_postfix_speaks_tls_from_the_first_byte(gateway, postfix):
    dialog = probe(gateway, postfix.smtps_port, "ssl_strict")
    assert dialog.outcome == "ok", dialog.summary
    assert re.search(
        r"TLSv1\.3\nCertificate of localhost, issued by Test lab of mail_gateway, valid until .*2044",
        dialog.words["tls"],
    )
    assert "Verified" in dialog.words["tls"]


def test_an_encryption_without_validation_reports_what_validation_would_find(gateway, postfix):
    dialog = probe(gateway, postfix.port, "starttls")
    assert "would be accepted if it were" in dialog.words["tls"]


def test_starttls_that_is_not_used_is_offered(gateway, postfix):
    assert "offers STARTTLS" in probe(gateway, postfix.port).words["tls"]


def test_a_missing_login_of_postfix_is_reported(gateway, postfix):
    dialog = probe(gateway, postfix.port, "starttls_strict", smtp_user="box", smtp_pass="secret")
    assert dialog.failed == "login"
    assert "offers no login on port" in dialog.summary


def test_the_server_of_the_command_line_is_tested_if_it_is_chosen(gateway, postfix):
    dialog = probe(gateway, 1, smtp_authentication="cli")
    assert dialog.outcome == "ok", dialog.summary
    assert f"port {postfix.port}" in dialog.words["connection"]


def test_a_program_gets_cores_notification(gateway, postfix):
    server = create(gateway, postfix.port, "starttls_strict")
    assert gateway.call("ir.mail_server", "test_smtp_connection", [server])["tag"] == "display_notification"


# ---------------------------------------------------------------------- ports


def test_a_refused_port_names_the_ports_that_answer(gateway, alternative):
    dialog = probe(gateway, ports.any_free())
    assert dialog.failed == "connection"
    assert "refuses connections" in dialog.summary
    assert "• 465: refuses connections" in dialog.advice
    assert "• 2525: offers STARTTLS" in dialog.advice
    assert (
        "Set “SMTP Port” to 2525 and “Connection Encryption” to “TLS (STARTTLS), encryption and validation”"
        in dialog.advice
    )
    assert dialog.outcomes["recipient"] == "not_tried"
    assert not alternative.commands


def test_programs_get_the_ports_that_answer_when_a_port_is_refused(gateway, alternative):
    server = create(gateway, ports.any_free())
    with refused("“Relay”, step “Connection”", "refuses connections", "• 2525: offers STARTTLS"):
        gateway.call("ir.mail_server", "test_smtp_connection", [server])


def test_the_advised_port_works(gateway, alternative):
    server = create(gateway, ports.any_free(), smtp_user="box", smtp_pass="secret")
    press(gateway, server)
    gateway.call("ir.mail_server", "write", [server], {"smtp_port": ALTERNATIVE, "smtp_encryption": "starttls_strict"})
    dialog = press(gateway, server)
    assert dialog.outcome == "ok", dialog.summary
    assert "Logged in by PLAIN" in dialog.words["login"]
    assert not alternative.received


def test_the_dialog_says_that_port_25_is_often_blocked(gateway):
    if not ports.is_free(25):
        pytest.skip("something listens on port 25 of 127.0.0.1")
    assert "block port 25" in probe(gateway, 25).advice


def test_a_port_that_waits_for_tls_is_reported_in_time(gateway, postfix):
    """Only this test waits for the real time-outs; the unit tests have shorter ones."""
    dialog = probe(gateway, postfix.smtps_port)
    assert dialog.failed == "greeting"
    assert "does not answer" in dialog.summary
    assert f"• {postfix.smtps_port}: accepts SSL/TLS" in dialog.advice
    assert (
        f"“SMTP Port” to {postfix.smtps_port} and “Connection Encryption” to “SSL/TLS, encryption and validation”"
        in dialog.advice
    )
    assert dialog.seconds < BUTTON_SECONDS


def test_a_plain_port_where_tls_is_configured_is_reported(gateway, postfix):
    dialog = probe(gateway, postfix.port, "ssl_strict")
    assert dialog.failed == "tls"
    assert "does not expect SSL/TLS. Choose STARTTLS" in dialog.summary
    assert f"“SMTP Port” to {postfix.port} and “Connection Encryption” to “TLS (STARTTLS)" in dialog.advice


def test_missing_starttls_is_reported_and_no_mail_command_is_sent(gateway):
    with ScriptedSmtp(auth=True) as server:
        dialog = probe(gateway, server.port, "starttls", smtp_user="box", smtp_pass="secret")
        assert dialog.failed == "tls"
        assert "offers no STARTTLS" in dialog.summary
        assert f"• {server.port}: offers no encryption" in dialog.advice
        assert "Set “SMTP Port”" not in dialog.advice
        assert not server.commands


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-server.invalid", "There is no server named “no-such-server.invalid”"),
        ("münchen.invalid", "There is no server named “münchen.invalid”"),
        ("mail..example", "is not a valid server name"),
    ],
)
def test_a_host_name_that_leads_nowhere_is_reported(gateway, host, words):
    dialog = probe(gateway, 25, smtp_host=host)
    assert dialog.failed == "name"
    assert words in dialog.summary
    assert not dialog.advice


# ---------------------------------------------------------------------- certificates


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize(
    ("certificate", "host", "reason", "advice"),
    [
        ("untrusted", "127.0.0.1", "self-signed", "trust its issuer"),
        ("expired", "127.0.0.1", "has expired", "renewed"),
        # the resolver takes 127.1 for 127.0.0.1, the certificate does not
        (
            "trusted",
            "127.1",
            "for another server name",
            "Enter one of its names as the server name: localhost, 127.0.0.1",
        ),
    ],
)
def test_a_bad_certificate_is_refused_with_its_reason_and_shown(gateway, implicit, certificate, host, reason, advice):
    with ScriptedSmtp(certificate=certificate, implicit_tls=implicit) as server:
        kind = "ssl" if implicit else "starttls"
        dialog = probe(gateway, server.port, f"{kind}_strict", smtp_host=host)
        assert dialog.failed == "tls"
        for words in (reason, advice, "Certificate of localhost, issued by"):
            assert words in dialog.summary
        assert not dialog.advice
        assert not server.commands
        accepted = probe(gateway, server.port, kind, smtp_host=host)
        assert accepted.outcome == "warning"
        assert accepted.outcomes["recipient"] == "ok"
        assert reason in accepted.words["tls"]


# ---------------------------------------------------------------------- logins


@pytest.mark.parametrize("password", ["secret", "s3cr3t"])
def test_a_password_is_checked(gateway, password):
    with ScriptedSmtp(certificate="trusted", auth=True) as server:
        dialog = probe(gateway, server.port, "starttls_strict", smtp_user="box", smtp_pass=password)
        if password == "secret":
            assert dialog.outcome == "ok", dialog.summary
        else:
            assert dialog.failed == "login"
            assert "refuses the login" in dialog.summary
            assert "535" in dialog.summary
            assert {command for command, _address in server.commands} == {"auth"}


def test_a_refused_token_of_gmail_is_reported(gateway):
    with ScriptedSmtp(certificate="trusted", auth=True) as server:
        gmail = create(gateway, server.port, "starttls", smtp_user=SENDER)
        # what signing in at Google would have left
        gateway.sql(
            "UPDATE ir_mail_server SET smtp_authentication = 'gmail', google_gmail_refresh_token = 'refresh',"
            " google_gmail_access_token = 'withdrawn', google_gmail_access_token_expiration = 2000000000"
            " WHERE id = %s",
            gmail,
        )
        dialog = press(gateway, gmail)
        assert dialog.failed == "login"
        # the server knows no such mechanism, and core ignores its reply
        assert "504" in dialog.summary
        assert "withdrawn" not in repr(vars(dialog))


def test_a_password_is_not_in_the_log(gateway):
    password = "in-no-log-whatsoever"
    with ScriptedSmtp(certificate="trusted", auth=True) as server:
        probe(gateway, server.port, "starttls", smtp_user="box", smtp_pass=password, smtp_debug=True)
    log = gateway.odoo.log.read_text()
    assert "Test of outgoing mail server" in log
    for form in (
        password,
        base64.b64encode(f"\0box\0{password}".encode()).decode(),
        base64.b64encode(password.encode()).decode(),
    ):
        assert form not in log


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("script", "step", "words"),
    [
        ({"connect": "421 4.3.2 too busy"}, "greeting", "Try again later.\nThe server says: 421 4.3.2 too busy"),
        ({"connect": "554 5.7.1 not from there"}, "greeting", "accepts no messages from this machine"),
        ({"connect": CLOSE}, "greeting", "closed the connection"),
        ({"mail": "550 5.7.1 not yours"}, "sender", f"does not accept messages from {SENDER}"),
        ({"mail": "451 4.3.0 later"}, "sender", "at the moment"),
        ({"mail": "530 5.7.0 Must issue a STARTTLS command first"}, "sender", "Choose STARTTLS"),
        ({"rcpt": "554 5.7.1 relay access denied"}, "recipient", "does not accept messages to noreply@odoo.com"),
        ({"rcpt": "450 4.7.1 greylisted"}, "recipient", "Try again in some minutes"),
        ({"rcpt": CLOSE}, "recipient", "closed the connection"),
    ],
)
def test_a_refusal_is_reported_with_its_step_and_what_to_do(gateway, script, step, words):
    with ScriptedSmtp(script) as server:
        dialog = probe(gateway, server.port)
        assert dialog.failed == step
        assert words in dialog.summary
        assert not server.received


# ---------------------------------------------------------------------- the dialog


@pytest.fixture(scope="module")
def window(gateway):
    """The administrator's window."""
    with Browser() as browser:
        browser.login(gateway.odoo)
        yield browser
        assert not browser.errors


def click(window, gateway, server):
    """Press the button of the form, with values that are not saved yet; return the dialog."""
    window.open_record("ir.mail_server", server)
    window.page.get_by_role("button", name="Test Connection").click()
    dialog = window.page.get_by_role("dialog")
    expect(dialog.get_by_text("Name Resolution")).to_be_visible(timeout=BUTTON_SECONDS * 1000)
    return dialog


def test_the_dialog_shows_success(gateway, window, postfix):
    dialog = click(window, gateway, create(gateway, postfix.port, "starttls_strict"))
    expect(dialog.get_by_role("status")).to_contain_text("Odoo sent none.")
    expect(dialog.locator("tr.o_data_row")).to_have_count(7)
    expect(dialog).to_contain_text("Certificate of localhost")
    window.screenshot("test_connection_success")
    dialog.get_by_role("button", name="Close", exact=True).first.click()
    expect(window.page.get_by_role("dialog")).to_have_count(0)


def test_the_dialog_shows_a_failure_and_is_repeated_after_a_change(gateway, window, alternative):
    server = create(gateway, ports.any_free())
    dialog = click(window, gateway, server)
    expect(dialog).to_contain_text("refuses connections")
    expect(dialog).to_contain_text("Set “SMTP Port” to 2525")
    window.screenshot("test_connection_failure")
    gateway.call("ir.mail_server", "write", [server], {"smtp_port": ALTERNATIVE})
    dialog.get_by_role("button", name="Test Again").click()
    expect(window.page.get_by_role("dialog").last).to_contain_text("Odoo sent none.", timeout=BUTTON_SECONDS * 1000)


def test_what_a_server_says_is_shown_as_text(gateway, window):
    with ScriptedSmtp({"mail": "550 <img src=x onerror=alert(1)> " + "no end " * 10 + "endless" * 100}) as smtp:
        dialog = click(window, gateway, create(gateway, smtp.port))
        expect(dialog.get_by_role("alert").first).to_contain_text("<img src=x onerror=alert(1)>")
        assert not dialog.locator("img[src=x]").count()
        window.screenshot("test_connection_long_reply")


def test_a_warning_is_shown_as_such(gateway, window):
    with ScriptedSmtp(certificate="expired", auth=True) as smtp:
        server = create(gateway, smtp.port, "starttls", smtp_user="box", smtp_pass="secret")
        dialog = click(window, gateway, server)
        expect(dialog).to_contain_text("See the warnings below")
        window.screenshot("test_connection_warning")


def test_values_that_are_not_saved_yet_are_tested(gateway, window, postfix):
    server = create(gateway, ports.any_free())
    window.open_record("ir.mail_server", server)
    window.page.get_by_label("SMTP Port").fill(str(postfix.port))
    window.page.get_by_role("button", name="Test Connection").click()
    expect(window.page.get_by_role("dialog").get_by_role("status")).to_contain_text(
        "Odoo sent none.", timeout=BUTTON_SECONDS * 1000
    )
