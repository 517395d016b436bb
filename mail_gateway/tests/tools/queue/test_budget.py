import random
from datetime import datetime, timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds
from odoo.addons.mail_gateway.tools.queue.budget import BUCKET, PERIODS, Limit, Room, Use, bucket, room

NOW = datetime(2026, 12, 1, 12, 0, 30)
DAILY = Limit("messages", "day", 200)
A_MINUTE = Limit("messages", "minute", 30)


def use(minutes_ago, messages=1, recipients=None):
    start = bucket(NOW) - timedelta(minutes=minutes_ago)
    return Use(start, messages, messages if recipients is None else recipients)


class TestBudget(ToolsCase):
    def test_without_limits_anything_may_be_sent(self):
        self.assertEqual(room([Limit("messages", "day", 0)], [use(1, 10**6)], NOW), Room())

    def test_what_was_sent_counts_for_its_period(self):
        self.assertEqual(room([DAILY], [use(1, 50), use(100, 100)], NOW).messages, 50)
        self.assertEqual(room([A_MINUTE], [use(0, 5), use(2, 30)], NOW).messages, 25)

    def test_a_day_is_any_24_hours(self):
        self.assertFalse(room([DAILY], [use(23 * 60, 200)], NOW).is_enough)
        self.assertEqual(room([DAILY], [use(24 * 60 + 2, 200)], NOW).messages, 200)

    def test_the_limit_that_holds_is_named_with_its_end(self):
        found = room([DAILY, A_MINUTE], [use(600, 190), use(30, 10)], NOW)
        self.assertEqual((found.limit, found.messages), (DAILY, 0))
        self.assertEqual(found.until, bucket(NOW) - timedelta(minutes=600) + BUCKET + PERIODS["day"])

    def test_of_several_full_limits_the_longest_counts(self):
        found = room([A_MINUTE, DAILY], [use(0, 200)], NOW)
        self.assertEqual(found.limit, DAILY)

    def test_recipients_are_counted_apart(self):
        found = room([DAILY, Limit("recipients", "day", 500)], [use(1, 10, 450)], NOW)
        self.assertEqual((found.messages, found.recipients), (190, 50))

    def test_a_message_to_many_waits_for_room_for_all_of_them(self):
        limits, uses = [Limit("recipients", "day", 500)], [use(100, 1, 300), use(50, 1, 100), use(10, 1, 50)]
        self.assertTrue(room(limits, uses, NOW, recipients=50).is_enough)
        waiting = room(limits, uses, NOW, recipients=351)
        self.assertEqual(waiting.until, bucket(NOW) - timedelta(minutes=50) + BUCKET + PERIODS["day"])
        self.assertEqual(room(limits, uses, NOW, recipients=350).until, uses[0].start + BUCKET + PERIODS["day"])

    def test_a_message_to_more_than_the_limit_waits_until_all_of_it_is_free(self):
        limits = [Limit("recipients", "day", 200)]
        self.assertTrue(room(limits, [], NOW, recipients=300).is_enough)
        waiting = room(limits, [use(5, 1, 1)], NOW, recipients=300)
        self.assertEqual(waiting.until, use(5).start + BUCKET + PERIODS["day"])

    def test_more_than_the_limit_leaves_no_room(self):
        self.assertEqual(room([DAILY], [use(1, 1000)], NOW).messages, 0)

    def test_no_period_ever_exceeds_its_limit(self):
        dice = random.Random(1870)
        for _round in range(rounds(20)):
            limits = [Limit("messages", period, dice.randrange(1, 40)) for period in PERIODS]
            now, uses, sent = NOW, [], []
            for _step in range(200):
                now += timedelta(seconds=dice.randrange(200))
                found = room(limits, uses, now)
                number = min(found.messages, dice.randrange(4))
                uses.append(Use(bucket(now), number, number))
                sent += [now] * number
                for limit in limits:
                    recent = [time for time in sent if time > now - PERIODS[limit.period]]
                    self.assertLessEqual(len(recent), limit.number)
                if not found.is_enough:
                    self.assertGreater(found.until, now)
                    self.assertTrue(room([found.limit], uses, found.until).is_enough)
