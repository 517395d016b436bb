from odoo.addons.mail_gateway.tests.addresses.parameters_common import (
    BOUNCE,
    CATCHALL,
    DOMAIN,
    FILTER,
    LIMIT,
    LOGGER,
    PERIOD,
    SENDER,
    ParametersCase,
)
from odoo.addons.mail_gateway.tools.parameters import MIRRORED, PARAMETERS


class TestParametersChangeTheAliasDomain(ParametersCase):
    def test_written_parameters_change_the_alias_domain_at_once(self):
        self.parameter(CATCHALL).write({"value": "antworten"})
        self.parameters.set_param(BOUNCE, "unzustellbar")
        self.parameters.set_param(SENDER, "info@two.example")
        self.assertEqual(self.record(), ["one.example", "antworten", "unzustellbar", "info@two.example"])

    def test_parameters_and_alias_domain_show_the_normalized_value(self):
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

    def test_renamed_addresses_become_former_addresses(self):
        self.parameters.set_param(DOMAIN, "renamed.example")
        self.parameters.set_param(CATCHALL, "answers")
        former = self.env["mail.former.address"].search([("alias_domain_id", "=", self.domain.id)])
        self.assertEqual(set(former.mapped("address")), {"one.example", "replies@renamed.example"})

    def test_an_existing_domain_becomes_that_of_the_main_company(self):
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

    def test_a_domain_is_created_for_the_main_company_if_only_others_have_one(self):
        self.company.alias_domain_id = False
        self.parameters.set_param(DOMAIN, "new.example")
        self.assertEqual(self.company.alias_domain_id.name, "new.example")
        self.assertEqual(self.shown(), self.record())
        self.assertEqual(self.domain.name, "one.example")

    def test_parameters_deleted_together_get_their_defaults_in_one_change(self):
        (self.parameter(CATCHALL) + self.parameter(BOUNCE)).unlink()
        self.assertEqual(self.record(), ["one.example", "catchall", "bounce", "office"])
        self.assertEqual(self.shown(), self.record())

    def test_parameters_created_together_are_one_change(self):
        self.take_domain_away()
        self.parameters.search([("key", "in", list(MIRRORED))]).unlink()
        self.parameters.create(
            [{"key": key, "value": value} for key, value in zip(MIRRORED, ("all.example", "c", "b", "s"), strict=True)]
        )
        self.assertEqual(self.record(), ["all.example", "c", "b", "s"])

    def test_a_deleted_parameter_is_created_again_with_its_default(self):
        for key in (CATCHALL, BOUNCE, SENDER):
            self.parameter(key).unlink()
        self.assertEqual(self.record(), ["one.example", "catchall", "bounce", "notifications"])
        self.assertEqual(self.shown(), self.record())

    def test_set_param_with_false_sets_the_default(self):
        self.parameters.set_param(CATCHALL, False)
        self.assertEqual(self.domain.catchall_alias, "catchall")

    def test_deleting_the_domain_parameter_keeps_the_alias_domain(self):
        self.parameter(DOMAIN).unlink()
        self.assertEqual(self.company.alias_domain_id, self.domain)
        self.assertEqual(self.shown(), self.record())

    def test_a_parameter_that_gets_another_key_counts_as_the_other_parameter(self):
        self.parameter(FILTER).unlink()
        self.parameter(SENDER).write({"key": FILTER, "value": "one.example"})
        self.assertEqual(self.domain.default_from, "notifications")
        self.assertEqual(self.parameters.get_param(SENDER), "notifications")
        self.assertEqual(self.parameters.get_param(FILTER), "one.example")

    def test_a_parameter_that_gets_one_of_our_keys_counts(self):
        self.take_domain_away()
        mine = self.parameters.create({"key": "my.domain", "value": "Mine.example"})
        mine.key = DOMAIN
        self.assertEqual(self.record(), ["mine.example", "replies", "returned", "office"])
        self.assertEqual(mine.value, "mine.example")

    def test_an_empty_default_from_parameter_clears_the_default_from(self):
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
    def test_a_changed_alias_domain_changes_the_parameters_at_once(self):
        self.domain.write(
            {"name": "Other.example", "catchall_alias": "All", "bounce_alias": "b", "default_from": "X@Y.example"}
        )
        self.assertEqual(self.shown(), ["other.example", "all", "b", "x@y.example"])
        self.assertEqual(self.shown(), self.record())

    def test_another_alias_domain_of_the_main_company_counts(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create({"name": "two.example"})
        self.assertEqual(self.shown(), ["two.example", "catchall", "bounce", "notifications"])

    def test_companies_assigned_on_the_alias_domain_count(self):
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

    def test_nothing_is_written_if_nothing_differs(self):
        self.parameters._show_alias_domain()  # fills the caches
        with self.assertQueryCount(0):
            self.parameters._show_alias_domain()

    def test_other_parameters_cost_no_additional_query(self):
        other = self.parameters.create({"key": "my.own", "value": "1"})
        self.env.flush_all()
        with self.assertQueryCount(1):  # the UPDATE itself
            other.write({"value": "2"})
            self.env.flush_all()


class TestInstallingAndUpdating(ParametersCase):
    """The effects of each installation and update of the addon."""

    def settle(self):
        self.parameters._settle_mail_parameters()

    def test_missing_parameters_are_created(self):
        self.take_domain_away()
        self.parameters.search([("key", "in", list(PARAMETERS))]).unlink()
        self.settle()
        created = {key: self.parameters.get_param(key) for key in PARAMETERS if self.parameter(key)}
        self.assertEqual(
            created, {CATCHALL: "catchall", BOUNCE: "bounce", SENDER: "notifications", PERIOD: "60", LIMIT: "5"}
        )

    def test_existing_parameters_are_not_overwritten(self):
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

    def test_a_second_update_changes_nothing(self):
        self.settle()
        before = {key: self.parameters.get_param(key) for key in PARAMETERS}
        self.env["res.company"]._main_company_of_mail().alias_domain_id.read(list(MIRRORED.values()))
        with self.assertQueryCount(0):
            self.settle()
        self.assertEqual({key: self.parameters.get_param(key) for key in PARAMETERS}, before)
