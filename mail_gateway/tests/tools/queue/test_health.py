import random
from datetime import datetime, timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Category, Failure, Scope
from odoo.addons.mail_gateway.tools.queue.health import HEALTHY, after_failure

NOW = datetime(2026, 12, 1, 12)
REFUSED = Failure(Scope.SERVER, permanent=False, category=Category.UNREACHABLE)


class TestHealth(ToolsCase):
    def probes(self, failure, count):
        """The seconds between `count` probes that all fail."""
        health, now, gaps = HEALTHY, NOW, []
        for _probe in range(count):
            health = after_failure(health, failure, now, random.Random(1))
            gaps.append((health.next_probe - now).total_seconds())
            now = health.next_probe
        return gaps

    def test_a_server_that_is_back_is_found_within_a_minute(self):
        self.assertTrue(all(gap <= 60 for gap in self.probes(REFUSED, 50)))

    def test_probes_get_rarer(self):
        gaps = self.probes(REFUSED, 6)
        self.assertEqual(sorted(gaps), gaps)
        self.assertLess(gaps[0], 10)

    def test_a_limit_is_not_provoked(self):
        limited = Failure(Scope.SERVER, permanent=False, category=Category.RATE)
        self.assertGreaterEqual(self.probes(limited, 10)[-1], 900)

    def test_a_time_that_the_server_names_is_obeyed(self):
        named = Failure(Scope.SERVER, permanent=False, category=Category.RATE, wait=timedelta(hours=1))
        self.assertGreaterEqual(self.probes(named, 1)[0], 3600)

    def test_a_time_in_any_other_failure_does_not_delay_a_probe(self):
        idle = Failure(Scope.SERVER, permanent=False, category=Category.BUSY, wait=timedelta(hours=24))
        self.assertLess(self.probes(idle, 1)[0], 60)

    def test_several_connections_that_fail_together_count_once(self):
        first = after_failure(HEALTHY, REFUSED, NOW)
        second = after_failure(first, REFUSED, NOW + timedelta(seconds=1))
        self.assertEqual(first, second)

    def test_it_says_since_when(self):
        health = after_failure(HEALTHY, REFUSED, NOW)
        later = after_failure(health, REFUSED, health.next_probe)
        self.assertEqual((later.failing_since, later.failures), (NOW, 2))
        self.assertTrue(HEALTHY.is_healthy and not later.is_healthy)
        self.assertFalse(later.may_probe(health.next_probe))
