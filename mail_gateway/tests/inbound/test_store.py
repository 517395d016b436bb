import base64
import logging
import random
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.mail_gateway.models.fetch.mailbox_store import InboundMailboxStore
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tools import sql_log
from odoo.addons.mail_gateway.tools.fetch.folder_position import FolderPosition
from odoo.addons.mail_gateway.tools.fetch.mailbox import Batch, RemoteMessage
from odoo.addons.mail_gateway.tools.text.indexed_text import INDEXED_BYTES

# Each character takes four bytes in UTF-8, and compression does not shorten them.
WIDE = "".join(map(chr, random.Random(9).choices(range(0x10000, 0x1FFFF), k=4000)))
HEADERS = (
    *("From", "Sender", "Reply-To", "Return-Path", "To", "Cc", "Delivered-To", "X-Original-To", "Resent-To", "Subject"),
    *("Message-Id", "In-Reply-To", "References", "Date", "Auto-Submitted", "List-Id", "X-Loop", "Content-Language"),
)


def encoded(text):
    """Encode a text by RFC 2047, in words of at most 75 characters."""
    words = [text[n : n + 10].encode() for n in range(0, len(text), 10)]
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def widest(name, written):
    """Return a message in which one header has this value."""
    values = {"From": "mary@customer.example", "To": "sales@mycompany.example", "Subject": "Wide"}
    values[name] = written
    return "".join(f"{key}: {value}\r\n" for key, value in values.items()).encode() + b"\r\nHello\r\n"


def written(text, address="@customer.example"):
    """Return the ways to write that text into a header."""
    return {
        "raw": text,
        "encoded": encoded(text),
        "address": f"{text}{address}",
        "encoded address": f"{encoded(text)}{address}",
        "brackets": f"<{text}{address}>",
        "name": f"{encoded(text)} <mary@customer.example>",
        "many": ",\r\n ".join(f"{text[n : n + 60]}{address}" for n in range(0, 3000, 60)),
        "domain": f"mary@{text}.example",
    }


class StoreCase(InboundCommon):
    def remote(self, *sources, prefix="imap://box@127.0.0.1/INBOX;UIDVALIDITY=7/;UID="):
        return [RemoteMessage(f"{prefix}{number}", source) for number, source in enumerate(sources, 1)]

    def refuse(self, marked):
        """Have the database refuse messages whose `marked` field holds "refused"."""
        self.env.cr.execute(
            SQL(
                "ALTER TABLE mail_inbound_message ADD CONSTRAINT refused CHECK (%s IS DISTINCT FROM 'refused')",
                SQL.identifier(marked),
            )
        )


@tagged("post_install", "-at_install")
class TestStoreWide(StoreCase):
    """Values from outside may have any length and any characters."""

    def test_a_from_of_950_wide_characters_is_stored_along_with_its_neighbours(self):
        stored = self.store(raw("First"), widest("From", encoded(WIDE[:950]) + "@customer.example"), raw("Last"))
        self.assertEqual(len(stored), 3)

    def test_messages_with_very_long_headers_are_stored(self):
        sources = [widest(name, value) for name in HEADERS for value in written(WIDE).values()]
        stored = self.store(*sources)
        self.assertEqual([message._source_bytes() for message in stored], sources)
        self.assertEqual(len(stored.filtered("subject")), len(stored), "none was stored with minimal values")
        for field in ("sender", "message_id", "conversation"):
            self.assertLessEqual(max(len((message[field] or "").encode()) for message in stored), INDEXED_BYTES)

    def test_messages_with_very_long_headers_are_processed_without_errors(self):
        to = f"inbound@{self.alias_domain}"
        sources = [
            widest(name, value).replace(b"To: sales@mycompany.example", f"To: {to}".encode())
            for name in HEADERS
            for value in written(WIDE[:1200]).values()
            if name != "To"
        ]
        stored = self.deliver(*sources)
        unexpected = stored.filtered(lambda message: message.state in ("deferred", "failed", "received"))
        self.assertFalse(unexpected.mapped("detail"))

    def test_a_program_may_pass_a_message_with_a_very_long_from(self):
        source = widest("From", f"{encoded(WIDE)}@customer.example")
        source = source.replace(b"sales@mycompany.example", f"inbound@{self.alias_domain}".encode())
        self.assertTrue(self.env["mail.thread"].message_process("res.partner", source))

    def test_two_ids_that_begin_alike_stay_different(self):
        ids = [f"<{WIDE[:480]}{end}" for end in ("a", "b")]
        stored = self.store(*(widest("Message-Id", each) for each in ids))
        self.assertEqual(len(set(stored.mapped("message_id"))), 2)
        for message, each in zip(stored, ids, strict=True):
            self.assertEqual(self.env["mail.inbound.message"].search([("message_id", "=", each)]), message)

    def test_a_very_long_key_is_recognized(self):
        message = RemoteMessage(f"pop://box@127.0.0.1/;UIDL={WIDE}", raw())
        store = InboundMailboxStore(self.server, durable=False)
        store.add(Batch([message], [message.key]))
        self.assertEqual(store.known([message.key, message.key[:-1]]), {message.key})
        self.assertEqual(store.unacknowledged(), [message.key])
        store.acknowledged([message.key])
        self.assertEqual(store.unacknowledged(), [])

    def test_an_address_that_is_too_long_is_not_stored_as_the_sender(self):
        stored = self.store(widest("From", f"{'a' * 900}@customer.example"))
        self.assertFalse(stored.sender)
        self.assertLessEqual(len(stored.email_from), 1000)

    def test_counters_and_locks_take_addresses_of_any_length(self):
        record = self.env["res.partner"].create({"name": "Made"})
        for wide in (f"{WIDE[:1000]}@customer.example", f"{WIDE[:1001]}@customer.example"):
            self.env["mail.inbound.created.record"]._count("mail.alias,1", wide, False, record)
            self.env["mail.inbound.message.id.lock"]._lock(wide)
            self.assertEqual(self.env["mail.inbound.created.record"].search_count([("counted_for", "=", wide)]), 1)


@tagged("post_install", "-at_install")
class TestStoreRefused(StoreCase):
    """A message that the database refuses does not stop others."""

    def setUp(self):
        super().setUp()
        self.mailbox_store = InboundMailboxStore(self.server, durable=False)

    def store_batch(self, *sources):
        messages = self.remote(*sources)
        position = FolderPosition("box@127.0.0.1", "INBOX", 7, len(messages))
        left = self.mailbox_store.add(Batch(messages, [message.key for message in messages], position))
        return left, self.env["mail.inbound.message"].search([("server_id", "=", self.server.id)], order="id")

    @mute_logger("odoo.sql_db")
    def test_a_refused_message_is_stored_without_its_values_and_its_neighbours_are_stored_unchanged(self):
        self.refuse("subject")
        left, stored = self.store_batch(raw("First"), raw("refused"), raw("Last"))
        self.assertIsNone(left)
        self.assertEqual(stored.mapped("subject"), ["First", False, "Last"])
        refused = stored[1]
        self.assertEqual(refused._source_bytes(), raw("refused"))
        self.assertEqual((refused.state, refused.size), ("received", len(raw("refused"))))
        self.assertEqual(len(self.mailbox_store.unacknowledged()), 3)

    @mute_logger("odoo.sql_db")
    def test_a_message_that_cannot_be_stored_stays_on_the_server_and_in_the_backlog(self):
        self.refuse("digest")
        with patch(
            "odoo.addons.mail_gateway.tools.source_values.digest_of", lambda s: "refused" if b"Bad" in s else "x"
        ):
            left, stored = self.store_batch(raw("First"), raw("Bad"), raw("Last"))
        bad = self.remote(b"", b"")[1].key
        self.assertEqual(left.keys, {bad})
        self.assertEqual(stored.mapped("subject"), ["First", "Last"])
        self.assertNotIn(bad, self.mailbox_store.unacknowledged())
        self.assertEqual(self.mailbox_store.position("box@127.0.0.1", "INBOX").backlog, {2})

    @mute_logger("odoo.sql_db")
    def test_a_message_that_could_not_be_stored_stays_in_the_backlog_at_later_positions(self):
        self.refuse("digest")
        with patch("odoo.addons.mail_gateway.tools.source_values.digest_of", lambda _source: "refused"):
            self.store_batch(raw("Bad"))
        self.mailbox_store.add(Batch([], [], FolderPosition("box@127.0.0.1", "INBOX", 7, 9)))
        self.assertEqual(self.mailbox_store.position("box@127.0.0.1", "INBOX").backlog, {1})

    def test_a_passing_fault_is_raised_for_the_whole_batch(self):
        fault = psycopg2.OperationalError("the connection is gone")
        refusing = patch.object(type(self.env["mail.inbound.message"]), "create", side_effect=fault)
        with refusing, self.assertRaises(psycopg2.OperationalError):
            self.store_batch(raw("First"), raw("Last"))

    def test_a_memory_error_for_one_message_does_not_stop_the_others(self):
        create = type(self.env["mail.inbound.message"]).create

        def limited(model, values_list):
            if any(values["source_bytes"] == raw("huge") for values in values_list):
                raise MemoryError
            return create(model, values_list)

        with patch.object(type(self.env["mail.inbound.message"]), "create", limited):
            left, stored = self.store_batch(raw("First"), raw("huge"), raw("The last"))
        self.assertEqual((len(left.keys), stored.mapped("subject")), (1, ["First", "The last"]))

    @mute_logger("odoo.sql_db")
    def test_a_message_that_was_stored_before_is_acknowledged_and_not_duplicated(self):
        messages = self.remote(raw("First"))
        self.env["mail.inbound.message"]._store(self.server, messages)
        left, stored = self.store_batch(raw("First"), raw("Second"))
        self.assertIsNone(left)
        self.assertEqual(stored.mapped("subject"), ["First", "Second"])

    @mute_logger("odoo.sql_db")
    def test_a_message_from_a_program_is_delivered_although_the_database_refuses_its_values(self):
        self.refuse("subject")
        source = self.to_alias(subject="refused")
        self.assertTrue(self.env["mail.thread"].message_process("res.partner", source))


@tagged("post_install", "-at_install")
class TestStoreLog(StoreCase):
    """Logs contain nothing from messages."""

    def logged(self):
        return self.assertLogs("odoo.sql_db", logging.ERROR)

    def test_a_refused_insert_logs_neither_source_nor_headers(self):
        self.refuse("subject")
        with self.logged() as caught:
            self.store(raw("refused", sender="Mary <mary@secret.example>"))
        for word in ("secret.example", "refused", "please send ten", "VALUES"):
            self.assertNotIn(word, "".join(caught.output).replace('constraint "refused"', ""))
        self.assertIn('INSERT INTO "mail_inbound_message"', caught.output[0])

    def test_a_refused_update_logs_no_values(self):
        stored = self.store(raw("Secret words"))
        self.refuse("subject")
        with self.logged() as caught, self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
            stored.write({"subject": "refused", "detail": "Secret words of a traceback"})
            stored.flush_recordset()
        self.assertNotIn("Secret words", "".join(caught.output))

    def test_no_values_of_any_table_are_logged_while_a_message_is_processed(self):
        def refused():
            with self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
                self.env.cr.execute("INSERT INTO res_partner (name, color) VALUES ('Secret words', 'x')")

        with self.logged() as caught, sql_log.no_values_in_log():
            refused()
        self.assertNotIn("Secret words", "".join(caught.output))
        with self.logged() as caught:
            refused()
        self.assertIn("Secret words", "".join(caught.output), "of others, the log says what it always said")

    def test_reasons_and_details_are_bounded(self):
        stored = self.store(raw())
        stored._move_to("failed", "x" * 10**6, detail="y" * 10**6)
        self.assertLess(len(stored.reason), 5000)
        self.assertLess(len(stored.detail), 50_000)
