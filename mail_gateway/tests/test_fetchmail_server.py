from concurrent.futures import Future
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.models import fetchmail_fetch
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tools.pace import Pace
from odoo.addons.mail_gateway.tools.relay import Abandoned, Relay


@tagged("post_install", "-at_install")
class TestFetchmailServer(InboundCommon):
    def test_bad_folders_are_refused_when_saved(self):
        for values in (
            {"folder": " , "},
            {"imap_afterwards": "move", "imap_move_to": ""},
            {"imap_afterwards": "move", "imap_move_to": "INBOX"},
        ):
            with self.assertRaises(ValidationError):
                self.server.write({"folder": "INBOX", **values})

    def test_several_folders_are_comma_separated(self):
        self.server.folder = "INBOX, Orders ,INBOX"
        self.assertEqual(self.server._folders(), ("INBOX", "Orders"))

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_server")
    def test_a_refused_connection_is_explained(self):
        with self.assertRaisesRegex(UserError, "refuses connections on port 1"):
            self.server.button_confirm_login()
        self.assertEqual(self.server.state, "draft")

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_fetch")
    def test_a_server_that_fails_for_long_is_not_switched_off(self):
        self.server.write({"state": "done", "error_date": "2000-01-01"})
        self.fetch(self.server)
        self.assertEqual(self.server.state, "done")
        self.assertIn("refuses connections", self.server.error_message)

    def fetch(self, servers):
        """Read servers; commits become savepoints."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            servers.with_env(self.env(cr=cr))._fetch_mail()
        self.env.invalidate_all()

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_fetch")
    def test_a_thread_that_cannot_be_started_is_the_failure_of_its_server_alone(self):
        others = self.server.copy() + self.server.copy()
        start, unlucky = Relay.start, f"fetch mail {self.server.id}"

        def start_all_but_one(relay, name, job):
            if name == unlucky:
                raise RuntimeError("can't start new thread")
            return start(relay, name, job)

        with patch.object(Relay, "start", start_all_but_one):
            self.fetch(self.server + others)
        self.assertIn("can't start new thread", self.server.error_message)
        for other in others:
            self.assertIn("refuses connections", other.error_message)

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_fetch")
    def test_servers_that_had_no_turn_have_it_when_others_are_done(self):
        servers = self.server + self.server.copy() + self.server.copy()
        with patch.object(fetchmail_fetch, "MOST_SERVERS", 1):
            self.fetch(servers)
        self.assertEqual(len(servers.filtered("error_message")), 3)

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_fetch")
    def test_after_the_time_is_up_those_not_read_for_longest_have_a_run_of_their_own(self):
        servers = self.server + self.server.copy({"date": False})
        servers[0].date = fields.Datetime.now()
        cron = self.env.ref("mail.ir_cron_mail_gateway_action")
        cron.active = True
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        with patch.object(fetchmail_fetch, "READ_SECONDS", -1):
            self.fetch(servers)
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), triggers + 1)

    @mute_logger("odoo.addons.mail_gateway.models.fetchmail_fetch")
    def test_a_message_that_takes_too_long_is_told_with_its_size(self):
        outcome, pace, errors = Future(), Pace(0), []
        outcome.set_exception(Abandoned())
        pace.begin(12 * 2**20)
        pace.stored = 3
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.server.with_env(self.env(cr=cr))._note_outcome(outcome, pace, errors)
        self.env.invalidate_all()
        self.assertIn("took longer than 75 seconds", self.server.error_message)
        self.assertIn("12.00 Mb could not be read", self.server.error_message)
        self.assertEqual(self.server.last_fetch_count, 3)

    def test_counts_open_the_messages_they_count(self):
        self.deliver(self.to_alias(), raw(to="nobody@elsewhere.example"))
        self.assertEqual((self.server.inbound_count, self.server.held_count, self.server.failed_count), (2, 1, 0))
        action = self.server.with_context(inbound_state="held").action_open_inbound()
        self.assertEqual(action["context"], {"search_default_held": 1})

    def test_a_key_is_stored_only_once_per_server(self):
        message = self.store(raw())
        messages = self.env["mail.inbound.message"]
        self.assertEqual(messages._known_keys(self.server, ["key 0", "key 1"]), {"key 0"})
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            message.copy({"remote_key": message.remote_key, "server_id": self.server.id}).flush_recordset()

    def test_lanes_follow_the_setting(self):
        messages = self.env["mail.inbound.message"]
        for count in (4, 1, 2):
            self.env["res.config.settings"].create({"inbound_lanes": count}).execute()
            self.assertEqual(len(messages._lanes().filtered("active")), count)

    def test_a_deleted_lane_comes_back_when_the_number_changes_and_only_then(self):
        messages = self.env["mail.inbound.message"]
        self.env.ref("mail_gateway.ir_cron_lane_1").unlink()
        self.env.ref("mail_gateway.ir_cron_lane_2").active = False
        self.env["res.config.settings"].create({}).execute()
        self.assertFalse(messages._lanes().filtered("active"))
        self.env["res.config.settings"].create({"inbound_lanes": 3}).execute()
        self.assertEqual(messages._lanes().mapped("active"), [True] * 3)
        self.assertEqual(self.env.ref("mail_gateway.ir_cron_lane_1").code, "model._run_lane()")

    def test_an_impossible_number_of_lanes_is_refused(self):
        with self.assertRaises(ValidationError):
            self.env["res.config.settings"].create({"inbound_lanes": 0})
