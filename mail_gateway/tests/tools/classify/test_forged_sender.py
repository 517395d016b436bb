import time
from email import message_from_bytes, policy

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, length, some_of
from odoo.addons.mail_gateway.tools.classify.forged_sender import (
    authserv_id,
    failed_dmarc,
    marked_as_spam,
    topmost_results,
)
from odoo.addons.mail_gateway.tools.classify.notice_recipient import MAX_ADDRESS_BYTES, notice_address, without_quotes
from odoo.addons.mail_gateway.tools.headers.message_head import ReadingPolicy
from odoo.addons.mail_gateway.tools.headers.message_ids import quotable_id

HOSTS = {"mx.mycompany.example"}
FAILED = (
    "Authentication-Results: mx.mycompany.example; spf=fail smtp.mailfrom=x.example; dmarc=fail header.from=x.example"
)
PASSED = "Authentication-Results: mx.mycompany.example; dmarc=pass header.from=x.example"
RECEIVED = "Received: from relay.example by mx.mycompany.example; Tue, 5 May 2026 10:00:00 +0000"
# Seconds; a message takes far less.
PATIENCE = 5


def mail(*lines):
    head = "\r\n".join([*lines, "From: Mary <mary@customer.example>", "Subject: Order"])
    return message_from_bytes(f"{head}\r\n\r\nHello\r\n".encode(), policy=policy.SMTP)


class TestAuthentication(ToolsCase):
    # ------------------------------------------------------------------ DMARC

    def test_a_failed_result_of_our_own_host_counts(self):
        self.assertEqual(failed_dmarc(mail(RECEIVED, FAILED), HOSTS).header, "Authentication-Results")
        for line in (
            "Authentication-Results: MX.MyCompany.example 1; dmarc=FAIL",
            "Authentication-Results: mx.mycompany.example (us; not them) ;\r\n\tdmarc/1 = fail (p=none) policy.dmarc=none",
            'Authentication-Results: "mx.mycompany.example"; spf=pass reason="a; b"; dmarc=fail',
            "Authentication-Results: mx.mycompany.example; (dmarc=pass) dmarc=fail",
        ):
            with self.subTest(line):
                self.assertTrue(failed_dmarc(mail(line), HOSTS))

    def test_other_results_do_not_count(self):
        for line in (
            PASSED,
            "Authentication-Results: mx.mycompany.example; dmarc=none",
            "Authentication-Results: mx.mycompany.example; dmarc=temperror; spf=fail; dkim=fail",
            "Authentication-Results: mx.mycompany.example; dmarc=failure",
            "Authentication-Results: mx.mycompany.example; spf=pass (dmarc=fail)",
            'Authentication-Results: mx.mycompany.example; spf=pass reason="; dmarc=fail"',
            "Authentication-Results: mx.mycompany.example; x-dmarc=fail",
            "Authentication-Results: dmarc=fail header.from=x.example",
            "X-Authentication-Results: mx.mycompany.example; dmarc=fail",
        ):
            with self.subTest(line):
                self.assertIsNone(failed_dmarc(mail(line), HOSTS))

    def test_results_of_hosts_that_are_not_configured_do_not_count(self):
        self.assertIsNone(failed_dmarc(mail(FAILED), ()))
        self.assertIsNone(failed_dmarc(mail(FAILED), {"mx2.mycompany.example"}))
        self.assertIsNone(failed_dmarc(mail(FAILED.replace("mx.my", "evil.mx.my")), HOSTS))

    def test_only_the_topmost_run_counts(self):
        self.assertIsNone(failed_dmarc(mail(PASSED, RECEIVED, FAILED), HOSTS))
        self.assertTrue(failed_dmarc(mail(FAILED, RECEIVED, PASSED), HOSTS))
        other = "Authentication-Results: relay.example; dmarc=fail"
        self.assertIsNone(failed_dmarc(mail(PASSED, other, FAILED), HOSTS))

    def test_filters_may_write_headers_between_the_results_of_one_host(self):
        spf = "Authentication-Results: mx.mycompany.example; spf=fail"
        self.assertEqual(
            len(topmost_results(mail(RECEIVED, spf, "DMARC-Filter: x", FAILED, RECEIVED, PASSED), HOSTS)), 2
        )
        self.assertTrue(failed_dmarc(mail(spf, "DMARC-Filter: x", FAILED), HOSTS))

    def test_results_that_a_sender_adds_do_not_undo_a_failure(self):
        self.assertTrue(failed_dmarc(mail(FAILED, PASSED, PASSED), HOSTS))

    def test_the_host_is_read_without_comments_quotes_and_version(self):
        for value, host in (
            ("mx.example; spf=pass", "mx.example"),
            (" MX.example 1 ; none", "mx.example"),
            ('"mx.example"; x', "mx.example"),
            ("(a(b)c) mx.example", "mx.example"),
            ("spf=pass smtp.mailfrom=x", ""),
            ("", ""),
            (";", ""),
        ):
            with self.subTest(value):
                self.assertEqual(authserv_id(value), host)

    # ------------------------------------------------------------------ spam

    def test_marks_of_spam_filters_are_recognized(self):
        for line in ("X-Spam-Flag: YES", "X-Spam-Status: Yes, score=15.3 required=5.0", "X-Spam: yes"):
            self.assertEqual(marked_as_spam(mail(line)).header, line.partition(":")[0])
        for line in ("X-Spam-Flag: NO", "X-Spam-Status: No, score=-1 (yes)", "X-Spam-Level: *****", "X-Spam-Flag:"):
            self.assertIsNone(marked_as_spam(mail(line)), line)

    # ------------------------------------------------------------------ recipients and contents of notices

    def test_the_topmost_return_path_is_notified_or_else_the_author(self):
        two = mail("Return-Path: <last@relay.example>", "Return-Path: <first@victim.example>")
        self.assertEqual(notice_address(two, "Mary <mary@customer.example>"), "last@relay.example")
        self.assertEqual(notice_address(mail(), "Mary <mary@customer.example>"), "mary@customer.example")
        several = "Mary <mary@customer.example>, victim@elsewhere.example"
        self.assertEqual(notice_address(mail(), several), "mary@customer.example")
        listed = mail("Return-Path: <a@relay.example>, <b@victim.example>")
        self.assertEqual(notice_address(listed, None), "a@relay.example")

    def test_no_notice_goes_to_an_invalid_address(self):
        for path in (
            "Mary",
            "<mary>",
            f"<{'x' * MAX_ADDRESS_BYTES}@x.example>",
            f"<{'😀' * 70}@x.example>",
        ):
            with self.subTest(path):
                self.assertEqual(notice_address(mail(f"Return-Path: {path}"), "mary@customer.example"), "")
        for author in (None, "", "Mary", f"{'é' * MAX_ADDRESS_BYTES}@x.example"):
            self.assertEqual(notice_address(mail(), author), "")

    def test_a_message_id_that_contains_a_text_is_not_quoted(self):
        self.assertEqual(quotable_id("<1.2-x@customer.example>"), "<1.2-x@customer.example>")
        for text in (None, "", "buy now", "<buy now@x>", "<a@b> <c@d>", f"<{'x' * 500}@x>", "<a\n@b>", "<é@x>"):
            self.assertEqual(quotable_id(text), "")

    def test_quotations_are_removed_from_html(self):
        html = "<div><p>Ours</p><blockquote>Buy <b>now</b></blockquote>tail</div><blockquote>more</blockquote>"
        self.assertIn("Ours", without_quotes(html))
        self.assertIn("tail", without_quotes(html))
        self.assertNotIn("now", without_quotes(html) + without_quotes(html.encode()))
        self.assertEqual(without_quotes(None).replace("<div></div>", ""), "")

    # ------------------------------------------------------------------ any message

    def test_headers_that_are_expensive_to_read_are_read_in_bounded_time(self):
        for piece in some_of(
            ("(", ")", '"', ";", "\\", "dmarc=", "dmarc =", "dmarc / 1", " ", "(;", "=;", 'a;("', "😀")
        ):
            source = f"Authentication-Results: mx.mycompany.example; {piece * (length(100_000) // len(piece))}\r\n" * 30
            message = message_from_bytes(
                f"{source}Return-Path: {piece * 50_000}\r\n\r\n".encode(), policy=ReadingPolicy()
            )
            with self.subTest(piece):
                started = time.thread_time()
                failed_dmarc(message, HOSTS)
                notice_address(message, piece * 50_000)
                marked_as_spam(message)
                self.assertLess(time.thread_time() - started, PATIENCE)
