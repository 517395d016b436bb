from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from odoo.addons.mail_gateway.tools.parameters import MIRRORED

DOMAIN, CATCHALL, BOUNCE, SENDER = MIRRORED
FILTER = "mail.default.from_filter"
PERIOD, LIMIT, SCOPE = (f"mail.incoming.limit.{name}" for name in ("period", "alias", "scope"))
SIZE = "mail_gateway.size_limit"
LOGGER = "odoo.addons.mail_gateway.models.addresses.ir_config_parameter"


@tagged("post_install", "-at_install")
class ParametersCase(TransactionCase):
    """A main company with an alias domain of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parameters = cls.env["ir.config_parameter"]
        cls.company = cls.env.ref("base.main_company")
        cls.domain = cls.env["mail.alias.domain"].create(
            {"name": "one.example", "catchall_alias": "replies", "bounce_alias": "returned", "default_from": "office"}
        )
        cls.company.alias_domain_id = cls.domain

    def shown(self):
        """Return the values of the four parameters."""
        return [self.parameters.get_param(key) for key in MIRRORED]

    def record(self):
        """Return the values of the main company's alias domain."""
        return [self.company.alias_domain_id[field] for field in MIRRORED.values()]

    def parameter(self, key):
        """Return the record of a parameter."""
        return self.parameters.search([("key", "=", key)])

    def change_in_sql(self, key, value):
        """Change a parameter by SQL."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE ir_config_parameter SET value = %s WHERE key = %s", [value, key])
        self.env.invalidate_all()
        self.env.registry.clear_cache("stable")

    def change_domain_in_sql(self, **values):
        """Change the main company's alias domain by SQL."""
        self.env.flush_all()
        for field, value in values.items():
            change = SQL("SET %s = %s WHERE id = %s", SQL.identifier(field), value, self.domain.id)
            self.env.cr.execute(SQL("UPDATE mail_alias_domain %s", change))
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def take_domain_away(self):
        """Leave the main company without an alias domain, as after a new installation."""
        self.company.alias_domain_id = False
        self.env["mail.alias"].search([]).alias_domain_id = False
        self.env["mail.alias.domain"].search([]).unlink()
