import random

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.fetch.imap_uid_set import UidSet


class TestUidSet(ToolsCase):
    def test_no_uids_make_an_empty_text(self):
        self.assertEqual(str(UidSet()), "")
        self.assertEqual(UidSet.parse(""), frozenset())
        self.assertFalse(UidSet())

    def test_neighbours_become_a_range(self):
        self.assertEqual(str(UidSet({12, 3, 5, 6, 9, 7, 8})), "3,5:9,12")

    def test_the_highest_possible_uid_fits(self):
        self.assertEqual(UidSet.parse(str(UidSet({1, 2**32 - 1}))), {1, 2**32 - 1})

    def test_any_set_survives_being_written_and_parsed(self):
        dice = random.Random(3501)
        for _round in range(rounds(2000)):
            uids = frozenset(dice.randrange(1, dice.choice((10, 1000, 2**32))) for _n in range(dice.randrange(60)))
            self.assertEqual(UidSet.parse(str(UidSet(uids))), uids)

    def test_a_uid_set_answers_like_an_ordinary_set(self):
        dice = random.Random(3501)
        for _round in range(rounds(300)):
            uids = {dice.randrange(1, dice.choice((10, 100))) for _n in range(dice.randrange(60))}
            found = UidSet(uids)
            self.assertEqual((len(found), found.last), (len(uids), max(uids, default=0)))
            for uid in range(102):
                self.assertEqual(uid in found, uid in uids)
                self.assertEqual(list(found.above(uid)), sorted(other for other in uids if other > uid))

    def test_a_range_of_all_uids_is_not_expanded(self):
        everything = UidSet.parse(f"1:{2**32 - 1}")
        self.assertEqual((len(everything), next(everything.above(2**31))), (2**32 - 1, 2**31 + 1))
