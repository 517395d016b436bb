from odoo.addons.mail_gateway.tests.common import InboundCommon


class FormerCommon(InboundCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.former = cls.env["mail.former.address"]
        cls.domain = cls.mail_alias_domain
        cls.partner_model = cls.env["ir.model"]._get_id("res.partner")

    def entry(self, address):
        """Return the entry of an address, retired or not; a name without @ is in the company's alias domain."""
        address = address if "@" in address or "." in address else f"{address}@{self.alias_domain}"
        return self.former.with_context(active_test=False).search([("address", "=", address)])

    def new_alias(self, name, **values):
        values = {"alias_model_id": self.partner_model, "alias_contact": "everyone", **values}
        return self.env["mail.alias"].create({"alias_name": name, **values})

    def in_domain(self, local):
        return f"{local}@{self.alias_domain}"
