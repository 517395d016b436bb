"""Aliases: how Odoo finds them by address, and records their former addresses."""

from odoo import api, models

from ...tools.former_address import local_part, reach
from ...tools.headers.addresses import normalize_domain


class MailAlias(models.Model):
    """Records a former address when an alias is renamed or deleted, and ends it when an alias uses it again."""

    _inherit = "mail.alias"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: a new alias may take over a former address."""
        aliases = super().create(vals_list)
        self._former()._deactivate([alias._reach() for alias in aliases.sudo()])
        return aliases

    def write(self, vals):
        """Extends core's method: the previous address of a renamed alias redirects to it."""
        if not {"alias_name", "alias_domain_id"} & vals.keys():
            return super().write(vals)
        before = [(alias, alias._full_name(), alias._reach()) for alias in self.sudo()]
        result = super().write(vals)
        renamed = [(alias, old) for alias, name, old in before if name != alias._full_name() and old != alias._reach()]
        if renamed:
            self._former()._remember([alias._former_values(old) for alias, old in renamed])
            self._former()._deactivate([alias._reach() for alias, _old in renamed])
        return result

    def unlink(self):
        """Extends core's method: Odoo holds messages to a deleted alias, with the deletion as the reason."""
        deleted = [alias._former_reach() for alias in self.sudo()]
        self._former()._mark_deleted(self)
        result = super().unlink()
        gone = {"kind": "alias", **self._former()._gone(self.env._("The alias was deleted."))}
        self._former()._remember([{**gone, "address": address} for address in deleted])
        return result

    # ------------------------------------------------------------------ former addresses

    def _former(self):
        return self.env["mail.former.address"].sudo()

    def _full_name(self):
        return self.alias_name, normalize_domain(self.alias_domain_id.name)

    def _reach(self):
        """Return the address that reaches the alias, in the form of an entry; None when no message reaches it."""
        return reach(self.alias_name, self.alias_domain_id.name, self.alias_incoming_local)

    def _former_reach(self):
        """Return the same for a deleted alias: its name in other domains is free again, unless it had no domain."""
        by_local_part = self.alias_incoming_local and not self.alias_domain_id
        return reach(self.alias_name, self.alias_domain_id.name, by_local_part)

    def _former_values(self, address):
        current = self.alias_full_name
        note = self.env._("Renamed to %s.", current) if current else self.env._("The alias lost its name.")
        return {"kind": "alias", "address": address, "alias_id": self.id, "note": note}

    @api.onchange("alias_name", "alias_domain_id")
    def _onchange_former_address(self):
        name = self._sanitize_alias_name(self.alias_name)
        address = reach(name, self.alias_domain_id.name, self.alias_incoming_local)
        return self._former()._warning(address, self._origin)

    # ------------------------------------------------------------------ lookup

    @api.model
    def _named_by(self, addresses):
        """Find the aliases that any of these normalized addresses may name, by core's own search (message_route)."""
        former = self.env["mail.former.address"].sudo()
        names = former._domain_names()
        full_names = {*addresses, *(former._spelled(address, names) for address in addresses)}
        return self.search(
            [
                "|",
                ("alias_full_name", "in", list(full_names)),
                "&",
                ("alias_name", "in", [local_part(address) for address in addresses]),
                ("alias_incoming_local", "=", True),
            ]
        )


class MailAliasMixinOptional(models.AbstractModel):
    """Warns in the forms of projects, teams and other records with an alias of their own."""

    _inherit = "mail.alias.mixin.optional"

    @api.onchange("alias_name", "alias_domain_id")
    def _onchange_former_address(self):
        """Warn when the record is about to take over a former address."""
        aliases = self.env["mail.alias"]
        domain = self.alias_domain_id or self.env.company.alias_domain_id
        address = reach(aliases._sanitize_alias_name(self.alias_name), domain.name)
        return aliases._former()._warning(address, self._origin.alias_id)
