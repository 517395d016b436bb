"""The headers that Odoo reads, in lower case, and their maximum lengths."""

# Each recipient costs Odoo 0.4 ms, since it parses To five times.
MAX_RECIPIENTS = 2000
# Further recipients go to Delivered-To, where Odoo reads addresses without parsing the header, up to this length.
RECIPIENT_CHARS = 150_000
# An entry of a PostgreSQL index holds 2704 bytes: names of records, addresses and Message-Ids are indexed.
SUBJECT_BYTES = 2000
ADDRESS_CHARS = 320
ID_CHARS = 500
REFERENCES_CHARS = 20_000

AUTHORS = ("from", "sender", "reply-to", "resent-from", "resent-sender", "disposition-notification-to")
RECIPIENTS = ("to", "cc", "resent-to", "resent-cc", "bcc", "resent-bcc")
TRANSPORT = ("delivered-to", "x-original-to", "return-path")
IDS = ("message-id", "in-reply-to", "references", "x-microsoft-original-message-id", "x-odoo-message-id")
# Headers whose values are addresses.
WITH_ADDRESSES = (*AUTHORS, *RECIPIENTS, *TRANSPORT)
# Headers that Python parses when Odoo reads them.
PARSED = {*AUTHORS, *RECIPIENTS, "date", "resent-date", "orig-date", "message-id", "mime-version"}
# Headers that Odoo, the rules and the handling of bounces read.
READ_HEADERS = {
    *PARSED,
    *TRANSPORT,
    *IDS,
    "subject",
    "auto-submitted",
    "precedence",
    "final-recipient",
    "original-recipient",
}
READ_HEADERS |= {
    "action",
    "status",
    "diagnostic-code",
    "x-failed-recipients",
    "x-autoreply",
    "x-auto-response-suppress",
}
# Characters of a value; VALUE_CHARS for headers that are not listed.
MAX_CHARS = {
    "references": REFERENCES_CHARS,
    "delivered-to": RECIPIENT_CHARS,
    **dict.fromkeys(RECIPIENTS, RECIPIENT_CHARS),
}
