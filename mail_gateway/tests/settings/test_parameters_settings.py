from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form

from odoo.addons.mail_gateway.tests.addresses.parameters_common import (
    FILTER,
    LIMIT,
    LOGGER,
    PERIOD,
    SCOPE,
    SIZE,
    ParametersCase,
)
from odoo.addons.mail_gateway.tools.parameters import PARAMETERS


class TestSettings(ParametersCase):
    def save(self, **values):
        """Save the Settings page."""
        self.env["res.config.settings"].create(values).execute()

    def test_the_addresses_are_those_of_the_companys_alias_domain(self):
        self.save(mail_catchall_alias="all", mail_bounce_alias="back", mail_default_from="Info@two.example")
        self.assertEqual(self.shown(), ["one.example", "all", "back", "info@two.example"])
        self.assertEqual(self.shown(), self.record())

    def test_another_alias_domain_is_saved_with_its_addresses(self):
        two = self.env["mail.alias.domain"].create({"name": "two.example", "catchall_alias": "two"})
        self.save(alias_domain_id=two.id, mail_catchall_alias="changed")
        self.assertEqual(self.shown(), ["two.example", "changed", "bounce", "notifications"])
        self.assertEqual(self.domain.catchall_alias, "replies")

    def test_filter_and_limits_are_parameters(self):
        self.save(
            mail_from_filter="one.example",
            incoming_limit_number=7,
            incoming_limit_period=90,
            incoming_limit_scope="alias",
        )
        read = self.parameters.get_param
        self.assertEqual([read(key) for key in (FILTER, LIMIT, PERIOD, SCOPE)], ["one.example", "7", "90", "alias"])

    def test_size_alerts_and_retention_are_parameters(self):
        self.save(
            inbound_size_limit=20,
            inbound_retention_days=10,
            outgoing_retention_days=90,
            inbound_alert="activity",
            inbound_alert_hours=8,
        )
        names = ("size_limit", "source_retention_days", "selection_retention_days", "alert", "alert_hours")
        read = self.parameters.get_param
        self.assertEqual([read(f"mail_gateway.{name}") for name in names], ["20", "10", "90", "activity", "8"])

    def test_a_bad_value_is_refused(self):
        for values in (
            {"mail_default_from": "info@two example"},
            {"mail_catchall_alias": "catch all"},
            {"mail_bounce_alias": "replies"},
            {"mail_from_filter": "one.example,two example"},
            {"incoming_limit_number": 0},
            {"incoming_limit_period": -1},
            {"incoming_limit_scope": False},
            {"inbound_lanes": 0},
            {"inbound_lanes": 17},
            {"inbound_size_limit": 0},
            {"inbound_size_limit": 501},
            {"inbound_retention_days": -1},
            {"inbound_alert": False},
            {"inbound_alert_hours": 0},
            {"outgoing_retention_days": 0},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.save(**values)

    def test_the_error_quotes_the_typed_value(self):
        with self.assertRaisesRegex(ValidationError, "Default From: “Office <office@one.example>” is neither"):
            self.save(mail_default_from="Office <office@one.example>")

    def test_nothing_is_saved_if_one_value_is_refused(self):
        with self.assertRaises(ValidationError):
            self.save(mail_catchall_alias="all", incoming_limit_period=0)
        self.assertEqual(self.domain.catchall_alias, "replies")

    def test_a_bad_limit_in_the_database_is_shown_as_the_default_and_corrected_when_saved(self):
        self.change_in_sql(PERIOD, "two hours")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.env["res.config.settings"].create({}).incoming_limit_period, 60)
        self.save()
        self.assertEqual(self.parameters.get_param(PERIOD), "60")

    def test_a_size_above_the_maximum_is_shown_as_the_maximum_and_corrected_when_saved(self):
        self.parameters.set_param(SIZE, "500")
        self.change_in_sql(SIZE, "700")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.env["res.config.settings"].create({}).inbound_size_limit, 500)
        self.save()
        self.assertEqual(self.parameters.get_param(SIZE), "500")

    def test_a_bad_number_of_lanes_in_the_database_is_shown_as_the_default(self):
        self.parameters.set_param("mail_gateway.lanes", "3")
        self.change_in_sql("mail_gateway.lanes", "all")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.env["res.config.settings"].create({}).inbound_lanes, 2)

    def test_saving_the_shown_settings_adds_only_defaults(self):
        before = {key: self.parameters.get_param(key) for key in PARAMETERS}
        own = ("mail_", "incoming_", "inbound_", "outgoing_retention")
        fields = [name for name in self.env["res.config.settings"]._fields if name.startswith(own)]
        shown = self.env["res.config.settings"].create({}).read([*fields, "alias_domain_id"], load=None)[0]
        self.save(**{name: value for name, value in shown.items() if name != "id"})
        after = {key: self.parameters.get_param(key) for key in PARAMETERS}
        defaults = {key: PARAMETERS[key].default or False for key in PARAMETERS if key.startswith("mail_gateway.")}
        self.assertEqual(after, {**before, SCOPE: "sender", **defaults})

    def test_catchall_and_bounce_can_be_swapped(self):
        with Form(self.env["res.config.settings"]) as form:
            form.mail_catchall_alias, form.mail_bounce_alias = "returned", "replies"
        self.assertEqual(self.shown(), ["one.example", "returned", "replies", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_the_addresses_are_written_in_one_change(self):
        written, write = [], type(self.domain)._sanitize_configuration
        with patch.object(
            type(self.domain),
            "_sanitize_configuration",
            lambda domain, vals: written.append(dict(vals)) or write(domain, vals),
        ):
            self.save(mail_catchall_alias="all", mail_bounce_alias="back", mail_default_from="info")
        self.assertEqual(written, [{"catchall_alias": "all", "bounce_alias": "back", "default_from": "info"}])

    def test_the_form_shows_the_addresses_of_the_chosen_alias_domain(self):
        two = self.env["mail.alias.domain"].create({"name": "two.example", "catchall_alias": "two"})
        with Form(self.env["res.config.settings"]) as form:
            form.alias_domain_id = two
            self.assertEqual(
                [form.mail_catchall_alias, form.mail_bounce_alias, form.mail_default_from],
                ["two", "bounce", "notifications"],
            )

    def test_a_company_without_alias_domain_saves_its_other_settings(self):
        self.company.alias_domain_id = False
        with Form(self.env["res.config.settings"]) as form:
            form.incoming_limit_period = 31
        form.record.execute()
        self.assertEqual(self.parameters.get_param(PERIOD), "31")

    def test_an_empty_catchall_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "Catchall: This can't be empty"):
            self.save(mail_catchall_alias=False)

    def test_an_old_bad_value_does_not_prevent_other_values_from_being_saved(self):
        self.change_domain_in_sql(default_from="old and bad", bounce_alias="bad too")
        self.parameters.set_param(FILTER, "one.example")
        self.change_in_sql(FILTER, "one.example, bad as well")
        with Form(self.env["res.config.settings"]) as form:
            form.incoming_limit_period = 31
            form.mail_catchall_alias = "answers"
        form.record.execute()
        self.assertEqual(self.record(), ["one.example", "answers", "bad too", "old and bad"])
        self.assertEqual(self.shown(), self.record())
        read = self.parameters.get_param
        self.assertEqual([read(PERIOD), read(FILTER)], ["31", "one.example, bad as well"])
