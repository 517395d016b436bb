from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.text.search_text import MAX_VALUE, search_text


class TestToolsSearchText(ToolsCase):
    def test_case_and_accents_make_no_difference(self):
        self.assertEqual(search_text("Ängebot für CAFÉ"), search_text("angebot FUR cafe"))

    def test_forms_of_a_letter_make_no_difference(self):
        self.assertEqual(search_text("e\u0301 \uff21"), search_text("é A"))

    def test_each_value_has_a_line_of_its_own(self):
        self.assertEqual(search_text("A@x.example", None, "", "B"), "a@x.example\nb")

    def test_letters_without_case_or_accents_are_kept(self):
        self.assertEqual(search_text("注文 №4"), "注文 no4")

    def test_the_search_text_is_bounded_for_any_character(self):
        self.assertLessEqual(len(search_text("\U0001f600" * 1_000_000)), MAX_VALUE)
        self.assertLess(len(search_text("\ufdfa" * 1_000_000)), 20 * MAX_VALUE)
