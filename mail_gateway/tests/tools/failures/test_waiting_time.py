from datetime import timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.waiting_time import MAX_WAIT, waiting_time


class TestWaitingTime(ToolsCase):
    def test_times_that_servers_name(self):
        for text, seconds in {
            "Greylisted, see http://postgrey.example: try again in 300 seconds": 300,
            "Greylisting in action, please come back in 00:04:59": 299,
            "Please retry after 5 minutes": 300,
            "You have been greylisted for 1 hour": 3600,
            "try again in 4:30": 270,
            "Greylisted; retry time: 60s": 60,
            "wait 90 sec": 90,
            "in 2 hrs": 7200,
            "rate limit, retry after 3600 seconds": 3600,
        }.items():
            with self.subTest(text):
                self.assertEqual(waiting_time(text), timedelta(seconds=seconds))

    def test_texts_without_a_time(self):
        for text in (
            "",
            "try again later",
            "in 5",
            "message in 10 parts",
            "idle timeout after 300 seconds",
            "limit of 500 messages",
            "1.2.3.4 in 10 MB",
        ):
            with self.subTest(text):
                self.assertIsNone(waiting_time(text))

    def test_a_time_is_bounded(self):
        self.assertEqual(waiting_time("try again in 999999 hours"), MAX_WAIT)
        self.assertEqual(waiting_time(f"in {'9' * 5000} s in {'9' * 5000}"), None)
