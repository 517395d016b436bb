from odoo import api, models, tools
from odoo.exceptions import ValidationError

from ...tools.headers.addresses import normalize_domain
from ...tools.parameters import MIRRORED, PARAMETERS, BadValue


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
        """Extends core's method: the system parameters follow when this is the main company's alias domain.

        What stands there already is not written again: a bad value that came in by SQL keeps nobody from changing the
        others.
        """
        same = {field for field in MIRRORED.values() if field in vals and not self._differ(field, vals[field])}
        vals = {field: value for field, value in vals.items() if field not in same}
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
    def _bounce_addresses(self) -> tuple[str, ...]:
        """The bounce addresses of all alias domains, in core's order."""
        return self._names_and_bounce_addresses()[1]

    @api.model
    def _names_of_all(self) -> tuple[str, ...]:
        """The alias domains of all companies, in core's order: they stand in for the filter of a server without one.

        What came past every check and is no domain is left out.
        """
        return self._names_and_bounce_addresses()[0]

    @api.model
    @tools.ormcache()
    def _names_and_bounce_addresses(self):
        """One search for both: each message that leaves asks for them."""
        domains = self.sudo().search([])  # pylint: disable=no-search-all
        names = filter(None, map(normalize_domain, domains.mapped("name")))
        return tuple(dict.fromkeys(names)), tuple(filter(None, domains.mapped("bounce_email")))

    def _differ(self, field, value):
        return any((domain[field] or "") != (value or "") for domain in self)

    # ------------------------------------------------------------------ bad values

    def _compute_bounce_email(self):
        """Extends core's method: a bad value counts as the default."""
        super()._compute_bounce_email()
        for domain in self:
            if default := domain._default_for_bad("mail.bounce.alias"):
                domain.bounce_email = f"{default}@{domain.name}"

    def _compute_catchall_email(self):
        """Extends core's method: the same."""
        super()._compute_catchall_email()
        for domain in self:
            if default := domain._default_for_bad("mail.catchall.alias"):
                domain.catchall_email = f"{default}@{domain.name}"

    def _compute_default_from_email(self):
        """Extends core's method: the same."""
        super()._compute_default_from_email()
        for domain in self:
            if default := domain._default_for_bad("mail.default.from"):
                domain.default_from_email = f"{default}@{domain.name}"

    def _default_for_bad(self, key):
        """What counts instead of a value that came past every check; the log says so once.

        :param key: of the system parameter that mirrors the field
        :return: empty when the value can be used, or there is none
        """
        value = self[MIRRORED[key]]
        try:
            PARAMETERS[key].read(value or PARAMETERS[key].default)
        except BadValue:
            default = PARAMETERS[key].default
            if self == self._origin:  # not while somebody is typing it
                self.env["ir.config_parameter"]._tell_bad_value(self._key_for_log(key), value, default)
            return default
        return ""

    def _key_for_log(self, key):
        is_mirrored = self == self.env["res.company"]._main_company_of_mail().alias_domain_id
        return key if is_mirrored else f"{key}, in the alias domain {self.name}"

    # ------------------------------------------------------------------ writing

    def _follow(self, wanted):
        """Write what differs, all at once: two addresses may change places.

        :param wanted: {field: value}, empty values change nothing but the default From
        """
        changes = {field: value for field, value in wanted.items() if self and self._differ(field, value)}
        if not wanted.get("name"):
            changes.pop("name", None)
        if changes:
            self.write(changes)

    @api.model
    def _sanitize_configuration(self, config_values):
        """Extends core's method: domains are stored in the form in which mail names them.

        Core compares them with the lower case addresses of incoming mail as they stand. A default From with an @ is
        checked before core makes something else of it, all others as core stores them; no constraint does that, since
        it would check what stands there already as well.
        """
        if "@" in (config_values.get("default_from") or ""):
            config_values["default_from"] = self._check_part("mail.default.from", config_values["default_from"])
        super()._sanitize_configuration(config_values)
        if config_values.get("name"):
            config_values["name"] = config_values["name"].strip().lower()
        for key, field in MIRRORED.items():
            # Which of them may be empty is left to core: it has no default From then, or refuses it by itself.
            if config_values.get(field):
                self._check_part(key, config_values[field])
        return config_values

    def _check_part(self, key, value):
        where = self[:1]._place_message(MIRRORED[key])
        return self.env["ir.config_parameter"]._check_mail_value(key, value, where)

    @api.constrains("name", "catchall_alias", "bounce_alias")
    def _check_addresses(self):
        for domain in self:
            domain._check_catchall_is_not_bounce()

    def _place_message(self, field):
        label = self._fields[field].get_description(self.env, ["string"])["string"]
        if not self.name:
            return label
        return self.env._("%(field)s of the alias domain “%(domain)s”", field=label, domain=self.name)

    def _check_catchall_is_not_bounce(self):
        """Core looks for the same catchall twice and the same bounce twice, not for one that is also the other."""
        same = self._named(normalize_domain(self.name))
        if both := set(filter(None, same.mapped("catchall_alias"))) & set(same.mapped("bounce_alias")):
            raise ValidationError(self.env["ir.config_parameter"]._same_address_message(f"{both.pop()}@{self.name}"))

    @api.model
    def _named(self, name):
        """All alias domains of that name, in core's order.

        :param name: in its comparable form, None for none
        """
        return self.sudo().search([("name", "=ilike", (name or "").replace("_", r"\_"))])
