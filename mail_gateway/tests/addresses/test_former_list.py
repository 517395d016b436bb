from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.addresses.former_common import FormerCommon


@tagged("post_install", "-at_install")
class TestFormerFilling(FormerCommon):
    """Renaming and deleting fill the list."""

    def test_a_renamed_alias_leaves_its_old_address(self):
        self.alias.alias_name = "orders"
        entry = self.entry("inbound")
        self.assertEqual((entry.kind, entry.alias_id, entry.leads_to), ("alias", self.alias, self.in_domain("orders")))
        self.assertTrue(entry.active)
        self.assertIn(f"Renamed to {self.in_domain('orders')}", entry.note)

    def test_after_a_second_rename_both_entries_lead_to_the_current_name(self):
        self.alias.alias_name = "orders"
        self.alias.alias_name = "purchase"
        self.assertEqual(
            [self.entry(name).leads_to for name in ("inbound", "orders")], [self.in_domain("purchase")] * 2
        )

    def test_renaming_back_removes_the_entry(self):
        self.alias.alias_name = "orders"
        self.alias.alias_name = "inbound"
        self.assertFalse(self.entry("inbound"))
        self.assertEqual(self.entry("orders").leads_to, self.in_domain("inbound"))

    def test_an_alias_moved_to_another_domain_leaves_its_old_address(self):
        other = self.env["mail.alias.domain"].create({"name": "other.example"})
        self.alias.alias_domain_id = other
        self.assertEqual(self.entry("inbound").leads_to, "inbound@other.example")

    def test_writing_the_same_name_again_leaves_no_entry(self):
        self.alias.write({"alias_name": "Inbound", "alias_domain_id": self.domain.id})
        self.assertFalse(self.entry("inbound"))

    def test_an_alias_that_loses_its_name_holds_its_mail(self):
        self.alias.alias_name = False
        entry = self.entry("inbound")
        self.assertEqual((entry.alias_id, bool(entry.leads_to), entry.active), (self.alias, False, True))
        self.alias.alias_name = "orders"
        self.assertEqual(entry.leads_to, self.in_domain("orders"))

    def test_a_name_that_mail_could_not_reach_leaves_no_entry(self):
        alias = self.new_alias("nowhere", alias_domain_id=False)
        alias.alias_name = "still.nowhere"
        self.assertFalse(self.former.search([("alias_id", "=", alias.id)]))

    def test_a_name_that_counts_in_any_domain_leaves_an_entry_for_any_domain(self):
        alias = self.new_alias("anywhere", alias_incoming_local=True)
        alias.alias_name = "everywhere"
        self.assertEqual(self.entry("anywhere@*").alias_id, alias)

    def test_a_deleted_alias_leaves_an_entry_that_leads_nowhere(self):
        self.alias.unlink()
        entry = self.entry("inbound")
        self.assertEqual((bool(entry.leads_to), bool(entry.deleted_date), entry.active), (False, True, True))

    def test_older_names_of_a_deleted_alias_lead_nowhere(self):
        self.alias.alias_name = "orders"
        self.alias.unlink()
        entry = self.entry("inbound")
        self.assertEqual((bool(entry.leads_to), bool(entry.deleted_date)), (False, True))
        self.assertIn(f"{self.in_domain('orders')} was deleted", entry.note)

    def test_a_renamed_domain_leaves_one_entry(self):
        old = self.domain.name
        self.domain.name = "new.example"
        self.assertEqual(self.former.search([]), self.entry(old))
        self.assertEqual((self.entry(old).kind, self.entry(old).leads_to), ("domain", "new.example"))

    def test_a_domain_renamed_back_removes_its_entry(self):
        old = self.domain.name
        self.domain.name = "new.example"
        self.domain.name = old
        self.assertFalse(self.entry(old))
        self.assertEqual(self.entry("new.example").leads_to, old)

    def test_renamed_catchall_and_bounce_leave_their_old_addresses(self):
        catchall, bounce = self.domain.catchall_email, self.domain.bounce_email
        self.domain.write({"catchall_alias": "answers", "bounce_alias": "returns"})
        self.assertEqual(
            [(self.entry(old).kind, self.entry(old).leads_to) for old in (catchall, bounce)],
            [("catchall", self.in_domain("answers")), ("bounce", self.in_domain("returns"))],
        )

    def test_catchall_and_domain_renamed_at_once_leave_two_entries(self):
        catchall, name = self.domain.catchall_email, self.domain.name
        self.domain.write({"catchall_alias": "answers", "name": "new.example"})
        self.assertEqual([self.entry(old).leads_to for old in (catchall, name)], ["answers@new.example", "new.example"])

    def test_a_renamed_domain_that_shared_its_name_leaves_an_entry_for_each_address(self):
        twin = self.env["mail.alias.domain"].create(
            {"name": self.alias_domain, "catchall_alias": "catchall.twin", "bounce_alias": "bounce.twin"}
        )
        alias = self.new_alias("twin", alias_domain_id=twin.id)
        twin.name = "twin.example"
        self.assertFalse(self.entry(self.alias_domain))
        self.assertEqual(
            {entry.address: entry.leads_to for entry in self.former.search([])},
            {
                self.in_domain("catchall.twin"): "catchall.twin@twin.example",
                self.in_domain("bounce.twin"): "bounce.twin@twin.example",
                self.in_domain("twin"): alias.alias_full_name,
            },
        )

    def test_a_deleted_domain_leaves_an_entry_that_leads_nowhere(self):
        other = self.env["mail.alias.domain"].create({"name": "other.example"})
        other.name = "another.example"
        other.unlink()
        for name in ("other.example", "another.example"):
            self.assertEqual((bool(self.entry(name).deleted_date), bool(self.entry(name).leads_to)), (True, False))

    def test_an_alias_that_takes_over_a_former_address_retires_its_entry(self):
        self.alias.alias_name = "orders"
        taker = self.new_alias("inbound")
        entry = self.entry("inbound")
        self.assertFalse(entry.active)
        self.assertIn(f"Taken over by {taker.display_name}", entry.note)

    def test_two_aliases_can_swap_their_names(self):
        other = self.new_alias("other")
        self.alias.alias_name = "between"
        other.alias_name = "inbound"
        self.alias.alias_name = "other"
        self.assertEqual(self.former.search([]).mapped("address"), [self.in_domain("between")])

    def test_a_retired_entry_is_reinstated_when_the_address_is_given_up_again(self):
        self.alias.alias_name = "orders"
        taker = self.new_alias("inbound")
        taker.alias_name = "taken"
        entry = self.entry("inbound")
        self.assertEqual((entry.active, entry.alias_id, entry.leads_to), (True, taker, self.in_domain("taken")))
        self.assertEqual(len(entry.note.splitlines()), 3)

    def test_a_catchall_that_takes_over_a_former_address_retires_its_entry(self):
        self.alias.alias_name = "orders"
        self.domain.catchall_alias = "inbound"
        self.assertFalse(self.entry("inbound").active)

    def test_a_new_domain_retires_the_entry_of_a_deleted_one(self):
        self.env["mail.alias.domain"].create({"name": "other.example"}).unlink()
        self.assertTrue(self.entry("other.example").active)
        self.env["mail.alias.domain"].create({"name": "other.example"})
        self.assertFalse(self.entry("other.example").active)

    def test_a_rename_by_a_user_without_rights_on_the_list_fills_it(self):
        user = new_test_user(self.env, "former_manager", groups="base.group_user,base.group_erp_manager")
        old = self.domain.catchall_email
        self.domain.with_user(user).catchall_alias = "answers"
        self.assertEqual(self.entry(old).leads_to, self.in_domain("answers"))
        with self.assertRaises(AccessError):
            self.entry(old).with_user(user).read(["address"])


@tagged("post_install", "-at_install")
class TestFormerByHand(FormerCommon):
    """The entries that a postmaster may create."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(cls.env, "former_postmaster", groups="mail_gateway.group_postmaster")
        cls.former = cls.former.with_user(cls.postmaster)

    def add(self, address, **values):
        return self.former.create({"address": address, "alias_id": self.alias.id, **values})

    def test_a_postmaster_adds_retires_and_deletes_entries(self):
        entry = self.add("Sales@Old.example")
        self.assertEqual((entry.address, entry.leads_to), ("sales@old.example", self.in_domain("inbound")))
        entry.action_archive()
        self.assertFalse(entry.active)
        entry.unlink()
        self.assertFalse(self.entry("sales@old.example"))

    def test_a_postmaster_finds_the_list_below_discuss(self):
        visible = self.env["ir.ui.menu"].with_user(self.postmaster)._visible_menu_ids()
        self.assertIn(self.env.ref("mail_gateway.mail_former_address_discuss_menu").id, visible)

    def test_a_postmaster_redirects_a_former_domain(self):
        entry = self.add("@old.example", kind="domain", alias_id=False, alias_domain_id=self.domain.id)
        self.assertEqual((entry.address, entry.leads_to), ("old.example", self.alias_domain))

    def test_a_malformed_address_is_refused(self):
        for address in ("sales", "sales@", "a b@old.example", "sales@old..example"):
            with self.subTest(address), self.assertRaisesRegex(ValidationError, "is not an e-mail address"):
                self.add(address)

    def test_a_malformed_domain_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "is not a domain"):
            self.add("sales@old.example", kind="domain", alias_id=False, alias_domain_id=self.domain.id)

    def test_an_address_in_use_is_refused(self):
        for address in (self.in_domain("inbound"), self.domain.catchall_email, self.domain.bounce_email):
            with self.subTest(address), self.assertRaisesRegex(ValidationError, "is in use"):
                self.add(address.upper())

    def test_a_domain_in_use_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "is in use"):
            self.add(self.alias_domain, kind="domain", alias_id=False, alias_domain_id=self.domain.id)

    def test_an_entry_whose_address_is_in_use_again_is_not_reinstated(self):
        entry = self.add(self.in_domain("orders"))
        self.new_alias("orders")
        self.assertFalse(entry.active)
        with self.assertRaisesRegex(ValidationError, "is in use"):
            entry.action_unarchive()

    @mute_logger("odoo.sql_db")
    def test_an_address_has_one_entry(self):
        self.add("sales@old.example")
        with self.assertRaises(IntegrityError) as refused:
            self.add("SALES@old.example")
        self.assertIn("mail_former_address_address_unique", str(refused.exception))

    def test_an_entry_must_lead_somewhere(self):
        with self.assertRaisesRegex(
            ValidationError, "Choose the alias or the domain that sales@old.example redirects to"
        ):
            self.add("sales@old.example", alias_id=False)

    def test_a_postmaster_redirects_the_address_of_a_deleted_alias(self):
        self.alias.unlink()
        entry = self.entry("inbound").with_user(self.postmaster)
        entry.alias_id = self.new_alias("orders")
        self.assertEqual((entry.leads_to, entry.deleted_date), (self.in_domain("orders"), False))

    def test_others_do_not_see_the_list(self):
        user = new_test_user(self.env, "former_employee")
        with self.assertRaises(AccessError):
            self.former.with_user(user).search([])


@tagged("post_install", "-at_install")
class TestFormerWarning(FormerCommon):
    """The form warns before a former address is taken over."""

    def warning(self, record, **values):
        """Return the warning of the form after these values were typed."""
        fields = {name: {} for name in ("alias_name", "alias_domain_id")} if "alias_name" in record else {}
        spec = fields or {name: {} for name in ("name", "catchall_alias", "bounce_alias")}
        return record.onchange(values, list(values), spec).get("warning", {}).get("message", "")

    def test_a_new_alias_with_a_former_address_warns(self):
        self.alias.alias_name = "orders"
        warning = self.warning(self.env["mail.alias"], alias_name="Inbound", alias_domain_id=self.domain.id)
        self.assertIn(f"So far, it redirects to {self.in_domain('orders')}.", warning)

    def test_a_free_name_does_not_warn(self):
        self.alias.alias_name = "orders"
        self.assertFalse(self.warning(self.env["mail.alias"], alias_name="free", alias_domain_id=self.domain.id))

    def test_taking_back_its_own_name_does_not_warn(self):
        self.alias.alias_name = "orders"
        self.assertFalse(self.warning(self.alias, alias_name="inbound"))

    def test_the_name_of_a_deleted_alias_warns(self):
        self.alias.unlink()
        warning = self.warning(self.env["mail.alias"], alias_name="inbound", alias_domain_id=self.domain.id)
        self.assertIn("was deleted on", warning)

    def test_a_catchall_with_a_former_address_warns(self):
        self.alias.alias_name = "orders"
        self.assertIn("is a former address", self.warning(self.domain, catchall_alias="inbound"))

    def test_a_form_can_be_saved_despite_the_warning(self):
        self.alias.alias_name = "orders"
        with self.assertLogs("odoo.tests.form.onchange", "WARNING"), Form(self.env["mail.alias"]) as form:
            form.alias_name = "inbound"
            form.alias_model_id = self.env["ir.model"].browse(self.partner_model)
        self.assertEqual(form.record.alias_full_name, self.in_domain("inbound"))
