import poplib
import threading
import time
import traceback
from concurrent.futures import Future
from functools import partial
from imaplib import IMAP4
from unittest.mock import patch
from urllib.parse import quote

from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.sql_db import db_connect
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.models.fetch import fetchmail_server_fetch
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw
from odoo.addons.mail_gateway.tests.tools.tools_common import ScriptedServer
from odoo.addons.mail_gateway.tools.fetch import worker_threads
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import FetchResult
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget
from odoo.addons.mail_gateway.tools.fetch.visit import EndlessServer, VisitOver
from odoo.addons.mail_gateway.tools.fetch.worker_threads import Abandoned, WorkerThreads


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

    def test_folders_are_separated_by_commas_and_listed_once(self):
        self.server.folder = "INBOX, Orders ,INBOX"
        self.assertEqual(self.server._folders(), ("INBOX", "Orders"))

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server")
    def test_a_refused_connection_is_explained(self):
        with self.assertRaisesRegex(UserError, "refuses connections on port 1"):
            self.server.button_confirm_login()
        self.assertEqual(self.server.state, "draft")

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_server_that_fails_for_long_stays_active(self):
        self.server.write({"state": "done", "error_date": "2000-01-01"})
        self.fetch(self.server)
        self.assertEqual(self.server.state, "done")
        self.assertIn("refuses connections", self.server.error_message)

    def fetch(self, servers):
        """Fetch from servers; commits become savepoints."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            servers.with_env(self.env(cr=cr))._fetch_mail()
        self.env.invalidate_all()

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_thread_that_cannot_be_started_affects_only_its_server(self):
        others = self.server.copy() + self.server.copy()
        start, unlucky = WorkerThreads.start, f"fetch mail {self.server.id}"

        def start_all_but_one(workers, name, job, end=None):
            if name == unlucky:
                raise RuntimeError("can't start new thread")
            return start(workers, name, job, end)

        with patch.object(WorkerThreads, "start", start_all_but_one):
            self.fetch(self.server + others)
        self.assertIn("can't start new thread", self.server.error_message)
        for other in others:
            self.assertIn("refuses connections", other.error_message)

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_servers_beyond_the_maximum_are_read_when_others_are_done(self):
        servers = self.server + self.server.copy() + self.server.copy()
        with patch.object(fetchmail_server_fetch, "MAX_SERVERS", 1):
            self.fetch(servers)
        self.assertEqual(len(servers.filtered("error_message")), 3)

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_servers_left_when_the_time_is_up_are_read_in_another_run(self):
        servers = self.server + self.server.copy({"date": False})
        servers[0].date = fields.Datetime.now()
        cron = self.env.ref("mail.ir_cron_mail_gateway_action")
        cron.active = True
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        with patch.object(fetchmail_server_fetch, "READ_SECONDS", -1):
            self.fetch(servers)
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), triggers + 1)

    def note_outcome(self, budget, error=None):
        """Record a visit that succeeded, or ended with an error."""
        outcome = Future()
        if error:
            outcome.set_exception(error)
        else:
            outcome.set_result(FetchResult(budget.stored, budget.complete))
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.server.with_env(self.env(cr=cr))._note_outcome(outcome, budget, [])
        self.env.invalidate_all()

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_message_that_takes_too_long_is_reported_with_its_size(self):
        budget = TimeBudget(0)
        budget.begin(12 * 2**20, ["a"])
        budget.stored = 3
        self.note_outcome(budget, Abandoned())
        self.assertIn("took longer than 75 seconds", self.server.error_message)
        self.assertIn("12.00 Mb could not be read", self.server.error_message)
        self.assertEqual(self.server.last_fetch_count, 3)

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_no_size_is_reported_when_several_messages_were_being_read(self):
        budget = TimeBudget(0)
        budget.begin(12 * 2**20, ["a", "b"])
        self.note_outcome(budget, VisitOver())
        self.assertIn("took too long", self.server.error_message)
        self.assertNotIn("12", self.server.error_message.replace("127.0.0.1", ""))

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_server_keeps_suspect_messages_until_a_visit_is_complete(self):
        budget = TimeBudget(0, stalled=["a"])
        budget.begin(7, ["b"])
        self.note_outcome(budget, VisitOver())
        self.assertEqual(self.server.suspect_keys, ["a", "b"])
        self.note_outcome(TimeBudget(0, stalled=self.server.suspect_keys))
        self.assertFalse(self.server.suspect_keys)

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_server_is_not_read_while_the_thread_of_an_earlier_visit_runs(self):
        own = db_connect(self.env.cr.dbname).cursor  # connections that hold locks of their own
        others = self.server.with_env(self.env(cr=own()))
        self.addCleanup(others.env.cr.close)
        over = threading.Event()
        self.addCleanup(over.set)
        with patch.object(worker_threads, "MAX_ENDING_SECONDS", 0.01):
            outcome = (abandoned := WorkerThreads()).start("fetch mail", partial(over.wait, 20), int)
            self.assertEqual(list(abandoned.serve(0)), [outcome])
        with patch.object(type(self.env.registry), "cursor", lambda _registry, readonly=False: own()):
            first = self.server.with_env(self.env(cr=own()))
            self.addCleanup(first.env.cr.close)
            first._release_after(outcome.thread)
        self.assertFalse(others._claim())
        over.set()
        outcome.thread.join(20)
        self.assertTrue(others._claim())
        others._release()

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server_fetch")
    def test_a_server_can_be_read_again_when_its_thread_has_ended(self):
        outcome = (done := WorkerThreads()).start("fetch mail", int)
        self.assertEqual(list(done.serve(time.monotonic() + 20)), [outcome])
        outcome.thread.join(20)
        server = self.server.with_env(self.env(cr=db_connect(self.env.cr.dbname).cursor()))
        self.addCleanup(server.env.cr.close)
        self.assertTrue(server._claim())
        server._release_after(outcome.thread)
        self.assertTrue(server._claim())
        server._release()

    def test_no_error_contains_a_secret(self):
        """The error contains neither the password nor a token, in whichever field an OAuth module stores it."""
        self.server.password = "pässword of mine"
        secret = "ya29.refresh-token-of-mine"
        tokens = [name for name in self.server._fields if name.endswith("_refresh_token")]
        self.server.write(dict.fromkeys(tokens, secret))
        for value in ["pässword of mine", *[secret] * bool(tokens)]:
            error = IMAP4.error(f"LOGIN box {value}".encode())
            error.__cause__ = OSError(5, quote(value))
            words = self.server._connection_message(error)
            self.assertIn("LOGIN box …", words)
            self.assertNotIn("mine", "".join(traceback.format_exception(error)))

    @mute_logger("odoo.addons.mail_gateway.models.fetch.fetchmail_server")
    def test_an_outgoing_server_is_recognized_and_named_in_the_error(self):
        for protocol in ("imap", "pop"):
            smtp = ScriptedServer(b"220 mail.example ESMTP\r\n", lambda _line: b"502 no\r\n")
            self.addCleanup(smtp.stop)
            self.server.write({"server_type": protocol, "server": "127.0.0.1", "port": smtp.port, "is_ssl": False})
            with (
                self.subTest(protocol),
                self.assertRaisesRegex(
                    UserError, f"on port {smtp.port} is an outgoing .SMTP. server. Enter the incoming"
                ),
            ):
                self.server.button_confirm_login()

    def test_the_number_220_in_a_reply_is_not_taken_for_an_outgoing_server(self):
        for error in (
            IMAP4.error(b"220 messages are locked"),
            IMAP4.abort("unexpected response: b'A1 BAD 220 messages'"),
            poplib.error_proto(b"-ERR 220 messages are locked"),
        ):
            with self.subTest(error):
                self.assertNotIn("SMTP", self.server._connection_message(error))

    def test_visits_that_exceed_their_bytes_or_their_time_are_explained(self):
        for error, words in (
            (EndlessServer("3 bytes"), "sent more than Odoo asked for"),
            (VisitOver(), "took too long"),
        ):
            self.assertIn(words, self.server._connection_message(error))

    def test_the_buttons_with_counts_open_the_messages_that_they_count(self):
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

    def test_the_number_of_active_lanes_follows_the_setting(self):
        messages = self.env["mail.inbound.message"]
        for count in (4, 1, 2):
            self.env["res.config.settings"].create({"inbound_lanes": count}).execute()
            self.assertEqual(len(messages._lanes().filtered("active")), count)

    def test_a_deleted_lane_is_created_again_only_when_the_number_changes(self):
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


@tagged("post_install", "-at_install")
class TestWhatNobodyCanRoute(InboundCommon):
    """A server whose mailbox people share with Odoo."""

    def setUp(self):
        super().setUp()
        self.server.unroutable = "discard"
        self.env["mail.inbound.message"].search([]).write({"answers_alert": True})  # messages that wait already

    def nobody(self, **values):
        return raw(to="nobody@elsewhere.example", **values)

    def test_a_server_holds_unroutable_messages_by_default(self):
        server = self.env["fetchmail.server"].create({"name": "New", "server_type": "imap"})
        self.assertEqual(server.unroutable, "hold")
        self.env.flush_all()
        self.env.cr.execute("UPDATE fetchmail_server SET unroutable = NULL WHERE id = %s", [self.server.id])
        self.env.invalidate_all()
        self.assertEqual(self.deliver(self.nobody()).state, "held")

    def test_a_discarded_message_keeps_its_reason_and_source(self):
        message = self.deliver(self.nobody())
        self.assertEqual((message.state, message.cause), ("discarded", "no_route"))
        self.assertIn("No recipient matches", message.reason)
        self.assertIn(b"please send ten", message._source_bytes())
        self.assertEqual(message.server_id.inbound_count, 1)
        self.assertEqual(message.server_id.held_count, 0)

    def test_a_discarded_message_causes_no_alert(self):
        due = fields.Datetime.now(), fields.Datetime.from_string("2000-01-01 00:00:00")
        self.deliver(self.nobody())
        self.assertFalse(self.env["mail.inbound.message"]._take_unalerted(*due))
        self.server.unroutable = "hold"
        held = self.deliver(self.nobody(subject="Held"))
        self.assertEqual(self.env["mail.inbound.message"]._take_unalerted(*due), held)

    def test_the_sender_of_a_discarded_message_is_not_notified(self):
        with self.mock_mail_gateway():
            self.deliver(self.nobody())
        self.assertFalse(self._new_mails)

    def test_mail_to_an_alias_makes_its_record(self):
        message = self.deliver(self.to_alias(subject="By alias"))
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "By alias")

    def test_replies_are_delivered(self):
        partner = self.env["res.partner"].create({"name": "Thread"})
        posted = partner.message_post(body="Hello", message_type="comment")
        message = self.deliver(self.nobody(subject="Re: Thread", In_Reply_To=posted.message_id))
        self.assertEqual((message.state, message.res_id), ("delivered", partner.id))

    def test_mail_to_a_former_address_is_still_held(self):
        self.alias.unlink()
        message = self.deliver(self.to_alias())
        self.assertEqual((message.state, message.cause), ("held", "lost_address"))

    def test_mail_that_a_rule_holds_is_still_held(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "1")
        messages = self.deliver(self.to_alias(subject="First"), self.to_alias(subject="Second"))
        self.assertEqual(messages.mapped("state"), ["delivered", "held"])

    def test_the_form_hides_the_choice_if_the_server_creates_records(self):
        self.server.password = "secret"
        with Form(self.server) as form:
            form.unroutable = "hold"
            form.object_id = self.env["ir.model"]._get("res.partner")
            self.assertTrue(form._get_modifier("unroutable", "invisible"))
        self.assertEqual(self.server.unroutable, "hold")
