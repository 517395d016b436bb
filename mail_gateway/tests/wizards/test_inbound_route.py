from odoo.tests import Form, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import NOBODY, DecisionsCommon


@tagged("post_install", "-at_install")
class TestRoute(DecisionsCommon):
    """The proposals of the dialog."""

    def test_the_dialog_proposes_an_alias_for_messages_without_a_route(self):
        for cause, target in (("no_route", "alias"), ("lost_address", "alias"), ("size", "record")):
            action = self.held(raw(to=NOBODY), cause=cause).action_route()
            dialog = self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"])
            self.assertEqual(Form(dialog).target, target, cause)

    def test_no_technical_model_is_offered_as_a_target(self):
        offered = dict(self.env["mail.inbound.route"]._selection_models())
        chatter = set(self.env["ir.model"].search([("is_mail_thread", "=", True)]).mapped("model"))
        self.assertLessEqual({"mail.blacklist", "ir.cron"}, chatter)
        self.assertFalse(offered.keys() & {"mail.blacklist", "phone.blacklist", "iap.account"})
        self.assertFalse([model for model in offered if model.startswith(("ir.", "fetchmail."))])
        self.assertIn("res.partner", offered)
