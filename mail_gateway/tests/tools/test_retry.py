from datetime import timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.retry import MAX_DEFERRALS, MAX_TRIES, delay_after_fault, delay_after_try


class TestRetry(ToolsCase):
    def test_delays_between_tries_grow(self):
        delays = [delay_after_try(tries) for tries in range(1, MAX_TRIES + 1)]
        self.assertEqual(delays, [timedelta(seconds=5), timedelta(seconds=60), timedelta(seconds=300)])

    def test_there_is_a_delay_for_any_number_of_tries(self):
        self.assertEqual(delay_after_try(1000), timedelta(seconds=300))

    def test_the_delay_after_the_first_fault_is_half_a_minute(self):
        self.assertEqual(delay_after_fault(0), timedelta(seconds=30))

    def test_delays_after_faults_never_shrink(self):
        delays = [delay_after_fault(count) for count in range(100)]
        self.assertEqual(delays, sorted(delays))

    def test_a_message_is_deferred_for_about_three_days(self):
        total = sum((delay_after_fault(count) for count in range(MAX_DEFERRALS)), timedelta())
        self.assertAlmostEqual(total / timedelta(days=1), 3, delta=0.25)
