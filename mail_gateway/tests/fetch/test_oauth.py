from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon


class Connection:
    """Offers the parts of imaplib that the OAuth modules use, and records the values that they send."""

    def __init__(self):
        self.sent = []

    def authenticate(self, mechanism, answer):
        self.sent.append((mechanism, answer(b"")))

    def login(self, user, password):
        self.sent.append((user, password))

    def select(self, folder):
        self.sent.append(folder)


@tagged("post_install", "-at_install")
class TestOAuth(InboundCommon):
    """Odoo's OAuth modules log in by core's hook, in the thread that may use the ORM."""

    def signed_in(self, server):
        connection = Connection()
        server._mailbox_settings().log_in(connection)
        return connection.sent

    def test_a_password_is_sent_unchanged(self):
        self.server.password = "s3cret"
        self.assertEqual(self.signed_in(self.server), [("box", "s3cret")])

    def test_gmail_and_outlook_send_their_token(self):
        for kind, prefix in (("gmail", "google_gmail"), ("outlook", "microsoft_outlook")):
            if f"{prefix}_access_token" not in self.server._fields:
                continue  # the module is not installed, as no dependency requires it
            with self.subTest(kind):
                server = self.oauth_server(kind, prefix)
                [(mechanism, answer), folder] = self.signed_in(server)
                self.assertEqual((mechanism, folder), ("XOAUTH2", "INBOX"))
                self.assertEqual(answer, "user=box@customer.example\1auth=Bearer the-token\1\1")
                self.assertEqual(server._mailbox_settings().protocol, "imap")

    def oauth_server(self, kind, prefix):
        expiration = int((fields.Datetime.now() + timedelta(days=1)).timestamp())
        return self.env["fetchmail.server"].create(
            {
                "name": kind,
                "server_type": kind,
                "server": f"imap.{kind}.example",
                "port": 993,
                "is_ssl": True,
                "user": "box@customer.example",
                f"{prefix}_refresh_token": "refresh",
                f"{prefix}_access_token": "the-token",
                f"{prefix}_access_token_expiration": expiration,
            }
        )
