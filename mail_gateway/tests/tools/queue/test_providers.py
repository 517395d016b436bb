from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.queue.budget import PERIODS
from odoo.addons.mail_gateway.tools.queue.providers import BY_KEY, PROVIDERS


class TestProviders(ToolsCase):
    def test_each_provider_is_there_once_with_a_date(self):
        self.assertEqual(len(BY_KEY), len(PROVIDERS))
        for provider in PROVIDERS:
            with self.subTest(provider.name):
                self.assertRegex(provider.date, r"^20\d\d-(0[1-9]|1[0-2])$")

    def test_what_a_provider_publishes_names_its_source(self):
        for provider in PROVIDERS:
            published = provider.limits or provider.max_recipients or provider.max_megabytes
            with self.subTest(provider.name):
                self.assertTrue(provider.source or not published)

    def test_limits_are_of_known_kinds(self):
        for provider in PROVIDERS:
            for limit in provider.limits:
                self.assertIn(limit.what, ("messages", "recipients"))
                self.assertIn(limit.period, PERIODS)
                self.assertGreater(limit.number, 0)

    def test_passwords_never_travel_in_the_clear(self):
        for provider in PROVIDERS:
            if provider.host != "localhost":
                self.assertIn(provider.encryption, ("starttls_strict", "ssl_strict"))
