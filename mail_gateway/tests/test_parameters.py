from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools import SQL

from odoo.addons.mail_gateway.tools.parameters import MIRRORED, PARAMETERS

DOMAIN, CATCHALL, BOUNCE, SENDER = MIRRORED
FILTER, PERIOD, LIMIT, SCOPE = (key for key in PARAMETERS if key not in MIRRORED)
LOGGER = "odoo.addons.mail_gateway.models.ir_config_parameter"


@tagged("post_install", "-at_install")
class ParametersCase(TransactionCase):
    """A main company with an alias domain of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parameters = cls.env["ir.config_parameter"]
        cls.company = cls.env.ref("base.main_company")
        cls.domain = cls.env["mail.alias.domain"].create(
            {"name": "one.example", "catchall_alias": "replies", "bounce_alias": "returned", "default_from": "office"}
        )
        cls.company.alias_domain_id = cls.domain

    def shown(self):
        """What the four parameters say."""
        return [self.parameters.get_param(key) for key in MIRRORED]

    def record(self, domain=None):
        """What the main company's alias domain says."""
        return [(domain or self.company.alias_domain_id)[field] for field in MIRRORED.values()]

    def parameter(self, key):
        """The record of a parameter."""
        return self.parameters.search([("key", "=", key)])

    def change_in_sql(self, key, value):
        """As somebody does with psql."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE ir_config_parameter SET value = %s WHERE key = %s", [value, key])
        self.env.invalidate_all()
        self.env.registry.clear_cache("stable")

    def change_domain_in_sql(self, **values):
        """The same with the main company's alias domain."""
        self.env.flush_all()
        for field, value in values.items():
            change = SQL("SET %s = %s WHERE id = %s", SQL.identifier(field), value, self.domain.id)
            self.env.cr.execute(SQL("UPDATE mail_alias_domain %s", change))
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def take_domain_away(self):
        """The main company without an alias domain, as after a new installation."""
        self.company.alias_domain_id = False
        self.env["mail.alias"].search([]).alias_domain_id = False
        self.env["mail.alias.domain"].search([]).unlink()


class TestParametersChangeTheAliasDomain(ParametersCase):
    def test_what_is_written_is_in_the_alias_domain_at_once(self):
        self.parameter(CATCHALL).write({"value": "antworten"})
        self.parameters.set_param(BOUNCE, "unzustellbar")
        self.parameters.set_param(SENDER, "info@two.example")
        self.assertEqual(self.record(), ["one.example", "antworten", "unzustellbar", "info@two.example"])

    def test_both_show_the_stored_form(self):
        self.parameters.set_param(CATCHALL, " Antworten ")
        self.parameters.set_param(SENDER, "Info@Café.example")
        self.assertEqual(self.shown(), ["one.example", "antworten", "returned", "info@xn--caf-dma.example"])
        self.assertEqual(self.shown(), self.record())

    def test_another_domain_renames_the_alias_domain_and_its_aliases(self):
        alias = self.env["mail.alias"].create(
            {
                "alias_name": "orders",
                "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                "alias_domain_id": self.domain.id,
            }
        )
        self.parameters.set_param(DOMAIN, "Renamed.example")
        self.assertEqual(self.company.alias_domain_id, self.domain)
        self.assertEqual(self.record(), ["renamed.example", "replies", "returned", "office"])
        self.assertEqual(alias.alias_full_name, "orders@renamed.example")

    def test_what_was_renamed_is_a_former_address(self):
        self.parameters.set_param(DOMAIN, "renamed.example")
        self.parameters.set_param(CATCHALL, "answers")
        former = self.env["mail.former.address"].search([("alias_domain_id", "=", self.domain.id)])
        self.assertEqual(set(former.mapped("address")), {"one.example", "replies@renamed.example"})

    def test_a_domain_that_exists_becomes_the_main_companys(self):
        two = self.env["mail.alias.domain"].create({"name": "two.example", "default_from": "two"})
        self.parameters.set_param(DOMAIN, "TWO.example")
        self.assertEqual(self.company.alias_domain_id, two)
        self.assertEqual(self.domain.name, "one.example")
        self.assertEqual(self.shown(), ["two.example", "catchall", "bounce", "two"])

    def test_the_same_domain_in_another_form_changes_nothing(self):
        self.domain.name = "xn--caf-dma.example"
        self.parameters.set_param(DOMAIN, "CAFÉ.example")
        self.assertEqual(self.shown(), self.record())
        self.assertEqual(self.domain.name, "xn--caf-dma.example")

    def test_the_first_domain_is_created_with_the_other_parameters_for_every_company(self):
        self.take_domain_away()
        other = self.env["res.company"].create({"name": "Other"})
        self.parameters.set_param(BOUNCE, "back")
        self.parameters.set_param(DOMAIN, "new.example")
        self.assertEqual(self.record(), ["new.example", "replies", "back", "office"])
        self.assertEqual(other.alias_domain_id, self.company.alias_domain_id)

    def test_a_domain_is_created_for_the_main_company_where_others_have_theirs(self):
        self.company.alias_domain_id = False
        self.parameters.set_param(DOMAIN, "new.example")
        self.assertEqual(self.company.alias_domain_id.name, "new.example")
        self.assertEqual(self.shown(), self.record())
        self.assertEqual(self.domain.name, "one.example")

    def test_several_written_at_once_are_one_change(self):
        (self.parameter(CATCHALL) + self.parameter(BOUNCE)).unlink()
        self.assertEqual(self.record(), ["one.example", "catchall", "bounce", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_several_created_at_once_are_one_change(self):
        self.take_domain_away()
        self.parameters.search([("key", "in", list(MIRRORED))]).unlink()
        self.parameters.create(
            [{"key": key, "value": value} for key, value in zip(MIRRORED, ("all.example", "c", "b", "s"), strict=True)]
        )
        self.assertEqual(self.record(), ["all.example", "c", "b", "s"])

    def test_a_deleted_parameter_is_back_with_its_default(self):
        for key in (CATCHALL, BOUNCE, SENDER):
            self.parameter(key).unlink()
        self.assertEqual(self.record(), ["one.example", "catchall", "bounce", "notifications"])
        self.assertEqual(self.shown(), self.record())

    def test_set_param_false_means_the_default(self):
        self.parameters.set_param(CATCHALL, False)
        self.assertEqual(self.domain.catchall_alias, "catchall")

    def test_deleting_the_domain_loses_no_alias_domain(self):
        self.parameter(DOMAIN).unlink()
        self.assertEqual(self.company.alias_domain_id, self.domain)
        self.assertEqual(self.shown(), self.record())

    def test_a_parameter_that_gets_another_key_is_the_other_one(self):
        self.parameter(FILTER).unlink()
        self.parameter(SENDER).write({"key": FILTER, "value": "one.example"})
        self.assertEqual(self.domain.default_from, "notifications")
        self.assertEqual(self.parameters.get_param(SENDER), "notifications")
        self.assertEqual(self.parameters.get_param(FILTER), "one.example")

    def test_a_parameter_that_gets_the_key_of_one_of_ours_counts(self):
        self.take_domain_away()
        mine = self.parameters.create({"key": "my.domain", "value": "Mine.example"})
        mine.key = DOMAIN
        self.assertEqual(self.record(), ["mine.example", "replies", "returned", "office"])
        self.assertEqual(mine.value, "mine.example")

    def test_an_empty_default_from_is_none(self):
        self.parameters.set_param(SENDER, "")
        self.assertFalse(self.domain.default_from)
        self.assertEqual(self.parameter(SENDER).value, "")

    def test_an_archived_main_company_is_still_the_main_company(self):
        other = self.env["res.company"].create({"name": "Other", "alias_domain_id": False})
        self.env["res.users"].with_context(active_test=False).search([]).write(
            {"company_ids": [(4, other.id)], "company_id": other.id}
        )
        self.company.active = False
        self.parameters.set_param(CATCHALL, "archived")
        self.assertEqual(self.domain.catchall_alias, "archived")

    def test_without_base_main_company_the_first_company_counts(self):
        first = self.env["res.company"].with_context(active_test=False).search([], order="id", limit=1)
        self.env["ir.model.data"].search([("module", "=", "base"), ("name", "=", "main_company")]).unlink()
        first.alias_domain_id = self.domain
        self.parameters.set_param(CATCHALL, "first")
        self.assertEqual(self.domain.catchall_alias, "first")


class TestTheAliasDomainChangesParameters(ParametersCase):
    def test_what_is_written_is_in_the_parameters_at_once(self):
        self.domain.write(
            {"name": "Other.example", "catchall_alias": "All", "bounce_alias": "b", "default_from": "X@Y.example"}
        )
        self.assertEqual(self.shown(), ["other.example", "all", "b", "x@y.example"])
        self.assertEqual(self.shown(), self.record())

    def test_another_alias_domain_of_the_main_company_counts(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "two.example"})
        self.assertEqual(self.shown(), ["two.example", "catchall", "bounce", "notifications"])

    def test_companies_named_on_the_alias_domain_count_too(self):
        self.env["mail.alias.domain"].create({"name": "two.example", "company_ids": [(4, self.company.id)]})
        self.assertEqual(self.shown(), ["two.example", "catchall", "bounce", "notifications"])

    def test_the_alias_domain_of_another_company_is_not_shown(self):
        two = self.env["mail.alias.domain"].create({"name": "two.example"})
        self.env["res.company"].create({"name": "Other", "alias_domain_id": two.id})
        two.catchall_alias = "other"
        self.assertEqual(self.shown(), ["one.example", "replies", "returned", "office"])

    def test_an_empty_default_from_is_shown_as_empty(self):
        self.domain.default_from = False
        self.assertEqual(self.parameter(SENDER).value, "")
        self.assertEqual(self.parameters._get_mail_parameter(SENDER), "")

    def test_a_company_without_alias_domain_has_no_domain_parameter(self):
        self.company.alias_domain_id = False
        self.assertEqual(self.shown(), [False, "replies", "returned", "office"])

    def test_a_deleted_alias_domain_stays_deleted(self):
        self.take_domain_away()
        self.parameters._settle_mail_parameters()
        self.assertFalse(self.company.alias_domain_id)
        self.assertFalse(self.parameter(DOMAIN))

    def test_the_first_alias_domain_starts_with_the_parameters(self):
        self.take_domain_away()
        self.parameters.set_param(CATCHALL, "waiting")
        self.env["mail.alias.domain"].create({"name": "new.example", "bounce_alias": "chosen"})
        self.assertEqual(self.shown(), ["new.example", "waiting", "chosen", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_nothing_is_written_when_nothing_differs(self):
        self.parameters._show_alias_domain()  # fills the caches
        with self.assertQueryCount(0):
            self.parameters._show_alias_domain()

    def test_other_parameters_cost_nothing(self):
        other = self.parameters.create({"key": "my.own", "value": "1"})
        self.env.flush_all()
        with self.assertQueryCount(1):  # the UPDATE itself
            other.write({"value": "2"})
            self.env.flush_all()


class TestBadValues(ParametersCase):
    BAD = (
        (DOMAIN, "my company", "“my company” is no domain"),
        (CATCHALL, "all@one.example", "“all@one.example” can't stand before the @"),
        (BOUNCE, "bounce back", "“bounce back” can't stand before the @"),
        (SENDER, "Office <office@one.example>", "neither an address nor the part of one before its @"),
        (FILTER, "one.example, t wo.example", "“t wo.example” is neither a domain nor an address"),
        (PERIOD, "an hour", "“an hour” is not a whole number"),
        (LIMIT, "0", "“0” is not a whole number"),
        (SCOPE, "company", "“company” is unknown"),
    )

    def test_a_bad_value_is_refused_with_its_key_and_what_to_do(self):
        for key, value, why in self.BAD:
            with self.assertRaises(ValidationError) as refused, self.env.cr.savepoint():
                self.parameters.set_param(key, value)
            self.assertIn(f"System parameter “{key}”: ", refused.exception.args[0])
            self.assertIn(why, refused.exception.args[0])

    def test_a_refused_value_leaves_no_trace(self):
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.parameters.set_param(CATCHALL, "catch all")
        self.assertEqual(self.shown(), ["one.example", "replies", "returned", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_a_bad_value_is_refused_when_it_is_created_or_gets_its_key_later(self):
        self.parameter(SCOPE).unlink()
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.parameters.create({"key": SCOPE, "value": "all"})
        mine = self.parameters.create({"key": "my.scope", "value": "all"})
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            mine.key = SCOPE

    def test_the_catchall_is_not_the_bounce_address(self):
        with self.assertRaisesRegex(ValidationError, "“replies@one.example” can't be both"), self.env.cr.savepoint():
            self.parameters.set_param(BOUNCE, "replies")

    def test_nor_is_it_where_there_is_no_alias_domain_yet(self):
        self.take_domain_away()
        with self.assertRaisesRegex(ValidationError, "“replies” can't be both"), self.env.cr.savepoint():
            self.parameters.set_param(BOUNCE, "replies")

    def test_nor_the_bounce_address_of_an_alias_domain_of_the_same_name(self):
        with self.assertRaisesRegex(ValidationError, "can't be both"), self.env.cr.savepoint():
            self.env["mail.alias.domain"].create(
                {"name": "ONE.example", "catchall_alias": "returned", "bounce_alias": "other"}
            )

    def test_a_parameter_does_not_take_the_address_of_an_alias(self):
        self.env["mail.alias"].create(
            {
                "alias_name": "orders",
                "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                "alias_domain_id": self.domain.id,
            }
        )
        with self.assertRaisesRegex(ValidationError, "orders@one.example"), self.env.cr.savepoint():
            self.parameters.set_param(CATCHALL, "orders")

    def test_what_is_written_to_the_alias_domain_is_checked_too(self):
        for values in (
            {"name": "one example"},
            {"name": "one/two.example"},
            {"default_from": "office@one example"},
            {"default_from": "Office <office@one.example>"},
            {"catchall_alias": "c" * 65},
        ):
            with self.assertRaises(ValidationError) as refused, self.env.cr.savepoint():
                self.domain.write(values)
            self.assertTrue(refused.exception.args[0])

    def test_the_words_name_the_field_and_the_alias_domain(self):
        with (
            self.assertRaisesRegex(
                ValidationError, "Catchall Alias of the alias domain “one.example”: “c+” can't stand"
            ),
            self.env.cr.savepoint(),
        ):
            self.domain.catchall_alias = "c" * 65


class TestBadAddressesInTheAliasDomain(ParametersCase):
    """They came in by SQL, past every check."""

    EMAILS = ("catchall_email", "bounce_email", "default_from_email")

    def emails(self, domain=None):
        """The addresses that core uses."""
        return [(domain or self.domain)[field] for field in self.EMAILS]

    def test_a_bad_default_from_counts_as_the_default(self):
        for bad in ("our office", "our office@one.example", "Office <office@one.example>", "office@one example"):
            self.change_domain_in_sql(default_from=bad)
            with self.subTest(bad=bad), self.assertLogs(LOGGER, "WARNING"):
                self.assertEqual(self.domain.default_from_email, "notifications@one.example")

    def test_a_bad_catchall_counts_as_the_default(self):
        self.change_domain_in_sql(catchall_alias="all of us")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.emails(), ["catchall@one.example", "returned@one.example", "office@one.example"])

    def test_a_bad_bounce_address_counts_as_the_default(self):
        self.change_domain_in_sql(bounce_alias="returned@one.example")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.emails(), ["replies@one.example", "bounce@one.example", "office@one.example"])
        self.assertEqual(self.domain._bounce_addresses(), ("bounce@one.example",))

    def test_it_is_logged_once_by_whoever_reads_it(self):
        self.change_domain_in_sql(default_from="once only")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.domain.read(self.EMAILS)
            self.env.invalidate_all()
            self.domain.read(self.EMAILS)
            self.parameters._get_mail_parameter(SENDER)
        self.assertEqual(len(log.output), 1)
        self.assertIn("mail.default.from: 'once only' can't be used; 'notifications' counts", log.output[0])

    def test_that_of_another_alias_domain_is_logged_by_its_name(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "two.example"})
        self.change_domain_in_sql(default_from="another one")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.assertEqual(self.domain.default_from_email, "notifications@one.example")
        self.assertIn("mail.default.from, in the alias domain one.example: 'another one'", log.output[0])

    def test_good_ones_are_used_as_they_stand(self):
        self.domain.default_from = "office@two.example"
        with self.assertNoLogs(LOGGER, "WARNING"):
            self.env.invalidate_all()
            self.assertEqual(self.emails(), ["replies@one.example", "returned@one.example", "office@two.example"])

    def test_no_default_from_is_none(self):
        self.domain.default_from = False
        self.assertEqual(self.domain.default_from_email, "")

    def test_it_keeps_nobody_from_changing_the_others(self):
        self.change_domain_in_sql(default_from="left alone")
        self.domain.write({"catchall_alias": "answers", "default_from": "left alone"})
        self.parameters.set_param(BOUNCE, "back")
        self.assertEqual(self.record(), ["one.example", "answers", "back", "left alone"])
        self.assertEqual(self.shown(), self.record())

    def test_another_bad_one_is_refused(self):
        self.change_domain_in_sql(default_from="bad one")
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.domain.default_from = "bad one@one.example"

    def test_what_counted_instead_is_a_former_address_once_it_is_mended(self):
        self.change_domain_in_sql(catchall_alias="mended soon")
        with self.assertLogs(LOGGER, "WARNING"):
            self.domain.catchall_alias = "mended"
        former = self.env["mail.former.address"].search([("alias_domain_id", "=", self.domain.id)])
        self.assertEqual(former.mapped("address"), ["catchall@one.example"])


class TestReadingParameters(ParametersCase):
    def read(self, key):
        return self.parameters._get_mail_parameter(key)

    def test_numbers_are_numbers(self):
        self.parameters.set_param(PERIOD, 90)
        self.parameters.set_param(LIMIT, "7")
        self.assertEqual((self.read(PERIOD), self.read(LIMIT)), (90, 7))

    def test_what_is_absent_has_its_default(self):
        self.parameters.search([("key", "in", [FILTER, PERIOD, LIMIT, SCOPE])]).unlink()
        self.assertEqual([self.read(key) for key in (FILTER, PERIOD, LIMIT, SCOPE)], ["", 60, 5, "sender"])

    def test_what_the_alias_domain_holds_is_read_there(self):
        self.change_in_sql(SENDER, "elsewhere")
        self.assertEqual([self.read(key) for key in MIRRORED], self.record())

    def test_without_an_alias_domain_the_parameters_count(self):
        self.take_domain_away()
        self.assertEqual([self.read(key) for key in MIRRORED], ["", "replies", "returned", "office"])

    def test_a_bad_value_in_the_database_counts_as_the_default_and_is_logged_once(self):
        self.change_in_sql(PERIOD, "an hour")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.assertEqual([self.read(PERIOD), self.read(PERIOD)], [60, 60])
        self.assertEqual(len(log.output), 1)
        self.assertIn("mail.incoming.limit.period: 'an hour' can't be used; 60 counts", log.output[0])

    def test_the_good_entries_of_a_bad_filter_count(self):
        self.parameters.set_param(FILTER, "one.example")
        self.change_in_sql(FILTER, "one.example, two example")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.read(FILTER), "one.example")

    def test_every_user_may_be_served(self):
        user = self.env["res.users"].create({"name": "Nobody", "login": "nobody-in-particular"})
        read = self.parameters.with_user(user)._get_mail_parameter
        self.assertEqual([read(key) for key in (*MIRRORED, LIMIT)], [*self.record(), 5])


class TestInstallingAndUpdating(ParametersCase):
    """What each installation and update of the addon does."""

    def settle(self):
        self.parameters._settle_mail_parameters()

    def test_what_is_absent_is_created(self):
        self.take_domain_away()
        self.parameters.search([("key", "in", list(PARAMETERS))]).unlink()
        self.settle()
        created = {key: self.parameters.get_param(key) for key in PARAMETERS if self.parameter(key)}
        self.assertEqual(
            created, {CATCHALL: "catchall", BOUNCE: "bounce", SENDER: "notifications", PERIOD: "60", LIMIT: "5"}
        )

    def test_what_is_there_is_not_overwritten(self):
        self.parameters.set_param(PERIOD, "120")
        self.parameters.set_param(LIMIT, "9")
        self.settle()
        self.assertEqual([self.parameters.get_param(key) for key in (PERIOD, LIMIT)], ["120", "9"])

    def test_an_alias_domain_that_was_changed_in_sql_counts(self):
        self.change_domain_in_sql(catchall_alias="sql")
        self.settle()
        self.assertEqual(self.shown(), ["one.example", "sql", "returned", "office"])

    def test_an_alias_domain_counts_more_than_a_parameter_that_was_changed_in_sql(self):
        self.change_in_sql(DOMAIN, "sql.example")
        self.settle()
        self.assertEqual(self.shown(), ["one.example", "replies", "returned", "office"])

    def test_parameters_from_odoo_16_make_an_alias_domain(self):
        self.take_domain_away()
        self.env.cr.execute(
            "INSERT INTO ir_config_parameter (key, value) VALUES ('mail.catchall.domain', 'Sixteen.example')"
        )
        self.env.registry.clear_cache("stable")
        self.settle()
        self.assertEqual(self.record(), ["sixteen.example", "replies", "returned", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_parameters_that_make_no_alias_domain_do_not_stop_an_update(self):
        self.take_domain_away()
        self.change_in_sql(BOUNCE, "replies")
        self.env.cr.execute("INSERT INTO ir_config_parameter (key, value) VALUES ('mail.catchall.domain', 's.example')")
        self.env.registry.clear_cache("stable")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.settle()
        self.assertIn("“replies@s.example” can't be both", log.output[0])
        self.assertEqual(self.shown(), ["s.example", "replies", "replies", "office"])
        self.assertFalse(self.company.alias_domain_id)

    def test_a_second_time_changes_nothing(self):
        self.settle()
        before = {key: self.parameters.get_param(key) for key in PARAMETERS}
        self.env["res.company"]._main_company_of_mail().alias_domain_id.read(list(MIRRORED.values()))
        with self.assertQueryCount(0):
            self.settle()
        self.assertEqual({key: self.parameters.get_param(key) for key in PARAMETERS}, before)


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

    def test_a_bad_value_is_refused(self):
        for values in (
            {"mail_default_from": "info@two example"},
            {"mail_catchall_alias": "catch all"},
            {"mail_bounce_alias": "replies"},
            {"mail_from_filter": "one.example,two example"},
            {"incoming_limit_number": 0},
            {"incoming_limit_period": -1},
            {"incoming_limit_scope": False},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.save(**values)

    def test_the_words_quote_what_was_typed(self):
        with self.assertRaisesRegex(ValidationError, "Default From: “Office <office@one.example>” is neither"):
            self.save(mail_default_from="Office <office@one.example>")

    def test_a_refused_value_keeps_the_others_from_being_saved(self):
        with self.assertRaises(ValidationError):
            self.save(mail_catchall_alias="all", incoming_limit_period=0)
        self.assertEqual(self.domain.catchall_alias, "replies")

    def test_a_bad_limit_in_the_database_shows_as_the_default_and_is_mended_when_saved(self):
        self.change_in_sql(PERIOD, "two hours")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.env["res.config.settings"].create({}).incoming_limit_period, 60)
        self.save()
        self.assertEqual(self.parameters.get_param(PERIOD), "60")

    def test_saving_what_is_shown_changes_nothing(self):
        before = {key: self.parameters.get_param(key) for key in PARAMETERS}
        fields = [name for name in self.env["res.config.settings"]._fields if name.startswith(("mail_", "incoming_"))]
        shown = self.env["res.config.settings"].create({}).read([*fields, "alias_domain_id"], load=None)[0]
        self.save(**{name: value for name, value in shown.items() if name != "id"})
        after = {key: self.parameters.get_param(key) for key in PARAMETERS}
        self.assertEqual(after, {**before, SCOPE: "sender"})

    def test_catchall_and_bounce_change_places(self):
        with Form(self.env["res.config.settings"]) as form:
            form.mail_catchall_alias, form.mail_bounce_alias = "returned", "replies"
        self.assertEqual(self.shown(), ["one.example", "returned", "replies", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_the_addresses_are_one_change(self):
        written, write = [], type(self.domain)._sanitize_configuration
        with patch.object(
            type(self.domain),
            "_sanitize_configuration",
            lambda domain, vals: written.append(dict(vals)) or write(domain, vals),
        ):
            self.save(mail_catchall_alias="all", mail_bounce_alias="back", mail_default_from="info")
        self.assertEqual(written, [{"catchall_alias": "all", "bounce_alias": "back", "default_from": "info"}])

    def test_the_form_shows_the_addresses_of_the_alias_domain_that_is_chosen(self):
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

    def test_an_old_bad_value_does_not_keep_the_others_from_being_saved(self):
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
