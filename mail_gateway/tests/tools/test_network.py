from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.network import is_same_machine


class TestNetwork(ToolsCase):
    def test_this_machine_is_recognized_by_its_addresses(self):
        for there, here, same in (
            ("127.0.0.2", "127.0.0.1", True),
            ("::1", "::1", True),
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("fe80::1%eth0", "fe80::2%eth0", False),
        ):
            self.assertEqual(is_same_machine(there, here), same, there)
