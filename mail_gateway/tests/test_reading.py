from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon
from odoo.addons.mail_gateway.tests.test_tools_helpers import DATA
from odoo.addons.mail_gateway.tests.test_tools_reading_fuzz import mutants
from odoo.addons.mail_gateway.tools.reading import make_readable

SETTLED = ("delivered", "held", "rejected", "discarded")


@tagged("post_install", "-at_install")
class TestReading(InboundCommon):
    """Odoo gets through what the parser makes of any bytes, and keeps what could be read."""

    def setUp(self):
        super().setUp()
        self.env["mail.inbound.rule"].search([]).active = False  # nothing but parsing and routing
        self.env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", 10_000)
        self.address = f"inbound@{self.alias_domain}".encode()

    def addressed(self, source):
        return source.replace(b"sales@mycompany.example", self.address)

    def receive(self, name):
        """The chatter message that a fixture becomes."""
        row = self.deliver(self.addressed((DATA / f"{name}.eml").read_bytes()))
        self.assertEqual(row.state, "delivered", row.detail or row.reason)
        return row.mail_message_ids

    @mute_logger("odoo.addons.mail_gateway.models.mail_inbound_delivery")
    def test_every_fixture_is_settled(self):
        for file in sorted(DATA.glob("*.eml")):
            with self.subTest(file.stem):
                row = self.deliver(self.addressed(file.read_bytes()))
                self.assertIn(row.state, SETTLED, row.detail)

    @mute_logger("odoo.addons.mail_gateway.models.mail_inbound_delivery")
    def test_mutants_are_delivered_unless_their_recipients_are_gone(self):
        delivered = 0
        for number, (name, source) in enumerate(mutants(400)):
            # a Message-Id of its own: it is no repetition
            source = self.addressed(source).replace(b"Message-Id: <", b"Message-Id: <%d." % number)
            row = self.deliver(source)
            if self.address.decode() in (row.recipients or "").split(", "):
                self.assertEqual(row.state, "delivered", (name, source, row.reason, row.detail))
                delivered += 1
            self.assertIn(row.state, SETTLED, (name, source, row.detail))
        self.assertGreater(delivered, 200)
