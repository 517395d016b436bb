from unittest.mock import patch

from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.mail_gateway.models.inbound import mail_inbound_message_retention
from odoo.addons.mail_gateway.models.outgoing import mail_outgoing_selection
from odoo.addons.mail_gateway.tests.addresses.parameters_common import LOGGER
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

NOBODY = {"to": "nobody@elsewhere.example"}


@tagged("post_install", "-at_install")
class TestRetention(InboundCommon):
    """Sources and sending details are removed in slices after their retention period."""

    def collect(self):
        return self.env["mail.inbound.message"]._gc_sources()

    def old(self, *sources, days=31):
        """Deliver messages, and date their completion back by so many days."""
        messages = self.deliver(*sources)
        self.date_back(messages, "done_date", days)
        return messages

    def date_back(self, records, field, days):
        self.env.flush_all()
        table, column = SQL.identifier(records._table), SQL.identifier(field)
        age = SQL("now() AT TIME ZONE 'UTC' - make_interval(days => %s)", days)
        self.env.cr.execute(SQL("UPDATE %s SET %s = %s WHERE id IN %s", table, column, age, records._ids))
        records.invalidate_recordset()

    def test_a_source_is_removed_after_the_retention_period(self):
        late, early = self.old(self.to_alias()), self.old(self.to_alias(subject="Early"), days=29)
        self.assertEqual(self.collect(), (1, False))
        self.assertFalse(late.source)
        self.assertTrue(early.source)
        self.assertEqual((late.state, late.subject), ("delivered", "Order"))

    def test_held_and_failed_messages_keep_their_sources(self):
        held, failed = self.old(raw(**NOBODY), raw(subject="Another", **NOBODY), days=4000)
        failed.state = "failed"
        self.assertEqual(self.collect(), (0, False))
        self.assertTrue(held.source and failed.source)

    def test_messages_on_their_way_keep_their_sources(self):
        waiting = self.store(self.to_alias())
        self.date_back(waiting, "received_date", 4000)
        self.date_back(waiting, "done_date", 4000)
        self.assertEqual(self.collect(), (0, False))
        self.assertTrue(waiting.source)

    def test_a_source_that_a_person_keeps_stays_until_they_release_it(self):
        kept, other = self.old(self.to_alias(), self.to_alias(subject="Other"))
        postmaster = new_test_user(self.env, "keeper", groups="mail_gateway.group_postmaster")
        kept.with_user(postmaster).action_keep_source()
        self.assertEqual(self.collect(), (1, False))
        self.assertEqual((bool(kept.source), bool(other.source)), (True, False))
        kept.keep_source = False
        self.assertEqual(self.collect(), (1, False))
        self.assertFalse(kept.source)

    def test_discarded_and_rejected_messages_lose_their_sources(self):
        discarded, rejected = self.old(raw(**NOBODY), raw(subject="Another", **NOBODY))
        discarded.state, rejected.state = "discarded", "rejected"
        self.assertEqual(self.collect(), (2, False))

    def test_sources_are_removed_in_slices(self):
        messages = self.old(*(self.to_alias(subject=f"Order {number}") for number in range(3)))
        self.date_back(messages[1], "done_date", 99)
        with patch.object(mail_inbound_message_retention, "SLICE", 2):
            self.assertEqual(self.collect(), (2, True))
            self.assertFalse(messages[1].source, "those done first go first")
            self.assertEqual(self.collect(), (1, False))
        self.assertFalse(any(messages.mapped("source")))

    def test_removing_sources_does_not_load_them(self):
        messages = self.old(self.to_alias())
        self.env.invalidate_all()
        self.collect()
        source = messages._fields["source"]
        self.assertEqual(list(source._get_cache(messages.env).values()), [None])

    def test_a_message_without_source_says_when_it_was_removed(self):
        message = self.old(self.to_alias())
        self.assertIn("please send ten", message.preview)
        self.collect()
        message.source_removed_date = "2026-03-04 12:00:00"
        self.assertEqual(message.preview, "The source of this message was removed on 03/04/2026.")
        self.assertEqual(message.with_context(bin_size=True).preview, message.preview)

    def test_a_message_without_a_date_of_removal_says_only_that_its_source_was_removed(self):
        message = self.old(self.to_alias())
        message.source = False
        self.assertEqual(message.preview, "The source of this message was removed.")

    def test_the_retention_period_is_a_parameter_and_a_bad_value_counts_as_the_default(self):
        parameters = self.env["ir.config_parameter"]
        messages = self.old(self.to_alias(), days=6)
        parameters.set_param(mail_inbound_message_retention.DAYS_PARAMETER, "7")
        self.assertEqual(self.collect(), (0, False))
        self.env.cr.execute(
            "UPDATE ir_config_parameter SET value = 'a week' WHERE key = %s",
            [mail_inbound_message_retention.DAYS_PARAMETER],
        )
        self.env.registry.clear_cache("stable")
        parameters.invalidate_model()
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.assertEqual(self.collect(), (0, False))
            self.assertEqual(self.collect(), (0, False))
        self.assertEqual(len(logs.output), 1)
        parameters.set_param(mail_inbound_message_retention.DAYS_PARAMETER, "5")
        self.assertEqual(self.collect(), (1, False))
        self.assertFalse(messages.source)

    def test_a_message_whose_source_was_removed_is_not_fetched_again(self):
        message = self.old(self.to_alias())
        self.collect()
        keys = [message.remote_key]
        self.assertEqual(self.env["mail.inbound.message"]._known_keys(self.server, keys), set(keys))

    # ------------------------------------------------------------------ sending details

    def selections(self, *days):
        message = self.env["mail.message"].create({"subject": "Sent"})
        rows = self.env["mail.outgoing.selection"].create([{"mail_message_id": message.id}] * len(days))
        for row, age in zip(rows, days, strict=True):
            self.date_back(row, "date", age)
        return rows

    def test_sending_details_are_removed_after_the_retention_period(self):
        late, early = self.selections(181, 179)
        self.assertEqual(self.env["mail.outgoing.selection"]._gc_selections(), (1, False))
        self.assertFalse(late.exists())
        self.assertTrue(early.exists())

    def test_sending_details_are_removed_in_slices_oldest_first(self):
        rows = self.selections(200, 400, 300)
        with patch.object(mail_outgoing_selection, "SLICE", 2):
            self.assertEqual(self.env["mail.outgoing.selection"]._gc_selections(), (2, True))
            self.assertEqual(rows.exists(), rows[0])
            self.assertEqual(self.env["mail.outgoing.selection"]._gc_selections(), (1, False))

    def test_the_retention_period_of_sending_details_is_a_parameter(self):
        [row] = self.selections(20)
        self.env["ir.config_parameter"].set_param(mail_outgoing_selection.DAYS_PARAMETER, "10")
        self.env["mail.outgoing.selection"]._gc_selections()
        self.assertFalse(row.exists())
