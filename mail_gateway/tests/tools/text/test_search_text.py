from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.text.search_text import MAX_VALUE, search_text


class TestToolsSearchText(ToolsCase):
    def test_case_and_accents_make_no_difference(self):
        self.assertEqual(search_text("Ängebot für CAFÉ"), search_text("angebot FUR cafe"))

    def test_forms_of_a_letter_make_no_difference(self):
        self.assertEqual(search_text("e\u0301 \uff21"), search_text("é A"))

    def test_a_line_for_each_value_that_there_is(self):
        self.assertEqual(search_text("A@x.example", None, "", "B"), "a@x.example\nb")

    def test_letters_without_case_or_accents_stay(self):
        self.assertEqual(search_text("注文 №4"), "注文 no4")

    def test_any_character_is_searched_in_bounds(self):
        self.assertLessEqual(len(search_text("\U0001f600" * 1_000_000)), MAX_VALUE)
        self.assertLess(len(search_text("\ufdfa" * 1_000_000)), 20 * MAX_VALUE)
