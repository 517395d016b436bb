import base64
import os

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.models.fetch.mailbox_store import InboundMailboxStore
from odoo.addons.mail_gateway.models.inbound import mail_inbound_message_source
from odoo.addons.mail_gateway.models.inbound.mail_inbound_message_headers_only import MAX_FETCH_TRIES
from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tools.fetch.mailbox import Batch, RemoteMessage
from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MAX_BYTES

MEGABYTE = 2**20
KEY = "imap://box@127.0.0.1/INBOX;UIDVALIDITY=7/;UID=5"


class LargeCase(InboundCommon):
    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        self.server.state = "done"
        self.mailbox_store = InboundMailboxStore(self.server, durable=False)
        self.head = self.to_alias(subject="Large").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def store_head(self, size=3 * MEGABYTE, key=KEY):
        """Store a message of which only the headers were fetched, and run a lane."""
        self.mailbox_store.add(Batch([RemoteMessage(key, self.head, size)], []))
        self.run_lane()
        return self.env["mail.inbound.message"].search([("remote_key", "=", key)])

    def fetched(self, size=3 * MEGABYTE):
        return self.head + b"x" * (size - len(self.head))

    def visit(self, source):
        """Store the requested messages as a visit does; return the requested keys and those left."""
        keys = self.mailbox_store.requested()
        messages = [RemoteMessage(key, source, was_requested=True) for key in keys]
        left = self.mailbox_store.add(Batch(messages, keys))
        return keys, left.keys if left else frozenset()


@tagged("post_install", "-at_install")
class TestSource(LargeCase):
    """A source of any size is read back with the same bytes."""

    def test_a_source_of_any_size_comes_back_byte_for_byte(self):
        self.patch(mail_inbound_message_source, "LARGE_BYTES", 1000)
        self.patch(mail_inbound_message_source, "PART_CHARS", 400)
        for size in (1, 2, 3, 299, 300, 301, 999, 1000, 1001, 1002, 1200, 3 * 2**16, 3 * 2**16 + 1, 500_000):
            source = os.urandom(size)
            stored = self.store(source)
            with self.subTest(size=size):
                self.assertEqual(stored._source_bytes(), source)
                self.assertEqual(stored._source_bytes(250), source[:250])
                self.assertEqual(base64.b64decode(stored.source), source, "as Odoo keeps bytes")
                self.assertEqual((stored.size, stored.with_context(bin_size=True).source != b""), (size, True))

    def test_a_message_without_source_has_no_bytes(self):
        stored = self.store(b"x")
        stored.source = False
        self.assertEqual(stored._source_bytes(), b"")

    def test_a_source_that_was_not_flushed_yet_is_read(self):
        stored = self.store(b"x")
        stored.source = base64.b64encode(b"another")
        self.assertEqual(stored._source_bytes(), b"another")

    def test_a_user_without_access_to_a_message_cannot_read_its_source(self):
        stored = self.store(b"x")
        user = new_test_user(self.env, "reads.nothing", groups="base.group_user")
        with self.assertRaises(AccessError):
            stored.with_user(user)._source_bytes()

    def test_the_whole_source_of_a_message_held_for_its_size_is_not_read(self):
        stored = self.store(self.fetched())
        read = []
        self.patch(type(stored), "_source_bytes", lambda _self, most=None: read.append(most) or b"")
        self.run_lane()
        self.assertEqual((stored.state, stored.cause), ("held", "size"))
        self.assertNotIn(None, read)


@tagged("post_install", "-at_install")
class TestHead(LargeCase):
    """Only the headers of a message that is too large are fetched, until a person requests the whole message."""

    def test_a_message_with_headers_only_is_held_with_its_reason(self):
        held = self.store_head()
        self.assertEqual((held.state, held.cause, held.is_head), ("held", "size", True))
        self.assertIn("Only its headers were fetched", held.reason)
        self.assertEqual((held.subject, held.size, held.sender), ("Large", 3 * MEGABYTE, "mary@customer.example"))

    def test_a_message_with_headers_only_is_not_acknowledged(self):
        held = self.store_head()
        self.assertEqual(self.mailbox_store.unacknowledged(), [])
        self.assertEqual(self.mailbox_store.known([KEY]), {KEY})
        self.assertEqual(self.mailbox_store.heads([KEY, "other"]), {KEY})
        held.action_discard()
        self.assertEqual((self.mailbox_store.unacknowledged(), self.mailbox_store.known([KEY])), ([], {KEY}))

    def test_a_size_too_large_for_the_column_is_stored_as_its_maximum(self):
        self.assertEqual(self.store_head(size=10**18).size, 2**31 - 1)

    def test_a_requested_message_is_fetched_by_the_next_visit_and_delivered(self):
        held = self.store_head()
        self.assertEqual(self.mailbox_store.requested(), [])
        held.action_fetch_whole()
        self.assertTrue(held.fetch_requested)
        self.assertFalse(held.is_fetchable)
        source = self.fetched()
        self.assertEqual(self.visit(source), ([KEY], frozenset()))
        self.assertEqual((held.is_head, held.state, held._source_bytes()), (False, "received", source))
        self.assertEqual(self.mailbox_store.unacknowledged(), [KEY])
        self.run_lane()
        self.assertEqual(held.state, "delivered")
        self.assertEqual(held.mail_message_ids.subject, "Large")
        self.assertEqual(held.decision_ids.mapped("decision"), ["fetch"])

    def test_several_messages_are_requested_at_once_and_those_tried_already_come_last(self):
        held = self.store_head() + self.store_head(key=KEY + "1")
        held.action_fetch_whole()
        self.assertEqual(self.mailbox_store.requested(), [KEY, KEY + "1"])
        self.mailbox_store.count_request(KEY)
        self.assertEqual(self.mailbox_store.requested(), [KEY + "1", KEY])

    def test_a_visit_that_ends_before_it_asks_does_not_count_as_a_try(self):
        held = self.store_head()
        held.action_fetch_whole()
        for _visit in range(2 * MAX_FETCH_TRIES):
            self.assertEqual(self.mailbox_store.requested(), [KEY])

    def test_a_message_decided_about_meanwhile_is_neither_stored_nor_acknowledged(self):
        held = self.store_head()
        held.action_fetch_whole()
        held.action_discard()
        left = self.mailbox_store.add(Batch([RemoteMessage(KEY, self.fetched(), was_requested=True)], [KEY]))
        self.assertEqual((left.keys, left.errors), ({KEY}, []))
        self.assertEqual((held.state, held.is_head, self.mailbox_store.unacknowledged()), ("discarded", True, []))

    def test_a_request_is_given_up_after_three_tries_and_the_reason_is_shown(self):
        held = self.store_head()
        held.action_fetch_whole()
        for _visit in range(MAX_FETCH_TRIES):
            self.assertEqual(self.mailbox_store.requested(), [KEY])
            self.mailbox_store.count_request(KEY)
        self.assertEqual(self.mailbox_store.requested(), [])
        self.assertIn("tried 3 times", held.reason)
        self.assertTrue(held.is_fetchable)

    def test_a_message_that_no_rule_stops_any_more_is_fetched_automatically(self):
        held = self.store_head()
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "100")
        held.action_process_again()
        self.run_lane()
        self.assertEqual((held.state, held.fetch_requested), ("held", True))
        self.visit(self.fetched())
        self.run_lane()
        self.assertEqual(held.state, "delivered")

    def test_headers_alone_never_become_a_record(self):
        held = self.store_head()
        held.action_release()
        self.run_lane()
        self.assertEqual((held.state, held.fetch_requested, held.mail_message_ids.ids), ("held", True, []))

    def test_a_message_too_large_for_odoo_cannot_be_fetched(self):
        held = self.store_head(size=MAX_BYTES + 1)
        with self.assertRaisesRegex(UserError, "up to"):
            held.action_fetch_whole()
        held.action_release()
        self.run_lane()
        self.assertEqual((held.state, held.fetch_requested), ("held", False))

    def test_a_message_on_an_inactive_server_cannot_be_fetched(self):
        held = self.store_head()
        for values in ({"active": False}, {"active": True, "state": "draft"}):
            self.server.write(values)
            self.assertFalse(held.is_fetchable)
            held.action_release()
            self.run_lane()
            self.assertEqual((held.state, held.fetch_requested), ("held", False))
            self.assertIn("restore it from the archive", held.reason)
        self.server.unlink()
        self.assertFalse(held.is_fetchable)

    def test_a_message_stored_whole_cannot_be_fetched(self):
        stored = self.store(self.fetched())
        self.run_lane()
        with self.assertRaisesRegex(UserError, "Nothing to fetch"):
            stored.action_fetch_whole()

    def test_only_a_postmaster_may_request_a_message(self):
        held = self.store_head()
        for groups in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, f"no.postmaster.{groups}", groups=groups)
            with self.assertRaises(UserError):
                held.with_user(user).action_fetch_whole()
        self.assertFalse(held.fetch_requested)

    def test_the_preview_says_that_only_the_headers_were_fetched(self):
        preview = self.store_head().preview
        self.assertIn("Subject: Large", preview)
        self.assertIn("Only the headers were fetched", preview)

    def test_a_dry_run_uses_the_stored_size_and_fetches_nothing(self):
        held = self.store_head()
        dry_run = self.env["mail.inbound.dry.run"]
        with self.enter_registry_test_mode():
            self.assertEqual(dry_run._dry_run(held).state, "held")
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "100")
        with self.enter_registry_test_mode():
            answer = dry_run._dry_run(held)
        self.assertEqual((answer.state, held.fetch_requested), ("held", False))
        self.assertIn("Only its headers", answer.reason)

    def test_a_size_rule_that_accepts_or_is_inactive_does_not_limit_fetching(self):
        limit = self.server._mailbox_settings().largest
        rule = self.env["mail.inbound.rule"].search([("check", "=", "size")])
        rule.action = "accept"
        accepted = self.server._mailbox_settings().largest
        rule.write({"action": "hold", "active": False})
        self.assertEqual((limit, accepted, self.server._mailbox_settings().largest), (MEGABYTE, MAX_BYTES, MAX_BYTES))

    def test_a_rejected_message_with_headers_only_stays_on_the_server(self):
        held = self.store_head()
        self.env["mail.inbound.rule"].search([("check", "=", "size")]).action = "reject"
        held.action_process_again()
        self.run_lane()
        self.assertEqual((held.state, held.is_head), ("rejected", True))
        self.assertEqual((self.mailbox_store.unacknowledged(), self.mailbox_store.requested()), ([], []))
