from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.former_address import comparable, entries_for, reach


class TestToolsFormer(ToolsCase):
    def test_addresses_are_compared_in_lower_case_and_idna(self):
        self.assertEqual(comparable(" Sales@Café.example "), "sales@xn--caf-dma.example")
        self.assertEqual(comparable("Café.example", is_domain=True), "xn--caf-dma.example")

    def test_a_domain_may_be_written_with_an_at_sign(self):
        self.assertEqual(comparable("@old.example", is_domain=True), "old.example")

    def test_a_star_stands_for_any_domain(self):
        self.assertEqual(comparable("Sales@*"), "sales@*")

    def test_invalid_addresses_and_domains_are_refused(self):
        for text in ("", None, "sales", "@old.example", "a b@old.example", "@*", "a b@*", "sales@*.example", "sales@"):
            with self.subTest(text):
                self.assertIsNone(comparable(text))
        for text in ("", None, "sales@old.example", "old..example", "*"):
            with self.subTest(text):
                self.assertIsNone(comparable(text, is_domain=True))

    def test_an_alias_is_reached_by_its_address_or_by_its_name_alone(self):
        self.assertEqual(reach("sales", "old.example"), "sales@old.example")
        self.assertEqual(reach("sales", "old.example", by_local_part=True), "sales@*")
        self.assertEqual(reach("sales", None, by_local_part=True), "sales@*")

    def test_an_alias_without_a_name_or_without_any_domain_is_not_reached(self):
        self.assertIsNone(reach(False, "old.example"))
        self.assertIsNone(reach("sales", False))

    def test_the_most_specific_entry_comes_first(self):
        self.assertEqual(entries_for("sales@old.example"), ("sales@old.example", "sales@*", "old.example"))
