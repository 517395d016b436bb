"""What mail providers publish about sending through them: settings and limits, each with its source and date.

A limit that the provider does not publish is left open: it shows by replies, which lower the rate by themselves.
"""

from typing import NamedTuple

from .budget import Limit


class Provider(NamedTuple):
    """A preset of an outgoing server.

    :ivar key: by which it is stored
    :ivar host: with a word in capitals in it where each customer has another
    :ivar encryption: an option of core's field `smtp_encryption`
    :ivar connections: at the same time, for all of Odoo
    :ivar messages_per_connection: 0 for any number
    :ivar max_recipients: of one message; 0 when it is not published
    :ivar max_megabytes: of one message; 0 when it is not published
    :ivar source: where the limits are published
    :ivar date: of the source, or when it was read: year and month
    :ivar is_confirmed: whether the provider itself says so; if not, others report it
    """

    key: str
    name: str
    host: str
    port: int
    encryption: str
    limits: tuple[Limit, ...] = ()
    connections: int = 2
    messages_per_connection: int = 0
    max_recipients: int = 0
    max_megabytes: int = 0
    source: str = ""
    date: str = ""
    is_confirmed: bool = True


_STARTTLS, _TLS, _NONE = "starttls_strict", "ssl_strict", "none"

PROVIDERS = (
    Provider(
        "microsoft_365", "Microsoft 365", "smtp.office365.com", 587, _STARTTLS,
        (Limit("messages", "minute", 30), Limit("recipients", "day", 10_000)), connections=3, max_recipients=500,
        max_megabytes=150, source="learn.microsoft.com: smtp-submission-improvements, outbound-spam-sending-limits",
        date="2026-11",
    ),
    Provider(
        "outlook", "Outlook.com", "smtp-mail.outlook.com", 587, _STARTTLS, (Limit("messages", "day", 300),),
        max_recipients=100, source="msoutlook.info", date="2025-07", is_confirmed=False,
    ),
    Provider(
        "gmail", "Gmail", "smtp.gmail.com", 465, _TLS, (Limit("messages", "day", 500),), max_recipients=100,
        max_megabytes=35, source="support.google.com/a/answer/166852", date="2026-11", is_confirmed=False,
    ),
    Provider(
        "google_relay", "Google Workspace relay", "smtp-relay.gmail.com", 465, _TLS,
        (Limit("messages", "day", 10_000), Limit("recipients", "day", 10_000)), max_megabytes=35,
        source="support.google.com/a/answer/2956491", date="2026-11",
    ),
    Provider(
        "amazon_ses", "Amazon SES", "email-smtp.REGION.amazonaws.com", 587, _STARTTLS, max_recipients=50, max_megabytes=40,
        source="docs.aws.amazon.com/ses: quotas", date="2026-11",
    ),
    Provider(
        "brevo", "Brevo", "smtp-relay.brevo.com", 587, _STARTTLS, source="developers.brevo.com", date="2026-09",
    ),
    Provider(
        "mailgun", "Mailgun", "smtp.mailgun.org", 587, _STARTTLS, max_recipients=1000, max_megabytes=25,
        source="documentation.mailgun.com", date="2024-07",
    ),
    Provider("mailjet", "Mailjet", "in-v3.mailjet.com", 587, _STARTTLS, date="2026-11", is_confirmed=False),
    Provider(
        "postmark", "Postmark", "smtp.postmarkapp.com", 587, _STARTTLS, connections=10, max_recipients=50, max_megabytes=10,
        source="postmarkapp.com/support/article/811", date="2026-08",
    ),
    Provider(
        "sendgrid", "SendGrid", "smtp.sendgrid.net", 587, _STARTTLS, messages_per_connection=5000, max_megabytes=30,
        source="twilio.com/docs/sendgrid", date="2026-11",
    ),
    Provider("ovh", "OVHcloud", "ssl0.ovh.net", 465, _TLS, source="docs.ovh.com", date="2021-01"),
    Provider(
        "ionos", "IONOS", "smtp.ionos.com", 465, _TLS, (Limit("messages", "hour", 500),), max_recipients=200,
        source="ionos.com/help: mass-mailing-limits", date="2026-11", is_confirmed=False,
    ),
    Provider("hetzner", "Hetzner", "mail.your-server.de", 465, _TLS, date="2026-08", is_confirmed=False),
    Provider(
        "mta", "Own mail server", "localhost", 25, _NONE, connections=10, source="Postfix: postconf(5)", date="2026-11",
    ),
)  # fmt: skip
BY_KEY = {provider.key: provider for provider in PROVIDERS}
