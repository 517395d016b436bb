import random
from datetime import datetime, timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.queue.retry import DEADLINE, DELAYS, JITTER, is_given_up, next_try

NOW = datetime(2026, 12, 1, 12)


class TestRetry(ToolsCase):
    def test_delays_grow_from_a_minute_to_eight_hours(self):
        minutes = [round((next_try(n, NOW, dice=_Low()) - NOW).total_seconds() / 60) for n in range(1, 12)]
        self.assertEqual(minutes, [1, 5, 15, 30, 60, 120, 240, 480, 480, 480, 480])

    def test_messages_that_failed_together_come_back_apart(self):
        dice = random.Random(1)
        times = {next_try(3, NOW, dice=dice) for _message in range(100)}
        self.assertGreater(len(times), 90)
        self.assertTrue(all(NOW + DELAYS[2] <= time <= NOW + DELAYS[2] * (1 + JITTER) for time in times))

    def test_a_time_that_the_server_names_is_obeyed(self):
        wait = timedelta(seconds=300)
        self.assertGreaterEqual(next_try(1, NOW, wait), NOW + wait)
        self.assertLess(next_try(9, NOW, wait), NOW + wait * 1.2)

    def test_a_minute_passes_whatever_the_server_names(self):
        self.assertGreaterEqual(next_try(1, NOW, timedelta()), NOW + timedelta(minutes=1))

    def test_three_days_have_seventeen_tries(self):
        tries, now = 1, NOW
        while not is_given_up(NOW, now):
            now = next_try(tries, now, dice=_Low())
            tries += 1
        self.assertEqual(tries, 17)

    def test_an_outage_of_the_server_does_not_count(self):
        late = NOW + DEADLINE + timedelta(hours=1)
        self.assertTrue(is_given_up(NOW, late))
        self.assertFalse(is_given_up(NOW, late, outage=timedelta(hours=2)))


class _Low(random.Random):
    def random(self):
        return 0
