"""Alias domains: Odoo checks them like the system parameters that mirror the main company's domain."""

from odoo import api, models, tools
from odoo.exceptions import ValidationError

from ...tools.headers.addresses import normalize_domain
from ...tools.parameters import MIRRORED, PARAMETERS, BadValue


class MailAliasDomain(models.Model):
    """Updates the system parameters, the caches and the former addresses when an alias domain changes."""

    _inherit = "mail.alias.domain"

    @api.model
    def default_get(self, fields):
        """Extends core's method: the first alias domain starts with the values of the system parameters."""
        values = super().default_get(fields)
        if not self.sudo().search_count([], limit=1):
            parameters = self.env["res.company"]._main_company_of_mail()._local_parts_of_parameters()
            values.update({field: value for field, value in parameters.items() if field in fields})
        return values

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: a new domain may take over former addresses, and its bounce address is used at once."""
        domains = super().create(vals_list)
        domains._take_over()
        self.env.registry.clear_cache()
        return domains

    def write(self, vals):
        """Extends core's method: previous addresses redirect to the new ones, and the system parameters follow.

        The parameters follow only the alias domain of the main company. Unchanged values are not written again, so a
        bad value that somebody wrote by SQL does not prevent changes to the others.
        """
        vals = self._changed(vals)
        renamed = self if vals.keys() & {"name", "catchall_alias", "bounce_alias"} else self.browse()
        before = [(domain, domain.name, domain._mailboxes()) for domain in renamed]
        result = super().write(vals)
        for domain, name, mailboxes in before:
            domain._remember_names(name, mailboxes)
        renamed._take_over()
        if vals.keys() & {"sequence", *MIRRORED.values()}:
            self.env.registry.clear_cache()
        if vals.keys() & set(MIRRORED.values()):
            self.env["ir.config_parameter"]._show_alias_domain()
        return result

    def unlink(self):
        """Extends core's method: Odoo holds messages to a deleted domain, and the system parameters follow.

        The database takes the domain from its companies without calling their `write()`.
        """
        deleted = [(domain.name, domain._mailboxes()) for domain in self]
        self.env["mail.former.address"].sudo()._mark_deleted(self)
        result = super().unlink()
        self._remember_deleted(deleted)
        self.env.registry.clear_cache()
        self.env["ir.config_parameter"]._show_alias_domain()
        return result

    def _changed(self, vals):
        """Return the values without the mirrored ones that all of these domains have already."""
        mirrored = set(MIRRORED.values())
        return {field: value for field, value in vals.items() if field not in mirrored or self._differ(field, value)}

    def _differ(self, field, value):
        return any((domain[field] or "") != (value or "") for domain in self)

    # ------------------------------------------------------------------ all companies

    @api.model
    def _bounce_addresses(self) -> tuple[str, ...]:
        """Return the bounce addresses of all alias domains, in core's order."""
        return self._names_and_bounce_addresses()[1]

    @api.model
    def _names_of_all(self) -> tuple[str, ...]:
        """Return the alias domains of all companies, in core's order: they replace the filter of a server without one.

        Values that bypassed every check and are no domains are left out.
        """
        return self._names_and_bounce_addresses()[0]

    @api.model
    @tools.ormcache()
    def _names_and_bounce_addresses(self):
        """Return names and bounce addresses by one search: every message that is sent needs both."""
        domains = self.sudo().search([])  # pylint: disable=no-search-all
        names = filter(None, map(normalize_domain, domains.mapped("name")))
        return tuple(dict.fromkeys(names)), tuple(filter(None, domains.mapped("bounce_email")))

    # ------------------------------------------------------------------ bad values

    def _compute_bounce_email(self):
        """Extends core's method: the default replaces a bad value."""
        super()._compute_bounce_email()
        for domain in self:
            if default := domain._default_for_bad("mail.bounce.alias"):
                domain.bounce_email = f"{default}@{domain.name}"

    def _compute_catchall_email(self):
        """Extends core's method: the default replaces a bad value."""
        super()._compute_catchall_email()
        for domain in self:
            if default := domain._default_for_bad("mail.catchall.alias"):
                domain.catchall_email = f"{default}@{domain.name}"

    def _compute_default_from_email(self):
        """Extends core's method: the default replaces a bad value."""
        super()._compute_default_from_email()
        for domain in self:
            if default := domain._default_for_bad("mail.default.from"):
                domain.default_from_email = f"{default}@{domain.name}"

    def _default_for_bad(self, key):
        """Return the default that replaces a value that bypassed every check, and log that once.

        :param str key: the system parameter that mirrors the field
        :return: empty when the value can be used, or when there is none
        """
        value = self[MIRRORED[key]]
        try:
            PARAMETERS[key].read(value or PARAMETERS[key].default)
        except BadValue:
            default = PARAMETERS[key].default
            if self == self._origin:  # not while somebody is typing it
                self.env["ir.config_parameter"]._log_bad_value(self._key_for_log(key), value, default)
            return default
        return ""

    def _key_for_log(self, key):
        is_mirrored = self == self.env["res.company"]._main_company_of_mail().alias_domain_id
        return key if is_mirrored else f"{key}, in the alias domain {self.name}"

    # ------------------------------------------------------------------ writing

    def _follow(self, wanted):
        """Write the values that differ, all at once, since two addresses may change places.

        :param dict wanted: {field: value}; an empty name is ignored
        """
        changes = {field: value for field, value in wanted.items() if self and self._differ(field, value)}
        if not wanted.get("name"):
            changes.pop("name", None)
        if changes:
            self.write(changes)

    @api.model
    def _sanitize_configuration(self, config_values):
        """Extends core's method: domains are stored in lower case, and all values are checked.

        Core compares domains with the lower case addresses of incoming messages. A default From with an @ is checked
        before core changes it, all others in the form in which core stores them. A constraint would be no replacement,
        since it would check existing values, too.
        """
        if "@" in (config_values.get("default_from") or ""):
            config_values["default_from"] = self._check_part("mail.default.from", config_values["default_from"])
        super()._sanitize_configuration(config_values)
        if config_values.get("name"):
            config_values["name"] = config_values["name"].strip().lower()
        for key, field in MIRRORED.items():
            # Core decides which of them may be empty: a domain may have no default From; core refuses other empty values.
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
        """Refuse a catchall that is also the bounce address; core compares catchalls and bounces only with their own."""
        same = self._named(normalize_domain(self.name))
        if both := set(filter(None, same.mapped("catchall_alias"))) & set(same.mapped("bounce_alias")):
            raise ValidationError(self.env["ir.config_parameter"]._same_address_message(f"{both.pop()}@{self.name}"))

    @api.model
    def _named(self, name):
        """Find all alias domains of that name, in core's order.

        :param str name: the name in its comparable form; None finds none
        """
        return self.sudo().search([("name", "=ilike", (name or "").replace("_", r"\_"))])
