from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestNotAllowed(InboundCommon):
    """A message that Odoo refuses with a user error is held with the words of the error: further tries do not help."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(cls.env, "postmaster", groups="mail_gateway.group_postmaster")

    def refusing(self, error):
        """Make every creation of a contact fail."""
        return patch.object(type(self.env["res.partner"]), "create", side_effect=error)

    def run_last_try(self, message):
        """Make the next try due, and run a lane."""
        self.assertEqual(message.state, "deferred")
        message.next_try = "2020-01-01"
        self.run_lane()

    def test_a_missing_right_holds_the_message_at_once_with_the_reason(self):
        with self.refusing(AccessError("Contacts of Other Company are out of reach.")):
            message = self.deliver(self.to_alias(subject="Foreign"))
        self.assertEqual((message.state, message.cause, message.try_count), ("held", "not_allowed", 1))
        self.assertIn("Contacts of Other Company are out of reach.", message.reason)
        self.assertIn("Grant the access right, then process the message again.", message.reason)

    def test_a_held_message_is_delivered_once_the_right_is_granted(self):
        with self.refusing(AccessError("No.")):
            message = self.deliver(self.to_alias(subject="Foreign"))
        message.with_user(self.postmaster).action_process_again()
        self.run_lane()
        self.assertEqual((message.state, message.cause), ("delivered", False))
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Foreign")

    def test_releasing_is_refused_with_advice_to_grant_the_right(self):
        with self.refusing(AccessError("No.")):
            message = self.deliver(self.to_alias())
        self.assertFalse(message.is_releasable)
        with self.assertRaisesRegex(UserError, "grant the right, then process it again"):
            message.with_user(self.postmaster).action_release()

    def test_a_contact_of_another_company_holds_the_message(self):
        """The alias makes leads of one company for a contact of another; Odoo's own check refuses them."""
        if "crm.lead" not in self.env:
            self.skipTest("crm is not installed")
        other = self.env["res.company"].create({"name": "Other Company"})
        contact = self.env["res.partner"].create({"name": "Theirs", "company_id": other.id})
        alias = self.alias.copy({"alias_name": "leads", "alias_model_id": self.env["ir.model"]._get_id("crm.lead")})
        alias.alias_defaults = repr({"company_id": self.env.company.id, "partner_id": contact.id, "name": "Redirect"})
        message = self.deliver(raw(to=f"leads@{self.alias_domain}"))
        self.run_last_try(message)
        self.assertEqual((message.state, message.cause), ("held", "refused"))
        self.assertIn("Odoo refused it:", message.reason)
        self.assertIn("Theirs", message.reason)
        alias.alias_defaults = "{}"
        message.with_user(self.postmaster).action_process_again()
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_message_refused_with_a_user_error_is_held_after_one_more_try(self):
        for error in (UserError("Not like that."), ValidationError("Not like that.")):
            with self.refusing(error):
                message = self.deliver(self.to_alias(subject=type(error).__name__))
                self.run_last_try(message)
            self.assertEqual((message.state, message.cause), ("held", "refused"))
            self.assertEqual(message.reason, "Odoo refused it: Not like that.")

    def test_a_message_refused_for_an_attachment_is_delivered_with_its_text_only(self):
        create = type(self.env["ir.attachment"]).create

        refused = UserError("No such attachments.")

        def refuse(attachments, vals_list):
            values = vals_list if isinstance(vals_list, list) else [vals_list]
            if any(each.get("name") == "odd.bin" for each in values):
                raise refused
            return create(attachments, vals_list)

        source = self.to_alias(Content_Type='multipart/mixed; boundary="b"').replace(
            b"Hello,",
            b'--b\r\nContent-Type: application/x-odd\r\nContent-Disposition: attachment; filename="odd.bin"\r\n\r\nA\r\n'
            b"--b\r\nContent-Type: text/plain\r\n\r\nHello,\r\n",
        )
        with patch.object(type(self.env["ir.attachment"]), "create", refuse):
            message = self.deliver(source + b"--b--\r\n")
            self.run_last_try(message)
        self.assertEqual(message.state, "delivered")

    def test_messages_with_other_errors_are_tried_three_times(self):
        with self.refusing(KeyError("bug")):
            message = self.deliver(self.to_alias())
            self.assertEqual((message.state, message.try_count), ("deferred", 1))
            for _try in range(2):
                message.next_try = "2020-01-01"
                self.run_lane()
        self.assertEqual((message.state, message.cause), ("failed", "error"))
