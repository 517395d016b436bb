from odoo.tests import new_test_user

from odoo.addons.mail_gateway.tests.common import InboundCommon

NOBODY = "nobody@elsewhere.example"


class DecisionsCommon(InboundCommon):
    """A postmaster, and messages that wait for a decision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(
            cls.env, "postmaster", name="Paul", email="paul@mycompany.example", groups="mail_gateway.group_postmaster"
        )

    def held(self, *sources, **values):
        """Store messages and hold them with these `values`; return them for the postmaster."""
        messages = self.store(*sources)
        messages._move_to("held", values.pop("reason", "Because."), cause=values.pop("cause", "no_route"), **values)
        return messages.with_user(self.postmaster)

    def queued(self):
        """Return the queued e-mails to senders."""
        return self.env["mail.mail"].search([("email_from", "=", self.postmaster.email_formatted)], order="id")
