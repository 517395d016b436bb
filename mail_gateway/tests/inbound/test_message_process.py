import xmlrpc.client
from unittest.mock import patch

from psycopg2.errors import DivisionByZero

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestMessageProcess(InboundCommon):
    """Programs that call mail.thread.message_process get what core promises, and their messages are stored."""

    def process(self, source):
        return self.env["mail.thread"].message_process(False, source)

    def last(self):
        return self.env["mail.inbound.message"].search([], order="id desc", limit=1)

    def test_the_record_is_returned_and_the_message_is_stored(self):
        for source in (self.to_alias(subject="A"), xmlrpc.client.Binary(self.to_alias(subject="B"))):
            record_id = self.process(source)
            row = self.last()
            self.assertEqual((row.transport, row.state, row.res_id), ("call", "delivered", record_id))

    def test_text_is_accepted_as_well_as_bytes(self):
        self.process(self.to_alias(subject="Text").decode())
        self.assertEqual(self.last().subject, "Text")

    def test_a_message_without_a_route_raises_value_error_and_is_stored_as_rejected(self):
        refused = False
        try:  # assertRaises would roll back
            self.process(raw(to="nobody@elsewhere.example"))
        except ValueError as error:
            refused = "nobody@elsewhere.example" in str(error)
        self.assertTrue(refused)
        self.assertEqual(self.last().state, "rejected")

    @mute_logger("odoo.sql_db")
    def test_a_database_error_reaches_the_caller_unchanged(self):
        def fail(self, msg_dict, custom_values=None):
            self.env.cr.execute("SELECT 1/0")

        with patch.object(type(self.env["res.partner"]), "message_new", fail), self.assertRaises(DivisionByZero):
            self.env["mail.thread"].message_process("res.partner", raw(to="nobody@elsewhere.example"))

    def test_a_duplicate_returns_false_and_is_stored_as_discarded(self):
        self.process(self.to_alias(message_id="<twice@x>"))
        self.assertIs(self.process(self.to_alias(message_id="<twice@x>")), False)
        self.assertEqual(self.last().state, "discarded")

    def test_no_lane_takes_a_message_that_a_program_is_delivering(self):
        row = self.env["mail.inbound.message"].with_context(default_state="held")._store_call(self.to_alias())
        self.run_lane()
        self.assertEqual((row.state, row.try_count), ("received", 0))

    def test_a_context_from_outside_cannot_pass_for_a_delivery(self):
        thread = self.env["mail.thread"].with_context(mail_gateway_delivery={"queues_mail": True})
        thread.message_process(False, self.to_alias())
        self.assertEqual(self.last().transport, "call")
