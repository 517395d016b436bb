from odoo.exceptions import ValidationError

from odoo.addons.mail_gateway.tests.addresses.parameters_common import (
    BOUNCE,
    CATCHALL,
    DOMAIN,
    FILTER,
    LIMIT,
    LOGGER,
    PERIOD,
    SCOPE,
    SENDER,
    SIZE,
    ParametersCase,
)
from odoo.addons.mail_gateway.tools.parameters import MIRRORED


class TestBadValues(ParametersCase):
    BAD = (
        (DOMAIN, "my company", "“my company” is not a domain"),
        (CATCHALL, "all@one.example", "“all@one.example” can't be the part of an address before the @"),
        (BOUNCE, "bounce back", "“bounce back” can't be the part of an address before the @"),
        (SENDER, "Office <office@one.example>", "neither an address nor the part of an address before the @"),
        (FILTER, "one.example, t wo.example", "“t wo.example” is neither a domain nor an address"),
        (PERIOD, "an hour", "“an hour” is not a whole number"),
        (LIMIT, "0", "“0” is not a whole number"),
        (SIZE, "501", "“501” is not a whole number from 1 to 500"),
        (SCOPE, "company", "“company” is unknown"),
    )

    def test_a_bad_value_is_refused_with_its_key_and_the_reason(self):
        for key, value, why in self.BAD:
            with self.assertRaises(ValidationError) as refused, self.env.cr.savepoint():
                self.parameters.set_param(key, value)
            self.assertIn(f"System parameter “{key}”: ", refused.exception.args[0])
            self.assertIn(why, refused.exception.args[0])

    def test_a_refused_value_changes_nothing(self):
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

    def test_the_catchall_and_the_bounce_address_must_differ(self):
        with self.assertRaisesRegex(ValidationError, "“replies@one.example” can't be both"), self.env.cr.savepoint():
            self.parameters.set_param(BOUNCE, "replies")

    def test_the_catchall_and_the_bounce_address_must_differ_before_an_alias_domain_exists(self):
        self.take_domain_away()
        with self.assertRaisesRegex(ValidationError, "“replies” can't be both"), self.env.cr.savepoint():
            self.parameters.set_param(BOUNCE, "replies")

    def test_the_catchall_and_the_bounce_address_of_a_domain_with_the_same_name_must_differ(self):
        with self.assertRaisesRegex(ValidationError, "can't be both"), self.env.cr.savepoint():
            self.env["mail.alias.domain"].create(
                {"name": "ONE.example", "catchall_alias": "returned", "bounce_alias": "other"}
            )

    def test_a_parameter_cannot_take_the_address_of_an_alias(self):
        self.env["mail.alias"].create(
            {
                "alias_name": "orders",
                "alias_model_id": self.env["ir.model"]._get_id("res.partner"),
                "alias_domain_id": self.domain.id,
            }
        )
        with self.assertRaisesRegex(ValidationError, "orders@one.example"), self.env.cr.savepoint():
            self.parameters.set_param(CATCHALL, "orders")

    def test_values_of_the_alias_domain_are_checked(self):
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

    def test_the_error_names_the_field_and_the_alias_domain(self):
        with (
            self.assertRaisesRegex(
                ValidationError, "Catchall Alias of the alias domain “one.example”: “c+” can't be the part"
            ),
            self.env.cr.savepoint(),
        ):
            self.domain.catchall_alias = "c" * 65


class TestBadAddressesInTheAliasDomain(ParametersCase):
    """Somebody wrote bad values by SQL, which no check saw."""

    EMAILS = ("catchall_email", "bounce_email", "default_from_email")

    def emails(self):
        """Return the addresses that core uses."""
        return [self.domain[field] for field in self.EMAILS]

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

    def test_a_bad_value_is_logged_once_for_all_readers(self):
        self.change_domain_in_sql(default_from="once only")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.domain.read(self.EMAILS)
            self.env.invalidate_all()
            self.domain.read(self.EMAILS)
            self.parameters._get_mail_parameter(SENDER)
        self.assertEqual(len(log.output), 1)
        self.assertIn("mail.default.from: 'once only' can't be used; Odoo uses 'notifications' instead", log.output[0])

    def test_a_bad_value_of_another_alias_domain_is_logged_with_its_name(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "two.example"})
        self.change_domain_in_sql(default_from="another one")
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.assertEqual(self.domain.default_from_email, "notifications@one.example")
        self.assertIn("mail.default.from, in the alias domain one.example: 'another one'", log.output[0])

    def test_good_values_are_used_unchanged(self):
        self.domain.default_from = "office@two.example"
        with self.assertNoLogs(LOGGER, "WARNING"):
            self.env.invalidate_all()
            self.assertEqual(self.emails(), ["replies@one.example", "returned@one.example", "office@two.example"])

    def test_an_alias_domain_without_a_default_from_has_no_default_address(self):
        self.domain.default_from = False
        self.assertEqual(self.domain.default_from_email, "")

    def test_a_bad_value_does_not_prevent_changes_of_others(self):
        self.change_domain_in_sql(default_from="left alone")
        self.domain.write({"catchall_alias": "answers", "default_from": "left alone"})
        self.parameters.set_param(BOUNCE, "back")
        self.assertEqual(self.record(), ["one.example", "answers", "back", "left alone"])
        self.assertEqual(self.shown(), self.record())

    def test_another_bad_value_is_refused(self):
        self.change_domain_in_sql(default_from="bad one")
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.domain.default_from = "bad one@one.example"

    def test_the_default_that_counted_becomes_a_former_address_when_the_value_is_corrected(self):
        self.change_domain_in_sql(catchall_alias="mended soon")
        with self.assertLogs(LOGGER, "WARNING"):
            self.domain.catchall_alias = "mended"
        former = self.env["mail.former.address"].search([("alias_domain_id", "=", self.domain.id)])
        self.assertEqual(former.mapped("address"), ["catchall@one.example"])


class TestReadingParameters(ParametersCase):
    def read(self, key):
        return self.parameters._get_mail_parameter(key)

    def test_numbers_are_read_as_numbers(self):
        self.parameters.set_param(PERIOD, 90)
        self.parameters.set_param(LIMIT, "7")
        self.assertEqual((self.read(PERIOD), self.read(LIMIT)), (90, 7))

    def test_missing_parameters_have_their_defaults(self):
        self.parameters.search([("key", "in", [FILTER, PERIOD, LIMIT, SCOPE])]).unlink()
        self.assertEqual([self.read(key) for key in (FILTER, PERIOD, LIMIT, SCOPE)], ["", 60, 5, "sender"])

    def test_values_of_the_alias_domain_are_read_there(self):
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
        self.assertIn("mail.incoming.limit.period: 'an hour' can't be used; Odoo uses 60 instead", log.output[0])

    def test_a_number_in_the_database_that_is_too_large_counts_as_the_largest(self):
        self.parameters.set_param(SIZE, "20")
        for value in ("501", "900", "9" * 30):
            self.change_in_sql(SIZE, value)
            with self.subTest(value), self.assertLogs(LOGGER, "WARNING"):
                self.assertEqual(self.read(SIZE), 500)

    def test_a_number_in_the_database_that_is_too_small_counts_as_the_default(self):
        self.parameters.set_param(SIZE, "20")
        for value in ("0", "-900", "900.5"):
            self.change_in_sql(SIZE, value)
            with self.subTest(value), self.assertLogs(LOGGER, "WARNING"):
                self.assertEqual(self.read(SIZE), 50)

    def test_the_good_entries_of_a_bad_filter_count(self):
        self.parameters.set_param(FILTER, "one.example")
        self.change_in_sql(FILTER, "one.example, two example")
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertEqual(self.read(FILTER), "one.example")

    def test_parameters_are_read_for_every_user(self):
        user = self.env["res.users"].create({"name": "Nobody", "login": "nobody-in-particular"})
        read = self.parameters.with_user(user)._get_mail_parameter
        self.assertEqual([read(key) for key in (*MIRRORED, LIMIT)], [*self.record(), 5])
