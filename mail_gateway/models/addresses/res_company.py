"""The main company, whose alias domain the system parameters of mail mirror."""

from odoo import api, models

from ...tools.headers.addresses import normalize_domain
from ...tools.parameters import MIRRORED


class ResCompany(models.Model):
    """Keeps the alias domain of the main company and the system parameters of mail equal."""

    _inherit = "res.company"

    def write(self, vals):
        """Extends core's method: the system parameters follow when the main company gets another alias domain."""
        result = super().write(vals)
        if "alias_domain_id" in vals:
            self.env["ir.config_parameter"]._show_alias_domain()
        return result

    @api.model
    def _main_company_of_mail(self):
        """Return the main company, archived or not; if somebody deleted it, the oldest company."""
        main = self.env["ir.model.data"]._xmlid_to_res_id("base.main_company", raise_if_not_found=False)  # cached
        companies = self.sudo().with_context(active_test=False)
        return companies.browse(main) if main else companies.search([], order="id", limit=1)

    def _use_alias_domain(self, name):
        """Give the company the alias domain of that name, or create one if the company has none.

        In all other cases, the caller renames the domain that the company has. Its aliases then move with it, as they did
        when the domain was a parameter; with a new record, they would stay in the old domain.

        :param str name: the name in its comparable form; empty to change nothing
        """
        own = self.alias_domain_id
        if not name or normalize_domain(own.name) == name:
            return
        if named := self.env["mail.alias.domain"]._named(name)[:1]:
            self.alias_domain_id = named
        elif not own:
            self.alias_domain_id = named.create({"name": name, **self._local_parts_of_parameters()})

    def _local_parts_of_parameters(self):
        read = self.env["ir.config_parameter"]._get_mail_parameter
        return {field: read(key) for key, field in MIRRORED.items() if field != "name"}
