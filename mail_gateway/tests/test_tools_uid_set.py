import random

from odoo.addons.mail_gateway.tests.test_tools_helpers import ToolsCase
from odoo.addons.mail_gateway.tools.uid_set import format_uids, parse_uids


class TestUidSet(ToolsCase):
    def test_no_uids_are_an_empty_text(self):
        self.assertEqual(format_uids([]), "")
        self.assertEqual(parse_uids(""), frozenset())

    def test_neighbours_become_a_range(self):
        self.assertEqual(format_uids({12, 3, 5, 6, 9, 7, 8}), "3,5:9,12")

    def test_the_highest_possible_uid_fits(self):
        self.assertEqual(parse_uids(format_uids({1, 2**32 - 1})), {1, 2**32 - 1})

    def test_any_set_survives_being_written_and_parsed(self):
        dice = random.Random(3501)
        for _round in range(2000):
            uids = frozenset(dice.randrange(1, dice.choice((10, 1000, 2**32))) for _n in range(dice.randrange(60)))
            self.assertEqual(parse_uids(format_uids(uids)), uids)
