from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.mail_gateway.tests.tools.tools_common import raw
from odoo.addons.mail_gateway.tools.fetch.mailbox import RemoteMessage
from odoo.addons.mail_gateway.tools.sending_log import Sending


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

    # every database has this model with chatter
    record_model = "res.partner"

    def to_alias(self, **values):
        """Return a message to the test alias."""
        return raw(to=f"inbound@{self.alias_domain}", **values)

    def store(self, *sources):
        """Store messages as a fetch does."""
        messages = self.env["mail.inbound.message"]
        known = messages.search_count([("server_id", "=", self.server.id)])
        return messages._store(
            self.server, [RemoteMessage(f"key {known + n}", source) for n, source in enumerate(sources)]
        )

    def run_lane(self):
        """Run a lane once; its commits become savepoints."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env["mail.inbound.message"].with_env(self.env(cr=cr))._run_lane()
        self.env.invalidate_all()

    def deliver(self, *sources):
        """Store and deliver messages."""
        stored = self.store(*sources)
        self.run_lane()
        return stored


class OutgoingCommon(MailCommon):
    """The company has the domain test.mycompany.com, with bounce.test@ and notifications.test@, and no server yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.mail_server"].search([]).unlink()
        cls.default = cls.mail_alias_domain.default_from_email
        cls.bounce = cls.mail_alias_domain.bounce_email

    def server(self, name, from_filter=False, **values):
        return self.env["ir.mail_server"].create(
            {"name": name, "smtp_host": name, "smtp_encryption": "none", "from_filter": from_filter, **values}
        )

    def mail(self, email_from='"Admin" <admin@example.com>', **values):
        message = {"subject": "Hello", "email_from": email_from, "email_to": "mary@customer.example"}
        return self.env["mail.mail"].create({**message, "auto_delete": False, **values})

    def send(self, *mails):
        """Send e-mails; return for each (id of the server, From header, envelope sender)."""
        sending = Sending()
        with self.mock_smtplib_connection():
            for mail in mails:
                mail.with_context(**{Sending.KEY: sending}).send()
        by_mail = {row["mail_mail_id"]: row for row in sending.rows or self._written}
        return [
            (by_mail[mail.id]["mail_server_id"], sent["msg_from_fmt"], sent["smtp_from"])
            for mail, sent in zip(mails, self.emails, strict=True)
        ]

    def setUp(self):
        super().setUp()
        self._written = []
        selections = type(self.env["mail.outgoing.selection"])
        self.patch(selections, "_record_later", lambda _selections, rows: self._written.extend(rows))
