"""Each row of the table with a reply that servers give, and replies that must not be taken for another."""

from datetime import timedelta

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Actor, Category, Failure, Phase, Scope
from odoo.addons.mail_gateway.tools.failures.classify import classify_reply
from odoo.addons.mail_gateway.tools.failures.reply import read_reply
from odoo.addons.mail_gateway.tools.failures.table import TABLE, find_row

CONNECT, TLS, AUTH, MAIL, RCPT, DATA, END = Phase
C = Category
# Server, the reply; then what it means: waits for the server (S), the message (M) or the recipient (R); for good (!) or not.
REPLIES = (
    # Microsoft 365
    (AUTH, 432, "4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending.", "S", C.RATE),
    (END, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "S", C.RATE),
    (END, 554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed", "S", C.RATE),
    (
        RCPT,
        550,
        "5.1.90 Your message can't be sent because you've reached your daily limit for recipients",
        "S",
        C.RATE,
    ),
    (RCPT, 550, "5.7.232 Your message can't be sent because your trial tenant has exceeded its limit", "S", C.RATE),
    (END, 550, "5.2.252 Sender throttled", "S", C.RATE),
    (END, 554, "5.2.252 SendAsDenied; a@b.example not allowed to send as c@d.example", "M!", C.SENDER),
    (MAIL, 550, "5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", "S", C.REPUTATION),
    (END, 550, "5.1.8 Access denied, bad outbound sender", "S", C.REPUTATION),
    (RCPT, 550, "5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization", "M!", C.SENDER),
    (AUTH, 550, "5.7.30 Basic authentication is not supported for Client Submission.", "S", C.LOGIN),
    (
        AUTH,
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
        "S",
        C.LOGIN,
    ),
    (END, 554, "5.2.2 mailbox full; STOREDRV.Submission", "S", C.FULL),
    # Google
    (MAIL, 550, "5.4.5 Daily user sending limit exceeded. For more information go to", "S", C.RATE),
    (MAIL, 550, "5.7.1 Daily SMTP relay limit exceeded for customer.", "S", C.RATE),
    (MAIL, 450, "4.2.1 Peak SMTP relay limit exceeded for customer.", "S", C.RATE),
    (
        RCPT,
        450,
        "4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend",
        "R",
        C.REFUSED,
    ),
    (END, 550, "5.7.26 This mail has been blocked because the sender is unauthenticated.", "M!", C.AUTHENTICATION),
    (
        END,
        550,
        "5.7.1 [192.0.2.1] Our system has detected that this message is likely spam",
        "M!",
        C.CONTENT,
    ),
    (RCPT, 550, "5.1.1 The email account that you tried to reach does not exist.", "R!", C.ADDRESS),
    (RCPT, 452, "4.2.2 The recipient's inbox is out of storage space.", "R", C.FULL),
    (CONNECT, 421, "4.7.0 Try again later, closing connection.", "S", C.BUSY),
    # others
    (MAIL, 454, "Throttling failure: Daily message quota exceeded", "S", C.RATE),
    (END, 554, "Message rejected: Email address is not verified. The following identities failed", "M!", C.SENDER),
    (AUTH, 525, "5.7.1 Unauthorized IP address", "S", C.LOGIN),
    (
        DATA,
        421,
        "Domain mg.example is not allowed to send: sandbox subdomains are for test purposes only",
        "S",
        C.SENDER,
    ),
    (AUTH, 451, "Authentication failed: Maximum credits exceeded", "S", C.RATE),
    (END, 550, "The from address does not match a verified Sender Identity. Mail cannot be sent", "M!", C.SENDER),
    (MAIL, 403, "You are not authorized to send from that email address", "M!", C.SENDER),
    (END, 550, "that From header sender domain is not verified", "M!", C.SENDER),
    (RCPT, 450, "Requested mail action not taken: mailbox unavailable\r\nMail send limit exceeded.", "S", C.RATE),
    (END, 550, "5.4.6 Unusual sending activity detected. Please try after sometime", "S", C.RATE),
    (END, 554, "5.1.8 Email Outgoing Blocked", "S", C.REPUTATION),
    (RCPT, 553, "Relaying disallowed as a@b.example", "M!", C.SENDER),
    (MAIL, 553, "5.7.1 Sender address rejected: not owned by auth user.", "M!", C.SENDER),
    (MAIL, 450, "MI:DMC 163 smtp10", "S", C.RATE),
    (MAIL, 554, "MI:STC 163 smtp10", "S", C.REPUTATION),
    # enhanced status codes
    (
        RCPT,
        550,
        "5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table",
        "R!",
        C.ADDRESS,
    ),
    (RCPT, 556, "5.1.10 Recipient address has null MX", "R!", C.DOMAIN),
    (RCPT, 450, "4.1.2 <a@b.example>: Recipient address rejected: Domain not found", "R", C.DOMAIN),
    (MAIL, 450, "4.1.8 <a@b.example>: Sender address rejected: Domain not found", "M", C.SENDER),
    (RCPT, 552, "5.2.2 Mailbox full", "R!", C.FULL),
    (MAIL, 552, "5.3.4 Message size exceeds fixed limit", "M!", C.SIZE),
    (CONNECT, 421, "4.3.2 Service shutting down", "S", C.RATE),
    (MAIL, 452, "4.3.1 Insufficient system storage", "M", C.BUSY),
    (RCPT, 550, "5.4.4 Unable to find the host", "R!", C.DOMAIN),
    (END, 554, "5.4.6 Too many hops", "M!", C.ROUTING),
    (RCPT, 452, "4.5.3 Your message has too many recipients", "R", C.RATE),
    (END, 550, "5.7.23 The message was rejected because of Sender Policy Framework violation", "M!", C.AUTHENTICATION),
    (AUTH, 535, "5.7.8 Error: authentication failed", "S", C.LOGIN),
    (MAIL, 530, "5.7.0 Must issue a STARTTLS command first", "S", C.LOGIN),
    (RCPT, 550, "5.7.10 Encryption needed", "R!", C.TLS),
    (RCPT, 550, "5.6.7 SMTPUTF8 required", "M!", C.PROTOCOL),
    (END, 554, "5.6.0 Message content is not acceptable", "M!", C.CONTENT),
    (RCPT, 550, "5.7.17 Mailbox owner has changed", "R!", C.REFUSED),
    # texts without a code of one meaning
    (
        RCPT,
        450,
        "4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see postgrey.example",
        "R",
        C.GREYLISTED,
    ),
    (MAIL, 450, "4.7.1 Error: too much mail from 192.0.2.1", "S", C.RATE),
    (CONNECT, 421, "4.7.0 mx.example Error: too many connections from 192.0.2.1", "S", C.RATE),
    (RCPT, 552, "too many recipients", "R", C.RATE),
    (END, 554, "Hourly sending limit exceeded for this account", "S", C.RATE),
    (RCPT, 550, "Mailbox is full / Blocks limit exceeded / Inode limit exceeded", "R!", C.FULL),
    (RCPT, 452, "Insufficient system resources", "R", C.BUSY),
    (RCPT, 550, "cannot find your reverse hostname, [192.0.2.1]", "R!", C.AUTHENTICATION),
    (
        RCPT,
        554,
        "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "R!",
        C.REPUTATION,
    ),
    (RCPT, 554, "5.7.1 <a@b.example>: Relay access denied", "R!", C.SENDER),
    (RCPT, 550, "Sender verify failed", "M!", C.SENDER),
    (RCPT, 550, "No such user here", "R!", C.ADDRESS),
    (RCPT, 550, "Unrouteable address", "R!", C.DOMAIN),
    (END, 552, "Message too large", "M!", C.SIZE),
    (END, 554, "Message rejected as spam by Content Filtering.", "M!", C.CONTENT),
    (END, 550, "mail loop detected", "M!", C.ROUTING),
    (RCPT, 550, "blocked by the recipient", "R!", C.REFUSED),
    (MAIL, 552, "Message size limit exceeded", "M!", C.SIZE),
    (END, 552, "5.0.0 Message size limit exceeded", "M!", C.SIZE),
    (RCPT, 550, "Mail quota exceeded", "R!", C.FULL),
    (RCPT, 550, "User a has exceeded message quota", "R!", C.FULL),
    (RCPT, 450, "too many messages in mailbox", "R", C.FULL),
    (MAIL, 450, "4.7.1 daily message limit exceeded", "S", C.RATE),
    (RCPT, 451, "4.7.0 hourly sending limit reached", "S", C.RATE),
    (RCPT, 530, "5.7.0 Authentication required", "S", C.LOGIN),
    # an address decides nothing
    (RCPT, 450, "<ratelimit@customer.example>: Recipient address rejected: unverified", "R", C.GREYLISTED),
    (RCPT, 550, "<dmarc@customer.example>: Recipient address rejected: User unknown", "R!", C.ADDRESS),
    (RCPT, 550, "spamhaus@customer.example no such user", "R!", C.ADDRESS),
    # codes of many meanings
    (AUTH, 454, "Temporary authentication failure", "S", C.LOGIN),
    (AUTH, 500, "what?", "S", C.LOGIN),
    (TLS, 454, "TLS not available due to temporary reason", "S", C.TLS),
    (RCPT, 421, "closing", "S", C.BUSY),
    (AUTH, 432, "A password transition is needed", "S", C.RATE),
    (MAIL, 451, "4.7.650 The mail server [192.0.2.1] has been temporarily deferred", "S", C.RATE),
    (RCPT, 451, "4.7.1 Please try again later", "R", C.GREYLISTED),
    (RCPT, 451, "later", "R", C.GREYLISTED),
    (RCPT, 452, "no", "R", C.RATE),
    (END, 451, "local error in processing", "M", C.BUSY),
    (RCPT, 550, "no", "R!", C.ADDRESS),
    (RCPT, 550, "5.2.1 no", "R!", C.ADDRESS),
    (RCPT, 554, "5.2.1 no", "R!", C.ADDRESS),
    (RCPT, 553, "no", "R!", C.ADDRESS),
    (END, 552, "no", "M!", C.SIZE),
    (RCPT, 552, "no", "R!", C.FULL),
    (RCPT, 556, "no", "R!", C.DOMAIN),
    (MAIL, 501, "5.5.4 Syntax error", "M!", C.PROTOCOL),
    (MAIL, 550, "no", "M!", C.SENDER),
    (END, 554, "Transaction failed", "M!", C.CONTENT),
    (RCPT, 554, "5.7.1 no", "R!", C.REFUSED),
    (RCPT, 554, "5.5.0 no", "R!", C.PROTOCOL),
    (None, 0, "4.0.0 no", "R", C.BUSY),
    # before a message is known, a refusal is not the message's
    (CONNECT, 554, "5.7.1 No SMTP service here", "S", C.REFUSED),
    (CONNECT, 550, "blocked, see spamhaus", "S", C.REPUTATION),
    (CONNECT, 554, "no", "S", C.OTHER),
)


def reply_of(code, text):
    if not code:  # of a delivery report: a status without a reply
        enhanced, _blank, words = text.partition(" ")
        return read_reply(0, words)._replace(enhanced=enhanced)
    return read_reply(code, text)


class TestFailureTable(ToolsCase):
    def test_each_reply_has_its_meaning(self):
        for phase, code, text, whose, category in REPLIES:
            failure = classify_reply(reply_of(code, text), phase)
            found = f"{failure.scope.name[0]}{'!' * failure.permanent}", failure.category
            with self.subTest(f"{code} {text}"):
                self.assertEqual(found, (whose, category))

    def test_each_row_decides_about_a_reply(self):
        used = {find_row(reply_of(code, text), phase) for phase, code, text, _whose, _category in REPLIES}
        self.assertEqual([row for row in TABLE if row not in used], [])

    def test_each_row_names_its_source(self):
        self.assertTrue(all(row.source for row in TABLE))

    def test_each_category_has_someone_who_acts(self):
        actors = {category: Failure(Scope.RECIPIENT, True, category).actor for category in Category}
        self.assertEqual(set(actors.values()), set(Actor))

    def test_only_failures_of_the_address_itself_count_towards_the_blacklist(self):
        unknown = classify_reply(read_reply(550, "5.1.1 User unknown"), RCPT)
        self.assertTrue(unknown.is_of_the_address)
        for text in ("5.7.26 unauthenticated", "5.7.1 blocked using zen.spamhaus.org", "5.7.1 spam", "5.2.2 full"):
            with self.subTest(text):
                self.assertFalse(classify_reply(read_reply(550, text), RCPT).is_of_the_address)

    def test_recipients_beyond_the_servers_number_follow_at_once(self):
        self.assertEqual(classify_reply(read_reply(452, "4.5.3 Too many recipients"), RCPT).wait, timedelta())

    def test_a_named_time_is_kept_when_trying_again_makes_sense(self):
        greylisted = classify_reply(read_reply(450, "4.2.0 Greylisted, try again in 300 seconds"), RCPT)
        self.assertEqual(greylisted.wait, timedelta(minutes=5))
        self.assertIsNone(classify_reply(read_reply(550, "5.1.1 try again in 300 seconds"), RCPT).wait)
