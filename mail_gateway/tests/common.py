from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.mail_gateway.tools.mailbox import RemoteMessage


def raw(subject="Order", sender="Mary <mary@customer.example>", to="sales@mycompany.example", message_id="", **headers):
    """A small message; `headers` with _ for -, None leaves one out."""
    lines = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Message-Id": message_id or f"<{abs(hash((subject, sender, to)))}@customer.example>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "\r\n".join(f"{name}: {value}" for name, value in lines.items() if value is not None)
    return f"{head}\r\n\r\nHello,\r\nplease send ten of them.\r\n".encode()


class InboundCommon(MailCommon):
    """Stores messages as a fetch would, and runs lanes with commits that the test undoes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["fetchmail.server"].search([]).write({"state": "draft"})
        cls.server = cls.env["fetchmail.server"].create(
            {"name": "Test", "server_type": "imap", "server": "127.0.0.1", "port": 1, "user": "box"}
        )
        cls.alias_domain = cls.mail_alias_domain.name
        cls.alias = cls.env["mail.alias"].create(
            {
                "alias_name": "inbound",
                "alias_model_id": cls.env["ir.model"]._get_id(cls.record_model),
                "alias_contact": "everyone",
            }
        )

    # a model with chatter that every database has
    record_model = "res.partner"

    def to_alias(self, **values):
        """A message to the test alias."""
        return raw(to=f"inbound@{self.alias_domain}", **values)

    def store(self, *sources):
        """Messages as a fetch leaves them."""
        messages = self.env["mail.inbound.message"]
        known = messages.search_count([("server_id", "=", self.server.id)])
        return messages._store(
            self.server, [RemoteMessage(f"key {known + n}", source) for n, source in enumerate(sources)]
        )

    def run_lane(self):
        """One run of a lane; its commits become savepoints."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env["mail.inbound.message"].with_env(self.env(cr=cr))._run_lane()
        self.env.invalidate_all()

    def deliver(self, *sources):
        """Store and deliver."""
        stored = self.store(*sources)
        self.run_lane()
        return stored
