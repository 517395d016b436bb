from odoo.tests import tagged

from odoo.addons.mail_gateway.models.held.mail_thread import ALERT_MARK
from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.alerts_common import AlertsCase


@tagged("post_install", "-at_install")
class TestAlertsThatComeBack(AlertsCase):
    """Messages about alerts cause no further alert."""

    def alert_as_sent(self):
        """Hold a message; return the alert about it as it was sent."""
        self.hold("The first")
        self.alerts()
        self.let_pass(hours=5)
        return self._mails[0]

    def test_an_alert_that_comes_back_is_discarded_and_alerts_nobody(self):
        sent = self.alert_as_sent()
        back = self.deliver(raw(to="nobody@elsewhere.example", message_id=sent["message_id"], **sent["headers"]))
        self.assertEqual(back.state, "discarded")
        self.assertFalse(self.alerts())

    def test_without_any_rule_an_alert_that_comes_back_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        own = {"X-Odoo-Message-Id": sent["message_id"]}
        self.hold("A relay gave it another Message-Id", **own)
        self.assertFalse(self.alerts())

    def test_an_answer_to_an_alert_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        headers = {"In-Reply-To": sent["message_id"], "Auto-Submitted": "auto-replied"}
        answer = self.deliver(raw(subject="Away", to="nobody@elsewhere.example", **headers))
        self.assertTrue(answer.answers_alert)
        self.assertFalse(self.alerts())

    def test_a_report_about_an_alert_alerts_nobody(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        report = raw(subject="Undelivered", to="nobody@elsewhere.example")
        report += f"\r\nIt said: mailbox full\r\n\r\nMessage-Id: {sent['message_id']}\r\n".encode()
        self.assertTrue(self.deliver(report).answers_alert)
        self.assertFalse(self.alerts())

    def test_a_returned_alert_is_recognized_by_its_quoted_headers(self):
        sent = self.alert_as_sent()
        self.env["mail.inbound.rule"].search([]).active = False
        for number, quoted in enumerate(
            (
                f"message-id:\r\n {sent['message_id']}",
                f"> Message-ID: {sent['message_id']}",
                f"Original-Message-ID: {sent['message_id']}",
                f"References: <a@x>\r\n\t<b@x>\r\n\t{sent['message_id']}",
            )
        ):
            with self.subTest(quoted):
                report = raw(subject=f"Undelivered {number}", to="nobody@elsewhere.example")
                self.assertTrue(self.store(report + f"\r\n{quoted}\r\n".encode()).answers_alert)

    def test_messages_with_an_invented_mark_still_cause_an_alert(self):
        self.env["mail.inbound.rule"].search([]).active = False
        invented = f"<1.2{ALERT_MARK}host>"
        self.hold("In a header", In_Reply_To=invented)
        self.hold("In its own name", message_id=f"<3.4{ALERT_MARK}host>")
        self.deliver(raw("In the text", to="nobody@elsewhere.example") + f"\r\nMessage-Id: {invented}\r\n".encode())
        self.assertEqual(self.alerts().subject, "3 messages wait for a decision")

    def test_an_incoming_message_with_the_mark_in_its_id_is_not_an_alert(self):
        invented = f"<1.2{ALERT_MARK}host>"
        delivered = self.deliver(self.to_alias(message_id=invented))
        self.assertEqual(delivered.mail_message_ids.message_id, invented)
        self.env["mail.inbound.rule"].search([]).active = False
        self.deliver(raw("About it", to="nobody@elsewhere.example") + f"\r\nMessage-Id: {invented}\r\n".encode())
        self.assertEqual(len(self.alerts()), 1)

    def test_messages_without_the_mark_cost_no_query(self):
        messages = self.env["mail.inbound.message"]
        with self.assertQueryCount(0):
            self.assertFalse(messages._is_about_alert(raw(In_Reply_To="<1.2-openerp-message-notify@host>")))
            self.assertFalse(messages._is_about_alert(raw() + b"x" * 256 * 1024 + ALERT_MARK.encode()))

    def test_messages_with_any_bytes_around_the_mark_are_stored(self):
        mark = ALERT_MARK.encode()
        for junk in (b"<\0%s\0>", b"<\xff\xfe%s\xe9>", b"<%s>", b"%s", b"<1%s" + b"x" * 5000 + b">", b"<'\";--%s%%s>"):
            with self.subTest(junk):
                value = junk.replace(b"%s", mark, 1)
                source = raw() + b"\r\nMessage-Id: " + value
                self.assertFalse(self.env["mail.inbound.message"]._values_from_source(source)["answers_alert"])
        many = b"References:" + b"".join(b"\r\n <%d%sx>" % (number, mark) for number in range(4000))
        self.assertFalse(self.store(many + b"\r\n\r\nText").answers_alert)

    def test_an_answer_to_another_notification_causes_an_alert(self):
        self.hold("The first", In_Reply_To="<1.2-openerp-message-notify@host>")
        self.assertEqual(len(self.alerts()), 1)

    def test_a_context_from_outside_does_not_make_a_message_an_alert(self):
        record = self.env["res.partner"].create({"name": "Mary"}).with_context(mail_gateway_alert=True)
        self.assertNotIn(ALERT_MARK, record.message_post(body="Hello").message_id)
