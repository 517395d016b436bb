from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestSideEffects(InboundCommon):
    """The mail that a delivery sends, and the outcome of refusals."""

    def setUp(self):
        super().setUp()
        self.catchall = self.mail_alias_domain.catchall_email
        self.follower = self.env["res.partner"].create({"name": "Follower", "email": "follower@customer.example"})
        self.record = self.env["res.partner"].create({"name": "Thread"})
        self.record.message_subscribe(self.follower.ids)
        self.parent = self.record.message_post(
            body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment"
        )

    def reply(self, **values):
        return raw(subject="Re: Question", to=self.catchall, In_Reply_To=self.parent.message_id, **values)

    def test_a_reply_is_relayed_by_the_queue_and_not_by_the_lane(self):
        with patch.object(
            type(self.env["ir.mail_server"]), "_connect__", side_effect=AssertionError("sent by the lane")
        ):
            message = self.deliver(self.reply())
        self.assertEqual(message.mail_message_ids.model, "res.partner")
        mail = self.env["mail.mail"].search([("mail_message_id", "in", message.mail_message_ids.ids)])
        self.assertEqual((mail.state, mail.recipient_ids), ("outgoing", self.follower))
        queue = self.env.ref("mail.ir_cron_mail_scheduler_action")
        self.assertTrue(self.env["ir.cron.trigger"].search_count([("cron_id", "=", queue.id)]))

    def test_a_reply_is_shown_under_its_author_and_not_sent_back(self):
        message = self.deliver(self.reply(sender="Follower <follower@customer.example>"))
        self.assertEqual(message.mail_message_ids.author_id, self.follower)
        mails = self.env["mail.mail"].search([("mail_message_id", "in", message.mail_message_ids.ids)])
        self.assertNotIn(self.follower, mails.recipient_ids)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_a_failed_delivery_leaves_no_mail(self):
        before = self.env["mail.mail"].search_count([])
        inbound = type(self.env["mail.inbound.message"])
        with patch.object(inbound, "_settle", side_effect=ZeroDivisionError, autospec=True):
            message = self.deliver(self.reply())
        self.assertEqual(message.state, "deferred")
        self.assertEqual(self.env["mail.mail"].search_count([]), before)

    def test_mail_to_the_catchall_is_rejected_and_the_notice_is_queued(self):
        message = self.deliver(raw(to=self.catchall))
        self.assertEqual(message.state, "rejected")
        self.assertRegex(message.reason, "accepts replies only.*mary@customer.example")
        notice = self.env["mail.mail"].search([], order="id desc", limit=1)
        self.assertEqual((notice.email_to, notice.state), ("mary@customer.example", "outgoing"))

    def test_a_sender_that_the_alias_does_not_accept_is_rejected(self):
        self.alias.alias_contact = "partners"
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "rejected")
        self.assertIn("does not accept messages from this sender", message.reason)

    @mute_logger("odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome")
    def test_the_sender_is_not_notified_of_a_record_that_could_not_be_created(self):
        before = self.env["mail.mail"].search_count([])
        with patch.object(type(self.env["res.partner"]), "message_new", side_effect=ZeroDivisionError, autospec=True):
            self.deliver(self.to_alias())
        self.assertEqual(self.env["mail.mail"].search_count([]), before)
        self.assertNotEqual(self.alias.alias_status, "invalid")

    def test_messages_over_the_limit_are_held(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 2)
        messages = self.deliver(*(self.to_alias(subject=f"Order {n}") for n in range(4)))
        self.assertEqual(messages.mapped("state"), ["delivered", "delivered", "held", "held"])

    def test_a_bounce_is_named_as_the_reason(self):
        message = self.deliver(raw(sender="MAILER-DAEMON@customer.example", to=self.mail_alias_domain.bounce_email))
        self.assertEqual(message.state, "delivered")
        self.assertIn("bounce", message.reason)

    def test_attachments_are_removed_if_the_server_is_set_to_do_so(self):
        self.server.write({"attach": False, "original": False})
        message = self.deliver(self.with_attachment())
        self.assertFalse(message.mail_message_ids.attachment_ids)

    def test_the_original_is_attached_if_the_server_is_set_to_do_so(self):
        self.server.original = True
        message = self.deliver(self.to_alias())
        self.assertEqual(message.mail_message_ids.attachment_ids.mapped("name"), ["original_email.eml"])

    def test_the_server_creates_records_of_its_model(self):
        self.server.object_id = self.env["ir.model"]._get("res.partner")
        message = self.deliver(raw(subject="Direct", to="box@elsewhere.example"))
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Direct")

    def with_attachment(self):
        source = self.to_alias(Content_Type="multipart/mixed; boundary=cut")
        head, _blank, _body = source.partition(b"\r\n\r\n")
        parts = (
            b"--cut\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
            b"--cut\r\nContent-Type: application/pdf; name=order.pdf\r\n"
            b"Content-Disposition: attachment; filename=order.pdf\r\n\r\nnot really\r\n--cut--\r\n"
        )
        return head + b"\r\n\r\n" + parts
