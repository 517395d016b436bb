from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import NOBODY, DecisionsCommon


@tagged("post_install", "-at_install")
class TestKeepSource(DecisionsCommon):
    """Sources that a postmaster keeps after the retention period."""

    def test_a_postmaster_can_keep_a_source_and_let_it_go_again(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        message.action_keep_source()
        self.assertTrue(message.keep_source)
        message.action_let_source_go()
        self.assertFalse(message.keep_source)
        self.assertEqual(message.decision_ids.mapped("decision"), ["let_go", "keep"])

    def test_keeping_a_source_is_not_a_decision_about_its_message(self):
        message = self.held(raw(to=NOBODY))
        message.action_keep_source()
        message.action_let_source_go()
        self.assertEqual(len(message.decision_ids), 2)
        self.assertFalse(message.decided_by_id)
        self.assertFalse(message.decided_date)

    def test_keeping_a_source_does_not_change_who_decided_before(self):
        message = self.held(raw(to=NOBODY))
        message.action_discard()
        decided = (message.decided_by_id, message.decided_date)
        colleague = new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        message.with_user(colleague).action_keep_source()
        self.assertEqual((message.decided_by_id, message.decided_date), decided)
        self.assertEqual(message.decision_ids[0].user_id, colleague)

    def test_a_source_cannot_be_kept_or_let_go_twice(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        with self.assertRaisesRegex(UserError, "None of the chosen sources is kept"):
            message.action_let_source_go()
        message.action_keep_source()
        with self.assertRaisesRegex(UserError, "kept already"):
            message.action_keep_source()

    def test_a_deleted_source_cannot_be_kept(self):
        message = self.deliver(self.to_alias())
        message.source = False
        with self.assertRaisesRegex(UserError, "deleted already"):
            message.with_user(self.postmaster).action_keep_source()
