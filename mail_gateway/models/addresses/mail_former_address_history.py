from odoo import api, fields, models
from odoo.fields import Domain

from ...tools.former_address import comparable, reach
from ...tools.headers.addresses import normalize_address, normalize_domain


class MailFormerRename(models.Model):
    """What other models tell the list: what was given up, taken over, deleted. The list is filled with all rights."""

    _inherit = "mail.former.address"

    @api.model
    def _remember(self, vals_list):
        """Enter addresses that were given up; what is no address or still in use is left out.

        :param vals_list: of the entries; `note` is one more line of their history
        """
        given_up = {vals["address"]: vals for vals in vals_list if vals["address"]}
        for address in self._current(given_up):
            del given_up[address]
        known = self.with_context(active_test=False).search([("address", "in", [*given_up])])
        for entry in known:
            vals = given_up.pop(entry.address)
            entry.write({**self._fresh(vals), "note": entry._history(vals["note"])})
        self.create([{**self._fresh(vals), "note": self._history(vals["note"])} for vals in given_up.values()])

    @staticmethod
    def _fresh(vals):
        """All values of an entry, whatever stood there before."""
        defaults = {"alias_id": False, "alias_domain_id": False, "deleted_date": False, "active": True}
        return {**defaults, "since": fields.Datetime.now(), **vals}

    @staticmethod
    def _gone(note):
        """The values of an entry that nothing stands in for."""
        now = fields.Datetime.now()
        return {"since": now, "deleted_date": now, "note": note}

    @api.model
    def _deactivate(self, addresses, within=None):
        """Mail to an address in use goes to whom it belongs to: end the entries that say otherwise.

        :param addresses: that somebody took
        :param within: a domain whose addresses are looked at, too
        """
        if not self._any():
            return
        condition = Domain("address", "in", [address for address in addresses if address])
        if within:
            condition |= Domain("address", "=like", f"%@{within}")
        entries = self.search(condition & Domain("active", "=", True))
        owners = self._current(entries.mapped("address"))
        for entry in entries:
            if entry.address in owners:
                entry._deactivate_for(owners[entry.address])

    def _deactivate_for(self, owner):
        if self._target() == owner:
            self.unlink()  # renamed back
        elif self.kind != "domain" or not self._target():
            self.write({"active": False, "note": self._history(self.env._("Taken over by %s.", owner.display_name))})
        # what a domain led to is still there under other names: only addresses in use are not led on

    @api.model
    def _mark_deleted(self, targets):
        """Entries that lead to what is about to be deleted hold their mail from now on."""
        field = "alias_id" if targets._name == "mail.alias" else "alias_domain_id"
        for entry in self.with_context(active_test=False).search([(field, "in", targets.ids)]):
            if entry._target() in targets:
                line = entry._history(self.env._("%s was deleted.", entry.leads_to or entry._target().display_name))
                entry.write({"deleted_date": fields.Datetime.now(), "note": line})

    @api.model
    def _redirects_elsewhere(self, domain, owner) -> bool:
        """Whether the name of a domain is in use, or was given up by another one that stands for it."""
        if self._current([domain]):
            return True
        entry = self.search([("address", "=", domain), ("alias_domain_id", "!=", False), ("active", "=", True)])
        return bool(entry) and entry.alias_domain_id != owner

    def _history(self, line):
        """The note with one more line."""
        today = fields.Date.to_string(fields.Date.context_today(self))
        line = self.env._("%(date)s, %(user)s: %(what)s", date=today, user=self.env.user.name, what=line)
        return "\n".join(filter(None, (self.note, line)))

    @api.model
    def _warning(self, address, taker):
        """What the form of somebody who takes a former address over has to say: an onchange result.

        :param address: comparable, or None
        :param taker: the record that takes it
        """
        redirect = self._resolve([address]).get(address) if address else None
        entry = self._last(redirect) if redirect else self
        if not redirect or (taker and entry._target() == taker):
            return {}
        where = (
            self.env._("Its mail has been led to %s until now.", redirect.to)
            if redirect.to
            else entry._loss_message(address)
        )
        return {
            "warning": {
                "title": self.env._("A Former Address"),
                "message": self.env._(
                    "%(address)s is a former address. %(where)s Once you save, this mail comes here.",
                    address=address,
                    where=where,
                ),
            }
        }


class MailAlias(models.Model):
    _inherit = "mail.alias"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: a new alias may take over a former address."""
        aliases = super().create(vals_list)
        self._former()._deactivate([alias._reach() for alias in aliases.sudo()])
        return aliases

    def write(self, vals):
        """Extends core's method: the address that an alias had until now leads to it."""
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
        """Extends core's method: mail to a deleted alias is held, and says so."""
        deleted = [alias._former_reach() for alias in self.sudo()]
        self._former()._mark_deleted(self)
        result = super().unlink()
        gone = {"kind": "alias", **self._former()._gone(self.env._("The alias was deleted."))}
        self._former()._remember([{**gone, "address": address} for address in deleted])
        return result

    def _former(self):
        return self.env["mail.former.address"].sudo()

    def _full_name(self):
        return self.alias_name, normalize_domain(self.alias_domain_id.name)

    def _reach(self):
        """What mail has to be addressed to, as an entry of the list; None when no mail reaches the alias."""
        return reach(self.alias_name, self.alias_domain_id.name, self.alias_incoming_local)

    def _former_reach(self):
        """The same for a deleted alias: its name in other domains is no longer ours, unless it had no domain."""
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


class MailAliasMixinOptional(models.AbstractModel):
    _inherit = "mail.alias.mixin.optional"

    @api.onchange("alias_name", "alias_domain_id")
    def _onchange_former_address(self):
        """Warn where projects, teams and the like take over a former address, too."""
        aliases = self.env["mail.alias"]
        domain = self.alias_domain_id or self.env.company.alias_domain_id
        address = reach(aliases._sanitize_alias_name(self.alias_name), domain.name)
        return aliases._former()._warning(address, self._origin.alias_id)


class MailAliasDomain(models.Model):
    _inherit = "mail.alias.domain"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: a new domain, its catchall and bounce may take over former addresses."""
        domains = super().create(vals_list)
        domains._take_over()
        return domains

    def write(self, vals):
        """Extends core's method: what the domain, its catchall and bounce were until now leads to what they are."""
        if not {"name", "catchall_alias", "bounce_alias"} & vals.keys():
            return super().write(vals)
        before = [(domain, domain.name, domain._mailboxes()) for domain in self]
        result = super().write(vals)
        for domain, name, mailboxes in before:
            domain._remember_names(name, mailboxes)
        self._take_over()
        return result

    def unlink(self):
        """Extends core's method: mail to a deleted domain is held, and says so."""
        former = self.env["mail.former.address"].sudo()
        before = [(domain.name, domain._mailboxes()) for domain in self]
        former._mark_deleted(self)
        result = super().unlink()
        gone = former._gone(self.env._("The domain was deleted."))
        for name, mailboxes in before:
            former._remember([{**gone, "kind": "domain", "address": normalize_domain(name)}])
            if self.search_count([("name", "=", name)], limit=1):  # another one of the same name stays
                former._remember(
                    [{**gone, "kind": kind, "address": normalize_address(old)} for kind, old in mailboxes.items()]
                )
        return result

    def _take_over(self):
        for domain in self:
            name = normalize_domain(domain.name)
            addresses = [name, *map(normalize_address, domain._mailboxes().values())]
            self.env["mail.former.address"].sudo()._deactivate(addresses, within=name)

    def _remember_names(self, name, mailboxes):
        """Enter what the domain was called before, as a whole or, where that name is not free, piece by piece."""
        former = self.env["mail.former.address"].sudo()
        renamed = normalize_domain(name) != normalize_domain(self.name)
        kept = {kind: f"{old.rpartition('@')[0]}@{self.name}" for kind, old in mailboxes.items()}
        changed = {kind: old for kind, old in mailboxes.items() if kept[kind] != self._mailboxes()[kind]}
        entries = [self._former_values(kind, normalize_address(old)) for kind, old in changed.items()]
        if renamed:
            entries += self._values_for_name(former, name, mailboxes)
        former._remember(entries)

    def _values_for_name(self, former, name, mailboxes):
        """One entry for the domain; one for each of its addresses when the name means another domain, too."""
        address = normalize_domain(name)
        if not former._redirects_elsewhere(address, self):
            return [self._former_values("domain", address)]
        aliases = self.env["mail.alias"].sudo().search([("alias_domain_id", "=", self.id), ("alias_name", "!=", False)])
        return [
            *(self._former_values(kind, normalize_address(old)) for kind, old in mailboxes.items()),
            *(alias._former_values(comparable(f"{alias.alias_name}@{name}")) for alias in aliases),
        ]

    def _former_values(self, kind, address):
        current = {**self._mailboxes(), "domain": self.name}[kind]
        note = self.env._("Renamed to %s.", current)
        return {"kind": kind, "address": address, "alias_domain_id": self.id, "note": note}

    @api.onchange("name", "catchall_alias", "bounce_alias")
    def _onchange_former_address(self):
        aliases, former = self.env["mail.alias"], self.env["mail.former.address"].sudo()
        for local in (self.catchall_alias, self.bounce_alias):
            address = reach(aliases._sanitize_alias_name(local), self.name)
            if warning := former._warning(address, self._origin):
                return warning
        return {}
