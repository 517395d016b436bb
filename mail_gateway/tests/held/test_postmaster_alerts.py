from datetime import timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import ConcurrencyError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.hooks import _end_alerts
from odoo.addons.mail_gateway.models.held.mail_postmaster_alert import HOURS_PARAMETER, HOW_PARAMETER
from odoo.addons.mail_gateway.models.held.mail_thread import ALERT_MARK
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

LOGGER = "odoo.addons.mail_gateway.models.held.mail_postmaster_alert"


class AlertsCase(InboundCommon):
    """Two postmasters, one told by e-mail and one in the inbox; nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["mail.inbound.message"].search([]).write({"answers_alert": True})
        cls.env.ref("mail_gateway.group_postmaster").all_user_ids.told_of_held_mail = False
        cls.by_email, cls.in_inbox = (
            new_test_user(
                cls.env,
                f"alert.{kind}",
                groups="mail_gateway.group_postmaster",
                email=f"{kind}@postmasters.example",
                notification_type=kind,
            )
            for kind in ("email", "inbox")
        )
        cls.root = cls.env.ref("base.partner_root")
        cls.env["ir.config_parameter"].set_param(HOW_PARAMETER, "notification")
        cls.chosen(days=30)

    @classmethod
    def chosen(cls, **time):
        """Have it been chosen so long ago how postmasters are told."""
        parameter = cls.env["ir.config_parameter"].search([("key", "=", HOW_PARAMETER)])
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE ir_config_parameter SET write_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(**time), parameter.id),
        )
        parameter.invalidate_recordset()

    def alerts(self):
        """Run the scheduled action; return the alerts it sent."""
        before = self.env["mail.message"].search([("message_type", "=", "user_notification")])
        with self.mock_mail_gateway(), self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env["mail.postmaster.alert"].with_env(self.env(cr=cr))._run()
            self.env.invalidate_all()
            self.assertFalse(self._mails, "they are left to the queue")
            self._new_mails.send()
        return self.env["mail.message"].search([("message_type", "=", "user_notification")], order="id") - before

    def hold(self, *subjects, **values):
        """Messages that nobody can route."""
        values = {"to": "nobody@elsewhere.example", **values}
        held = self.deliver(*(raw(subject=subject, **values) for subject in subjects or ("Is anybody there?",)))
        self.assertEqual(set(held.mapped("state")), {"held"})
        return held

    def let_pass(self, **time):
        """Have what was told been told so long ago, and what is held been held before that."""
        earlier = timedelta(**time)
        for message in self.env["mail.inbound.message"].search([("state", "in", ("held", "failed"))]):
            message.done_date -= earlier
            message.alerted_date = message.alerted_date and message.alerted_date - earlier
        for server in self.env["fetchmail.server"].search([("alerted_date", "!=", False)]):
            server.alerted_date -= earlier
            server.error_date = server.error_date and server.error_date - earlier
        self.env.flush_all()

    def choose(self, how, hours=4):
        self.env["ir.config_parameter"].set_param(HOW_PARAMETER, how)
        self.env["ir.config_parameter"].set_param(HOURS_PARAMETER, str(hours))

    def assigned(self, user):
        return self.env["mail.activity"].search([("user_id", "=", user.id)])


@tagged("post_install", "-at_install")
class TestAlertsOfMessages(AlertsCase):
    def test_the_first_message_is_told_at_once_with_its_reason(self):
        held = self.hold()
        alert = self.alerts()
        self.assertEqual(alert.subject, "A message waits for a decision: Is anybody there?")
        self.assertEqual((alert.model, alert.res_id), ("mail.inbound.message", held.id))
        for text in (held.reason.partition("“")[0].strip(), "mary@customer.example", "nobody@elsewhere.example"):
            self.assertIn(text, alert.body)
        self.assertIn(f'href="/odoo/held-messages/{held.id}"', alert.body)
        self.assertEqual(alert.author_id, self.root)

    def test_each_postmaster_is_told_as_they_prefer(self):
        self.hold()
        alert = self.alerts()
        kinds = {each.res_partner_id: each.notification_type for each in alert.notification_ids}
        self.assertEqual(kinds, {self.by_email.partner_id: "email", self.in_inbox.partner_id: "inbox"})
        self.assertEqual([mail["email_to"] for mail in self._mails], [[self.by_email.email_formatted]])

    def test_an_alert_by_email_says_that_a_program_wrote_it_and_leads_to_the_message(self):
        held = self.hold()
        self.alerts()
        [mail] = self._mails
        self.assertEqual(mail["headers"]["Auto-Submitted"], "auto-generated")
        self.assertIn(ALERT_MARK, mail["message_id"])
        self.assertIn(f"{self.env['mail.thread'].get_base_url()}/odoo/held-messages/{held.id}", mail["body"])

    def test_nobody_is_told_of_a_message_twice(self):
        self.hold()
        self.assertEqual(len(self.alerts()), 1)
        self.assertFalse(self.alerts())
        self.let_pass(hours=9)
        self.assertFalse(self.alerts())

    def test_what_comes_later_is_told_together_when_the_time_is_over(self):
        self.hold("First")
        self.alerts()
        self.hold("Second", "Third")
        lost = self.hold("Fourth")
        lost.cause = "lost_address"
        self.assertFalse(self.alerts())
        self.let_pass(hours=4, seconds=1)
        alert = self.alerts()
        self.assertEqual(alert.subject, "3 messages wait for a decision")
        for text in ("Nobody at home: 2", "Address given up: 1", "With those that came before, 4 wait."):
            self.assertIn(text, " ".join(alert.body.split()))
        self.assertIn('href="/odoo/held-messages"', alert.body)
        self.assertFalse(alert.model)

    def test_the_time_between_two_alerts_is_a_parameter(self):
        self.choose("notification", hours=1)
        self.hold("First")
        self.alerts()
        self.hold("Second")
        self.let_pass(minutes=59)
        self.assertFalse(self.alerts())
        self.let_pass(minutes=2)
        self.assertEqual(len(self.alerts()), 1)

    def test_failed_messages_are_told_of(self):
        failed = self.hold()
        failed.write({"state": "failed", "cause": "error", "reason": "Odoo could not process this message."})
        self.assertIn("could not process", self.alerts().body)

    def test_what_was_decided_before_anybody_was_told_is_nobodys_concern(self):
        self.hold().with_user(self.by_email).action_discard()
        self.assertFalse(self.alerts())

    def test_a_message_that_waits_anew_after_it_was_processed_again_is_told_anew(self):
        held = self.hold()
        self.alerts()
        self.let_pass(hours=5)
        held.with_user(self.by_email).action_process_again()
        self.run_lane()
        self.assertEqual(held.state, "held")
        self.assertEqual(len(self.alerts()), 1)

    def test_delivered_messages_and_those_on_their_way_alert_nobody(self):
        self.assertEqual(self.deliver(self.to_alias()).state, "delivered")
        self.store(self.to_alias(subject="On its way"))
        self.assertFalse(self.alerts())

    # ------------------------------------------------------------------ whom

    def test_who_would_rather_not_be_told_is_not(self):
        self.by_email.with_user(self.by_email).told_of_held_mail = False
        self.hold()
        self.assertEqual(self.alerts().notified_partner_ids, self.in_inbox.partner_id)

    def test_administrators_are_postmasters_and_are_told(self):
        admin = new_test_user(self.env, "alert.admin", groups="base.group_system", email="admin@postmasters.example")
        self.hold()
        self.assertIn(admin.partner_id, self.alerts().notified_partner_ids)

    def test_odoobot_and_people_who_left_are_not_told(self):
        self.by_email.active = False
        self.env["res.users"].browse(SUPERUSER_ID).write({"told_of_held_mail": True})
        self.hold()
        self.assertEqual(self.alerts().notified_partner_ids, self.in_inbox.partner_id)

    def test_what_nobody_could_be_told_of_is_told_to_whoever_comes(self):
        (self.by_email + self.in_inbox).told_of_held_mail = False
        held = self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(held.alerted_date)
        self.in_inbox.told_of_held_mail = True
        self.assertEqual(len(self.alerts()), 1)

    def test_each_postmaster_is_told_in_their_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.in_inbox.lang = "fr_FR"
        template = self.env.ref("mail_gateway.alert_messages")
        arch = {"fr_FR": {"Decide what becomes of it": "Décidez ce qu'il en advient"}}
        template.update_field_translations("arch_db", arch)
        self.hold()
        french, other = self.alerts().sorted(lambda alert: "Décidez" not in alert.body)
        self.assertEqual(french.notified_partner_ids, self.in_inbox.partner_id)
        self.assertIn("Décidez", french.body)
        self.assertNotIn("Décidez", other.body)

    # ------------------------------------------------------------------ how

    def test_nobody_is_told_when_nobody_wants_to_be(self):
        self.choose("nothing")
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self.assigned(self.by_email))

    def test_an_activity_tells_each_postmaster_and_sends_nothing(self):
        self.choose("activity")
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self._mails)
        for user in self.by_email + self.in_inbox:
            activity = self.assigned(user)
            self.assertEqual(activity.summary, "A message waits for a decision: Is anybody there?")
            self.assertEqual(activity.activity_type_id, self.env.ref("mail_gateway.mail_activity_type_held"))
            self.assertIn("Decide what becomes of it", activity.note)
            activity.with_user(user).check_access("read")

    def test_an_open_activity_tells_of_all_that_waits_by_now(self):
        self.choose("activity")
        self.hold("First")
        self.alerts()
        self.let_pass(hours=5)
        self.hold("Second")
        self.alerts()
        self.assertEqual(self.assigned(self.in_inbox).summary, "2 messages wait for a decision")

    def test_an_activity_is_done_when_nothing_waits_any_more(self):
        self.choose("activity")
        held = self.hold()
        self.alerts()
        activity = self.assigned(self.in_inbox)
        held.with_user(self.by_email).action_discard()
        self.alerts()
        self.assertFalse(activity.active)
        self.assertFalse(self.assigned(self.in_inbox))

    def test_an_activity_without_our_type_is_a_todo(self):
        self.env.ref("mail_gateway.mail_activity_type_held").unlink()
        self.choose("activity")
        self.hold()
        self.alerts()
        todo = self.env.ref("mail.mail_activity_data_todo")
        self.assertEqual(self.assigned(self.in_inbox).activity_type_id, todo)

    def test_todos_of_people_are_left_alone(self):
        self.env.ref("mail_gateway.mail_activity_type_held").unlink()
        mine = self.env["mail.activity"].create({"summary": "Call Mary", "user_id": self.in_inbox.id})
        self.alerts()
        self.assertTrue(mine.active)

    def test_an_activity_opens_the_message_that_waits_or_the_list_of_them(self):
        self.choose("activity")
        held = self.hold("First")
        self.alerts()
        activity = self.assigned(self.in_inbox).with_user(self.in_inbox)
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("mail.inbound.message", held.id))
        self.assertEqual([kind for _view, kind in opened["views"]], ["form"])
        self.hold("Second")
        opened = activity.action_open_document()
        self.assertEqual((opened["path"], opened["res_id"]), ("held-messages", 0))

    def test_an_activity_is_linked_to_the_held_messages(self):
        self.choose("activity")
        self.hold()
        self.alerts()
        self.assertEqual(self.assigned(self.in_inbox).res_name, "Held Messages")

    def test_activities_of_people_open_as_they_did(self):
        kind = self.env.ref("mail_gateway.mail_activity_type_held")
        values = {"summary": "Look at the queue", "user_id": self.in_inbox.id, "activity_type_id": kind.id}
        mine = self.env["mail.activity"].create(values)
        self.assertEqual(mine.action_open_document()["res_model"], "mail.activity")
        self.assertFalse(mine.res_name)

    # ------------------------------------------------------------------ who has no address

    def test_who_has_no_address_and_no_inbox_is_told_by_an_activity(self):
        for address in (False, "nothing that is one"):
            with self.subTest(address):
                self.by_email.email = address
                self.hold(f"With {address}")
                alert = self.alerts()
                self.assertEqual(alert.notified_partner_ids, self.in_inbox.partner_id)
                self.assertEqual(alert.notification_ids.mapped("notification_status"), ["sent"])
                self.assertTrue(self.assigned(self.by_email))
                self.assertFalse(self.assigned(self.in_inbox))
                self.assigned(self.by_email).unlink()
                self.let_pass(hours=5)

    def test_when_nobody_has_an_address_each_is_told_by_an_activity(self):
        self.in_inbox.told_of_held_mail = False
        self.by_email.email = False
        self.hold()
        self.assertFalse(self.alerts())
        self.assertFalse(self._new_mails)
        self.assertTrue(self.assigned(self.by_email))

    def test_who_has_an_inbox_needs_no_address(self):
        self.in_inbox.email = False
        self.hold()
        self.assertIn(self.in_inbox.partner_id, self.alerts().notified_partner_ids)
        self.assertFalse(self.assigned(self.in_inbox))

    # ------------------------------------------------------------------ when it is chosen anew

    def test_what_waits_is_told_at_once_in_the_way_that_is_chosen_anew(self):
        self.hold("First")
        self.alerts()
        self.let_pass(minutes=10)
        self.choose("activity")
        self.chosen(minutes=5)
        self.assertFalse(self.alerts())
        self.assertEqual(self.assigned(self.by_email).summary, "A message waits for a decision: First")

    def test_what_waits_is_told_at_once_when_nobody_was_to_be_told_before(self):
        self.hold("First")
        self.alerts()
        self.choose("nothing")
        self.hold("Second")
        self.assertFalse(self.alerts())
        self.let_pass(minutes=10)
        self.choose("notification")
        self.chosen(minutes=5)
        self.assertEqual(self.alerts().subject, "2 messages wait for a decision")
        self.assertFalse(self.alerts(), "once")

    def test_saving_the_settings_without_a_change_tells_nothing_anew(self):
        self.hold("First")
        self.alerts()
        self.let_pass(minutes=10)
        self.env["res.config.settings"].create({"inbound_alert": "notification"}).execute()
        self.assertFalse(self.alerts())

    # ------------------------------------------------------------------ no loops

    def alert_as_sent(self):
        """The head of an alert as it left."""
        self.hold("The first")
        self.alerts()
        self.let_pass(hours=5)
        return self._mails[0]

    def test_an_alert_that_comes_back_is_held_by_nobody(self):
        sent = self.alert_as_sent()
        back = self.deliver(raw(to="nobody@elsewhere.example", message_id=sent["message_id"], **sent["headers"]))
        self.assertEqual(back.state, "discarded")
        self.assertFalse(self.alerts())

    def test_without_any_rule_an_alert_that_comes_back_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        own = {"X-Odoo-Message-Id": sent["message_id"]}
        self.hold("A relay gave it another Message-Id", **own)
        self.assertFalse(self.alerts())

    def test_an_answer_to_an_alert_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        headers = {"In-Reply-To": sent["message_id"], "Auto-Submitted": "auto-replied"}
        answer = self.deliver(raw(subject="Away", to="nobody@elsewhere.example", **headers))
        self.assertTrue(answer.answers_alert)
        self.assertFalse(self.alerts())

    def test_a_report_about_an_alert_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        report = raw(subject="Undelivered", to="nobody@elsewhere.example")
        report += f"\r\nIt said: mailbox full\r\n\r\nMessage-Id: {sent['message_id']}\r\n".encode()
        self.assertTrue(self.deliver(report).answers_alert)
        self.assertFalse(self.alerts())

    def test_a_returned_alert_is_known_by_its_quoted_head(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        for number, quoted in enumerate(
            (
                f"message-id:\r\n {sent['message_id']}",
                f"> Message-ID: {sent['message_id']}",
                f"Original-Message-ID: {sent['message_id']}",
                f"References: <a@x>\r\n\t<b@x>\r\n\t{sent['message_id']}",
            )
        ):
            with self.subTest(quoted):
                report = raw(subject=f"Undelivered {number}", to="nobody@elsewhere.example")
                self.assertTrue(self.store(report + f"\r\n{quoted}\r\n".encode()).answers_alert)

    def test_the_mark_alone_keeps_no_message_from_being_told(self):
        self.env["mail.inbound.rule"].search([]).active = False
        invented = f"<1.2{ALERT_MARK}host>"
        self.hold("In a header", In_Reply_To=invented)
        self.hold("In its own name", message_id=f"<3.4{ALERT_MARK}host>")
        self.deliver(raw("In the text", to="nobody@elsewhere.example") + f"\r\nMessage-Id: {invented}\r\n".encode())
        self.assertEqual(self.alerts().subject, "3 messages wait for a decision")

    def test_mail_that_came_in_under_such_a_name_is_no_alert(self):
        invented = f"<1.2{ALERT_MARK}host>"
        delivered = self.deliver(self.to_alias(message_id=invented))
        self.assertEqual(delivered.mail_message_ids.message_id, invented)
        self.env["mail.inbound.rule"].search([]).active = False
        self.deliver(raw("About it", to="nobody@elsewhere.example") + f"\r\nMessage-Id: {invented}\r\n".encode())
        self.assertEqual(len(self.alerts()), 1)

    def test_nobody_is_asked_about_messages_without_the_mark(self):
        messages = self.env["mail.inbound.message"]
        with self.assertQueryCount(0):
            self.assertFalse(messages._is_about_alert(raw(In_Reply_To="<1.2-openerp-message-notify@host>")))
            self.assertFalse(messages._is_about_alert(raw() + b"x" * 256 * 1024 + ALERT_MARK.encode()))

    def test_whatever_stands_around_the_mark_is_stored(self):
        mark = ALERT_MARK.encode()
        for junk in (b"<\0%s\0>", b"<\xff\xfe%s\xe9>", b"<%s>", b"%s", b"<1%s" + b"x" * 5000 + b">", b"<'\";--%s%%s>"):
            with self.subTest(junk):
                value = junk.replace(b"%s", mark, 1)
                source = raw() + b"\r\nMessage-Id: " + value
                self.assertFalse(self.env["mail.inbound.message"]._values_from_source(source)["answers_alert"])
        many = b"References:" + b"".join(b"\r\n <%d%sx>" % (number, mark) for number in range(4000))
        self.assertFalse(self.store(many + b"\r\n\r\nText").answers_alert)

    def test_an_answer_to_another_notification_is_told_of(self):
        self.hold("The first", In_Reply_To="<1.2-openerp-message-notify@host>")
        self.assertEqual(len(self.alerts()), 1)

    def test_nobody_but_us_makes_a_message_an_alert_by_its_context(self):
        record = self.env["res.partner"].create({"name": "Mary"}).with_context(mail_gateway_alert=True)
        self.assertNotIn(ALERT_MARK, record.message_post(body="Hello").message_id)

    # ------------------------------------------------------------------ failures, and several at once

    def test_an_alert_that_fails_is_told_the_next_time(self):
        held = self.hold()
        threads = type(self.env["mail.thread"])
        broken = patch.object(threads, "message_notify", side_effect=ValueError("no layout"))
        with broken, self.assertLogs(LOGGER) as logs:
            self.assertFalse(self.alerts())
        self.assertIn("tried again in a minute", logs.output[0])
        self.assertFalse(held.alerted_date)
        self.assertEqual(held.state, "held")
        self.assertEqual(len(self.alerts()), 1)

    @mute_logger("odoo.service.model")
    def test_another_transaction_in_the_way_is_no_failure(self):
        self.hold()
        messages, tries = type(self.env["mail.inbound.message"]), []
        take = messages._take_untold

        def conflict(untold, chosen):
            tries.append(1)
            if len(tries) == 1:
                raise ConcurrencyError("another transaction was faster")
            return take(untold, chosen)

        with (
            patch.object(messages, "_take_untold", conflict),
            patch("odoo.service.model.time.sleep"),
            self.assertNoLogs(LOGGER),
        ):
            self.assertEqual(len(self.alerts()), 1)
        self.assertEqual(len(tries), 2)

    def test_who_comes_while_another_host_tells_leaves_it_to_it(self):
        self.hold()
        with self.registry.cursor() as other:
            other.execute("SELECT pg_advisory_xact_lock(hashtext('mail.postmaster.alert'), 0)")
            self.assertFalse(self.alerts())
        self.assertEqual(len(self.alerts()), 1)

    def test_the_scheduled_action_looks_each_minute_and_wakes_the_queue(self):
        cron, queue = self.env.ref("mail_gateway.ir_cron_alert"), self.env.ref("mail.ir_cron_mail_scheduler_action")
        self.assertEqual((cron.interval_number, cron.interval_type, cron.active), (1, "minutes", True))
        self.hold()
        queue.active = True
        woken = self.env["ir.cron.trigger"].search_count([("cron_id", "=", queue.id)])
        with self.mock_mail_gateway(), self.enter_registry_test_mode(), self.registry.cursor() as cr:
            cron.with_env(self.env(cr=cr)).ir_actions_server_id.run()
        self.env.invalidate_all()
        self.assertEqual(self._new_mails.mapped("state"), ["outgoing"])
        self.assertGreater(self.env["ir.cron.trigger"].search_count([("cron_id", "=", queue.id)]), woken)


@tagged("post_install", "-at_install")
class TestAlertsOfServers(AlertsCase):
    def fail(self, *servers, minutes=8, why="“mail.example” does not let “box” in."):
        """Servers that have failed for so long."""
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        for server in servers or [self.server]:
            server.write({"state": "done", "error_date": since, "error_message": why})

    def test_a_server_that_fails_for_minutes_is_told_of_with_the_cause(self):
        self.fail()
        alert = self.alerts()
        self.assertEqual(alert.subject, "“Test” can't be read")
        self.assertIn("does not let “box” in", alert.body)
        self.assertEqual((alert.model, alert.res_id), ("fetchmail.server", self.server.id))
        self.assertIn(f'href="/odoo/fetchmail.server/{self.server.id}"', alert.body)
        self.assertTrue(self.server.alerted_date)

    def test_what_the_next_fetch_mends_is_told_to_nobody(self):
        self.fail(minutes=6)
        self.assertFalse(self.alerts())
        self.server.write({"error_date": False, "error_message": False})
        self.let_pass(minutes=5)
        self.assertFalse(self.alerts())

    def test_a_server_is_told_of_once_while_it_fails(self):
        self.fail()
        self.assertEqual(len(self.alerts()), 1)
        self.let_pass(days=3)
        self.assertFalse(self.alerts())

    def test_a_server_that_fails_anew_is_told_of_anew_but_not_too_often(self):
        self.fail(minutes=60)
        self.alerts()
        self.server.error_date = False
        self.let_pass(hours=3)
        self.fail()
        self.assertFalse(self.alerts(), "told three hours ago")
        self.let_pass(hours=1, seconds=1)
        self.assertEqual(len(self.alerts()), 1)
        self.assertFalse(self.alerts())

    def test_several_servers_that_fail_together_are_told_together(self):
        second = self.server.copy({"name": "Shop"})
        self.fail(self.server, second, why="There is no server named “mail.example”.")
        alert = self.alerts()
        self.assertEqual(alert.subject, "2 incoming mail servers can't be read")
        self.assertIn("Shop", alert.body)
        self.assertFalse(alert.model)

    def test_another_server_that_fails_is_told_of_at_once(self):
        self.fail()
        self.alerts()
        self.fail(self.server.copy({"name": "Shop"}))
        self.assertEqual(self.alerts().subject, "“Shop” can't be read")

    def test_servers_that_nobody_reads_are_told_of_by_nobody(self):
        self.fail(self.server, self.server.copy())
        self.server.active = False
        self.env["fetchmail.server"].search([]).state = "draft"
        self.assertFalse(self.alerts())

    def test_held_mail_and_servers_are_told_independently(self):
        self.hold()
        self.alerts()
        self.fail()
        self.assertEqual(len(self.alerts()), 1)

    def test_an_activity_names_the_failing_servers_and_is_done_when_they_work(self):
        self.choose("activity")
        self.fail()
        self.alerts()
        activity = self.assigned(self.in_inbox)
        self.assertEqual(activity.summary, "“Test” can't be read")
        self.assertEqual(activity.activity_type_id, self.env.ref("mail_gateway.mail_activity_type_server"))
        self.server.error_date = False
        self.alerts()
        self.assertFalse(activity.active)

    def test_an_activity_opens_the_server_that_fails_or_the_list_of_them(self):
        self.choose("activity")
        self.fail()
        self.alerts()
        activity = self.assigned(self.in_inbox).with_user(self.in_inbox)
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("fetchmail.server", self.server.id))
        self.fail(self.server.copy())
        opened = activity.action_open_document()
        self.assertEqual((opened["res_model"], opened["res_id"]), ("fetchmail.server", 0))
        self.assertTrue(opened["context"]["search_default_failing"])

    def test_a_failing_server_is_told_at_once_in_the_way_that_is_chosen_anew(self):
        self.fail(minutes=60)
        self.alerts()
        self.let_pass(minutes=10)
        self.choose("activity")
        self.chosen(minutes=5)
        self.alerts()
        self.assertTrue(self.assigned(self.by_email))

    def test_what_the_server_says_is_text(self):
        self.fail(why="<script>alert(1)</script> it says")
        self.assertIn("&lt;script&gt;", self.alerts().body)


@tagged("post_install", "-at_install")
class TestAlertsAfterUninstalling(AlertsCase):
    def test_no_activity_of_ours_is_left_and_those_of_people_are(self):
        self.choose("activity")
        self.hold()
        self.alerts()
        mine = self.env["mail.activity"].create({"summary": "Call Mary", "user_id": self.in_inbox.id})
        _end_alerts(self.env)
        self.assertEqual(self.assigned(self.in_inbox), mine)
        self.assertFalse(self.assigned(self.by_email))
