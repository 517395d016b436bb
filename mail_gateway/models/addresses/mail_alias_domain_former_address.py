"""Alias domains and the list of former addresses: records of renames and deletions, and the test for our addresses."""

from odoo import api, models

from ...tools.former_address import comparable, reach
from ...tools.headers.addresses import normalize_address, normalize_domain


class MailAliasDomain(models.Model):
    """Records the former names of a domain, its catchall and its bounce address."""

    _inherit = "mail.alias.domain"

    def _mailboxes(self):
        """Return the catchall and the bounce address: {kind of former address: address}."""
        self.ensure_one()
        return {"catchall": self.catchall_email, "bounce": self.bounce_email}

    @api.model
    def _find_aliases(self, email_list):
        """Extends core's method: it also finds former addresses, and addresses with a tag or an IDN domain.

        Odoo creates no contact for them and sends no message to them.
        """
        found = super()._find_aliases(email_list)
        left = {email: normalize_address(email) for email in email_list if email and email not in found}
        former = self.env["mail.former.address"].sudo()
        own = former._own([address for address in left.values() if address])
        variants = {address for email, address in left.items() if address and ("+" in email or not email.isascii())}
        own |= {address for address, reached in (former._reach(variants) if variants else {}).items() if reached.to}
        return [email for email in email_list if email in found or left.get(email) in own] if own else found

    def _take_over(self):
        """End the entries of former addresses that these domains use now."""
        for domain in self:
            name = normalize_domain(domain.name)
            addresses = [name, *map(normalize_address, domain._mailboxes().values())]
            self.env["mail.former.address"].sudo()._deactivate(addresses, within=name)

    def _remember_names(self, name, mailboxes):
        """Record the previous name as a whole or, if another domain has that name, address by address.

        :param str name: the previous name of the domain
        :param dict mailboxes: the previous value of :meth:`_mailboxes`
        """
        former = self.env["mail.former.address"].sudo()
        renamed = normalize_domain(name) != normalize_domain(self.name)
        kept = {kind: f"{old.rpartition('@')[0]}@{self.name}" for kind, old in mailboxes.items()}
        changed = {kind: old for kind, old in mailboxes.items() if kept[kind] != self._mailboxes()[kind]}
        entries = [self._former_values(kind, normalize_address(old)) for kind, old in changed.items()]
        if renamed:
            entries += self._values_for_name(former, name, mailboxes)
        former._remember(entries)

    def _remember_deleted(self, deleted):
        """Record deleted domains; Odoo holds messages to them.

        :param list deleted: (name, value of :meth:`_mailboxes`) of each domain
        """
        former = self.env["mail.former.address"].sudo()
        gone = former._gone(self.env._("The domain was deleted."))
        for name, mailboxes in deleted:
            former._remember([{**gone, "kind": "domain", "address": normalize_domain(name)}])
            if self.search_count([("name", "=", name)], limit=1):  # another domain of the same name remains
                former._remember(
                    [{**gone, "kind": kind, "address": normalize_address(old)} for kind, old in mailboxes.items()]
                )

    def _values_for_name(self, former, name, mailboxes):
        """Return one entry for the domain, or one for each of its addresses if the name means another domain, too."""
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
