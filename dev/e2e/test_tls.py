"""Encrypted connections to real servers: what Odoo trusts, what it refuses, and its messages about that."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import pytest

from e2e.gateway import message
from lab.odoo.server import OdooError
from lab.servers.dovecot import PASSWORD, Dovecot
from lab.servers.proxy import Proxy

PORTS = {"imap": ("imap", "imaps"), "pop": ("pop3", "pop3s")}
PROTOCOLS = pytest.mark.parametrize("protocol", PORTS)
ENCRYPTIONS = pytest.mark.parametrize("encryption", ["is_ssl", "is_starttls"])
_number = count(1)


@pytest.fixture
def mailbox():
    """A mailbox for one run of a test, numbered: the parameters of the test do not fit into its name."""
    return f"tls-{next(_number)}-{os.getpid()}@mycompany.example"


@pytest.fixture(scope="module")
def expired_dovecot():
    """Another Dovecot, running, with a certificate that was good until 2024."""
    with Dovecot("expired") as service:
        yield service


@pytest.fixture(scope="module")
def silent(gateway, dovecot):
    """protocol -> a future of the message of Test & Confirm when the port expects TLS and none is configured.

    Client and server each wait for the other to begin, until a time-out; both protocols are tried at the same time.
    """

    def ask(protocol):
        with pytest.raises(OdooError) as refusal:
            gateway.mail_server("silent@mycompany.example", dovecot.port(PORTS[protocol][1]), protocol)
        return str(refusal.value)

    with ThreadPoolExecutor() as pool:
        yield {protocol: pool.submit(ask, protocol) for protocol in PORTS}


def connect(gateway, dovecot, mailbox, protocol, encryption, **values):
    """Create an incoming server and confirm it."""
    port = dovecot.port(PORTS[protocol][encryption == "is_ssl"])
    return gateway.mail_server(mailbox, port, protocol, **{encryption: True, **values})


@contextmanager
def refused(*words):
    """Expect an error to the administrator with all these words."""
    with pytest.raises(OdooError) as refusal:
        yield
    for piece in words:
        assert re.search(piece, str(refusal.value)), str(refusal.value)


@PROTOCOLS
@ENCRYPTIONS
def test_a_trusted_certificate_is_accepted(silent, gateway, dovecot, mailbox, protocol, encryption):
    server = connect(gateway, dovecot, mailbox, protocol, encryption, server="localhost")
    dovecot.put(mailbox, message("Encrypted"))
    assert gateway.fetch(server) == "New messages: 1"


@PROTOCOLS
@ENCRYPTIONS
def test_an_untrusted_certificate_is_refused(gateway, untrusted_dovecot, mailbox, protocol, encryption):
    with refused(
        "“127.0.0.1” could not prove its identity", "self-signed certificate", "this machine trusts its issuer"
    ):
        connect(gateway, untrusted_dovecot, mailbox, protocol, encryption)


@PROTOCOLS
@ENCRYPTIONS
def test_an_expired_certificate_is_refused(gateway, expired_dovecot, mailbox, protocol, encryption):
    with refused("“127.0.0.1” could not prove its identity", "certificate has expired"):
        connect(gateway, expired_dovecot, mailbox, protocol, encryption)


@PROTOCOLS
@ENCRYPTIONS
def test_a_certificate_for_another_name_is_refused(gateway, dovecot, mailbox, protocol, encryption):
    # the resolver takes 127.1 for 127.0.0.1, the certificate does not
    with refused(
        "“127.1” could not prove its identity",
        "certificate is not valid for '127.1'",
        "Check that the server name is the one in the certificate",
    ):
        connect(gateway, dovecot, mailbox, protocol, encryption, server="127.1")


@PROTOCOLS
@ENCRYPTIONS
def test_any_certificate_is_accepted_if_the_administrator_allows_it(
    gateway, untrusted_dovecot, mailbox, protocol, encryption
):
    server = connect(gateway, untrusted_dovecot, mailbox, protocol, encryption, verify_certificate=False)
    untrusted_dovecot.put(mailbox, message("Encrypted, by whomever"))
    assert gateway.fetch(server) == "New messages: 1"


@PROTOCOLS
def test_a_certificate_that_expires_later_is_reported_on_the_form(gateway, dovecot, expired_dovecot, mailbox, protocol):
    server = connect(gateway, dovecot, mailbox, protocol, "is_ssl")
    port = expired_dovecot.port(PORTS[protocol][1])
    gateway.call("fetchmail.server", "write", [server], {"port": port})
    with refused("certificate has expired"):
        gateway.fetch(server)
    [values] = gateway.call("fetchmail.server", "read", [server], ["state", "error_message"])
    assert values["state"] == "done"
    assert "certificate has expired" in values["error_message"]


@PROTOCOLS
def test_tls_on_a_port_that_does_not_speak_it_is_explained(gateway, dovecot, mailbox, protocol):
    with refused(
        "No encrypted connection to “127.0.0.1” on port", "Check whether this port expects STARTTLS or no encryption."
    ):
        gateway.mail_server(mailbox, dovecot.port(PORTS[protocol][0]), protocol, is_ssl=True)


@PROTOCOLS
def test_no_password_is_sent_to_a_server_without_starttls(gateway, dovecot, mailbox, protocol):
    with WithoutStartTls(dovecot.port(PORTS[protocol][0])) as server:
        with refused("No encrypted connection to “127.0.0.1” on port .* by STARTTLS", "not support"):
            gateway.mail_server(mailbox, server.port, protocol, is_starttls=True)
        assert not server.passwords


@PROTOCOLS
def test_a_port_that_expects_tls_is_explained_when_none_is_configured(silent, protocol):
    answer = silent[protocol].result()
    assert "did not answer on port" in answer
    assert "If this port expects SSL/TLS, switch it on." in answer


class WithoutStartTls(Proxy):
    """Hides the capability STARTTLS, as a man in the middle would do to get the password."""

    passwords = 0

    def _cut(self, connection, data):
        self.passwords += PASSWORD.encode() in data
        for word in (b"STARTTLS", b"STLS"):
            data = data.replace(word, b"XYZZY"[: len(word)].ljust(len(word), b"Z"))
        return super()._cut(connection, data)
