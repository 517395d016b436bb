"""Very long headers of wide characters: they stop no other message, whichever transport they come by."""

import base64
import io
import random
import zipfile
from itertools import count

import pytest

from e2e.gateway import DOMAIN, LEADS, message, until
from lab.odoo.server import OdooError

# Characters of four bytes in UTF-8, in random order, so that PostgreSQL cannot compress them.
WIDE = "".join(map(chr, random.Random(9).choices(range(0x10000, 0x1FFFF), k=4000)))
HEADERS = (
    *("From", "Sender", "Reply-To", "Return-Path", "To", "Cc", "Delivered-To", "X-Original-To", "Resent-To", "Subject"),
    *("Message-Id", "In-Reply-To", "References", "Date", "Auto-Submitted", "List-Id", "X-Loop", "Content-Language"),
)
_number = count(1)


def encoded(text):
    """Return the text as encoded words (RFC 2047) of at most 75 characters."""
    words = [text[n : n + 10].encode() for n in range(0, len(text), 10)]
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def wide_messages():
    """Return messages, each with one very wide header, in one of the forms in which it can be written."""
    for name in HEADERS:
        for written in (
            WIDE,
            f"{encoded(WIDE[:950])}@customer.example",
            f"<{WIDE[:950]}@customer.example>",
            f"{encoded(WIDE)} <wide{next(_number)}@customer.example>",
        ):
            yield with_header(name, written)


def with_header(name, written):
    """Return a message with one more header, or with another value of a header that it has."""
    lines = message("Wide").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(name.lower().encode() + b":")]
    return b"\r\n".join([f"{name}: {written}".encode(), *kept])


def among(messages):
    """Return the messages with ordinary ones around them, and the subjects of the ordinary ones."""
    around = ["Before", "Between", "After"]
    before, between, after = map(message, around)
    middle = len(messages) // 2
    return [before, *messages[:middle], between, *messages[middle:], after], sorted(around)


@pytest.mark.parametrize("protocol", ["imap", "pop"])
def test_a_wide_header_stops_neither_the_visit_nor_other_messages(gateway, dovecot, mailbox, protocol):
    server = gateway.mail_server(mailbox, dovecot.port("imap" if protocol == "imap" else "pop3"), protocol)
    messages, ordinary = among(list(wide_messages()))
    dovecot.put_all(mailbox, messages)
    assert gateway.fetch(server) == f"New messages: {len(messages)}"
    gateway.settle()
    assert [name for name in gateway.leads(server) if name in ordinary] == ordinary
    assert not gateway.sql(
        "SELECT subject, detail FROM mail_inbound_message WHERE server_id = %s AND state = 'failed'", server
    )
    assert gateway.fetch(server) == "New messages: 0"


def test_an_archive_of_wide_messages_is_imported(gateway):
    messages, ordinary = among(list(wide_messages()))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number, source in enumerate(messages):
            file.writestr(f"{number:03}.eml", source)
    attachment = gateway.call(
        "ir.attachment",
        "create",
        {
            "name": "messages.zip",
            "res_model": "mail.inbound.import",
            "datas": base64.b64encode(archive.getvalue()).decode(),
        },
    )
    dialog = gateway.call("mail.inbound.import", "create", {"file_ids": [(6, 0, [attachment])]})
    [(_id, _in, imported)] = gateway.call("mail.inbound.import", "action_import", [dialog])["domain"]
    assert len(imported) == len(messages)
    gateway.settle()
    rows = gateway.sql("SELECT subject, state FROM mail_inbound_message WHERE id = ANY(%s)", imported)
    assert sorted(subject for subject, state in rows if subject in ordinary and state == "delivered") == ordinary
    assert not [row for row in rows if row[1] == "failed"]


def test_a_program_hands_over_wide_messages(gateway):
    for source in wide_messages():
        try:
            gateway.call("mail.thread", "message_process", False, source.decode())
        except OdooError as error:  # if To is the wide header, it names no recipient that Odoo knows
            assert "No recipient matches" in str(error) or "names no recipient" in str(error)
    assert not gateway.count(["state", "=", "failed"], ["transport", "=", "call"])


def test_notices_to_wide_addresses_stop_no_other_notice(gateway, dovecot, postfix, mailbox):
    gateway.outgoing_server(postfix)
    partners_only = gateway.alias("partners-only", "crm.lead")
    gateway.call("mail.alias", "write", [partners_only], {"alias_contact": "partners"})
    server = gateway.mail_server(mailbox, dovecot.port("imap"))
    customers = [f"{name}-{mailbox}" for name in ("first", "last")]
    addresses = (
        f"{encoded(WIDE[:950])}@customer.example",
        f"<{WIDE[:950]}@customer.example>",
        f"<{WIDE[:50]}@customer.example>",
        f"{encoded(WIDE)} <{WIDE[:10]}@customer.example>",
        f"<mary@{WIDE[:50]}.example>",
        f"<{'a' * 230}@customer.example>",
        f"<{'a' * 900}@customer.example>",
        f'"{WIDE[:900]}" <wide@customer.example>',
    )
    to = f"partners-only@{DOMAIN}"
    refused = [message("Refused", to=to, sender=written) for written in addresses]
    refused += [b"Return-Path: %s\r\n%s" % (written.encode(), message("Refused", to=to)) for written in addresses]
    dovecot.put_all(
        mailbox,
        [message("Refused", to=to, sender=customers[0]), *refused, message("Refused", to=to, sender=customers[1])],
    )
    gateway.fetch(server)
    gateway.settle()
    states = gateway.sql("SELECT DISTINCT state FROM mail_inbound_message WHERE server_id = %s", server)
    # a sender without a usable address gets no notice
    assert {state for (state,) in states} <= {"rejected", "held", "discarded"}
    for customer in customers:
        [notice] = gateway.letters(dovecot, customer)
        assert LEADS not in str(notice["To"]) and customer in str(notice["To"])
    until(lambda: not gateway.sql("SELECT 1 FROM mail_mail WHERE state = 'outgoing'"))
