from odoo import api, models, tools
from odoo.exceptions import ValidationError

from ..tools.addresses import normalize_domain
from ..tools.parameters import MIRRORED


class MailAliasDomain(models.Model):
    """Checked like the system parameters that mirror it, which follow what is written here."""

    _inherit = "mail.alias.domain"

    @api.model
    def default_get(self, fields):
        """Extends core's method: the first alias domain starts with what the system parameters say."""
        values = super().default_get(fields)
        if not self.sudo().search_count([], limit=1):
            parameters = self.env["res.company"]._main_company_of_mail()._local_parts_of_parameters()
            values.update({field: value for field, value in parameters.items() if field in fields})
        return values

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: its bounce address is one more to take bounces."""
        domains = super().create(vals_list)
        self.env.registry.clear_cache()
        return domains

    def write(self, vals):
        """Extends core's method: the system parameters follow when this is the main company's alias domain."""
        result = super().write(vals)
        if vals.keys() & {"sequence", *MIRRORED.values()}:
            self.env.registry.clear_cache()
        if vals.keys() & set(MIRRORED.values()):
            self.env["ir.config_parameter"]._show_alias_domain()
        return result

    def unlink(self):
        """Extends core's method: the database takes it from its companies without a word to them."""
        result = super().unlink()
        self.env.registry.clear_cache()
        self.env["ir.config_parameter"]._show_alias_domain()
        return result

    @api.model
    @tools.ormcache()
    def _bounce_addresses(self) -> tuple[str, ...]:
        """The bounce addresses of all alias domains, in core's order; each message that leaves may ask for them."""
        domains = self.sudo().search([])  # pylint: disable=no-search-all
        return tuple(filter(None, domains.mapped("bounce_email")))

    def _follow(self, wanted):
        """Write what differs, all at once: two addresses may change places.

        :param wanted: {field: value}, empty values change nothing but the default From
        """
        changes = {field: value for field, value in wanted.items() if self and (self[field] or "") != value}
        if not wanted.get("name"):
            changes.pop("name", None)
        if changes:
            self.write(changes)

    @api.model
    def _sanitize_configuration(self, config_values):
        """Extends core's method: domains are stored in the form in which mail names them.

        Core compares them with the lower case addresses of incoming mail as they stand. A default From with an @ is
        checked before core makes something else of it.
        """
        sender = config_values.get("default_from") or ""
        if "@" in sender:
            check = self.env["ir.config_parameter"]._check_mail_value
            config_values["default_from"] = check(
                "mail.default.from", sender, self[:1]._words_for_place("default_from")
            )
        super()._sanitize_configuration(config_values)
        if config_values.get("name"):
            config_values["name"] = config_values["name"].strip().lower()
        return config_values

    @api.constrains(*MIRRORED.values())
    def _check_addresses(self):
        check = self.env["ir.config_parameter"]._check_mail_value
        for domain in self:
            # Which of them may be empty is left to core: it has no default From then, or refuses it by itself.
            for key, field in MIRRORED.items():
                if domain[field]:
                    check(key, domain[field], domain._words_for_place(field))
            domain._check_catchall_is_not_bounce()

    def _words_for_place(self, field):
        label = self._fields[field].get_description(self.env, ["string"])["string"]
        if not self.name:
            return label
        return self.env._("%(field)s of the alias domain “%(domain)s”", field=label, domain=self.name)

    def _check_catchall_is_not_bounce(self):
        """Core looks for the same catchall twice and the same bounce twice, not for one that is also the other."""
        same = self._named(normalize_domain(self.name))
        if both := set(filter(None, same.mapped("catchall_alias"))) & set(same.mapped("bounce_alias")):
            raise ValidationError(self.env["ir.config_parameter"]._words_for_same_address(f"{both.pop()}@{self.name}"))

    @api.model
    def _named(self, name):
        """All alias domains of that name, in core's order.

        :param name: in its comparable form, None for none
        """
        return self.sudo().search([("name", "=ilike", (name or "").replace("_", r"\_"))])
