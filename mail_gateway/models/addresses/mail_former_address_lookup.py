"""The look-up of former addresses: where messages to them go."""

from odoo import api, models
from odoo.tools import format_date

from ...tools.former_address import ANY_DOMAIN, Reached, Redirect, any_domain, entries_for, local_part
from ...tools.headers.addresses import domain_of, normalize_address, normalize_domain
from ...tools.headers.recipients import without_tags


class MailFormerAddress(models.Model):
    """Finds the current address for a former one. Callers use all rights, because senders have none."""

    _inherit = "mail.former.address"

    @api.model
    def _reach(self, addresses) -> dict[str, Reached]:
        """Find where messages to addresses arrive: at aliases, catchalls, bounce addresses, or by a redirect.

        The exact address comes first, then the address without its tags (RFC 5233): ``sales+shop@`` reaches ``sales@``.

        :param addresses: normalized addresses
        :return: {address: where it arrives}, without addresses that are not ours
        """
        candidates = {address: without_tags(address) for address in addresses}
        every = {candidate for them in candidates.values() for candidate in them}
        owners = self._in_use(every) if every else {}
        redirects = self._resolve(every - owners.keys()) if every else {}
        names = self._domain_names()
        found = {}
        for address, them in candidates.items():
            for candidate in them:
                if candidate in owners:
                    found[address] = Reached(self._spelled(candidate, names))
                elif redirect := redirects.get(candidate):
                    found[address] = Reached(redirect.to, redirect._replace(address=address))
                if address in found:
                    break
        return found

    @api.model
    def _in_use(self, addresses):
        """Return the owners of addresses as core's routing finds them; a local part alone is enough in some domains."""
        owners = self._current(addresses)
        return {
            address: owner
            for address, owner in owners.items()
            if owner._name != "mail.alias"
            or normalize_address(owner.alias_full_name) == address
            or self._takes_local_parts_in(domain_of(address))
        }

    @api.model
    def _domain_names(self) -> dict[str, str]:
        """Return {comparable form: domain as it is stored}, since core compares domains in their stored form."""
        allowed = (self.env["ir.config_parameter"].sudo().get_param("mail.catchall.domain.allowed") or "").split(",")
        names = [*self._alias_domains().mapped("name"), *filter(None, allowed)]
        return {normalize_domain(name): name for name in reversed(names)}

    @staticmethod
    def _spelled(address, names):
        """Return an address with its domain as it is stored."""
        local, _at, domain = address.rpartition("@")
        return f"{local}@{names.get(domain, domain)}"

    @api.model
    def _resolve(self, addresses) -> dict[str, Redirect]:
        """Find the redirects of former addresses; one indexed query when none of the addresses is a former one.

        :param addresses: normalized addresses
        :return: {address: redirect}, without addresses that are in use, unknown or retired
        """
        found = self._matching(addresses)
        owners = self._current(found) if found else {}
        redirects = (entry._redirect(address) for address, entry in found.items() if address not in owners)
        return {redirect.address: redirect for redirect in redirects if redirect}

    @api.model
    def _matching(self, addresses):
        """Return {address: the most specific entry that applies to it}."""
        wanted = {address: entries_for(address) for address in addresses}
        keys = [*{key for keys in wanted.values() for key in keys}]
        known = {entry.address: entry for entry in self.search([("address", "in", keys), ("active", "=", True)])}
        found = {}
        for address, keys in wanted.items() if known else ():
            answering = (known[key] for key in keys if key in known)
            found[address] = next((entry for entry in answering if entry._answers_for(address)), None)
        return {address: entry for address, entry in found.items() if entry}

    def _answers_for(self, address):
        return not self._is_any_domain() or self._takes_local_parts_in(domain_of(address))

    def _is_any_domain(self):
        return domain_of(self.address) == ANY_DOMAIN

    @api.model
    def _takes_local_parts_in(self, domain):
        """Return whether a local part alone names an alias in a domain, as mail.thread.message_route decides."""
        allowed = (self.env["ir.config_parameter"].sudo().get_param("mail.catchall.domain.allowed") or "").split(",")
        if not any(allowed):
            return True
        return domain in self._domain_names()

    @api.model
    def _alias_domains(self):
        """Return all alias domains: there are few, and core stores their addresses in no field to search by."""
        return self.env["mail.alias.domain"].search([])  # pylint: disable=no-search-all

    @api.model
    def _current(self, addresses):
        """Return {address or domain: the alias or alias domain that owns it now}."""
        aliases = self.env["mail.alias"]._named_by(addresses)
        owners = {}
        for domain in self._alias_domains():
            for own in (normalize_domain(domain.name), *map(normalize_address, domain._mailboxes().values())):
                owners.setdefault(own, domain)
        owners |= {normalize_address(alias.alias_full_name) or alias.alias_full_name: alias for alias in aliases}
        by_name = {any_domain(f"{alias.alias_name}@"): alias for alias in aliases if alias.alias_incoming_local}
        found = {address: owners.get(address) or by_name.get(any_domain(address)) for address in addresses}
        return {address: owner for address, owner in found.items() if owner}

    def _redirect(self, address):
        """Return where this entry redirects an address that it applies to.

        :return: None when the entry is of a whole domain and nobody ever had the address
        """
        self.ensure_one()
        if self.kind == "domain" and self.alias_domain_id:
            return self._redirect_within_domain(address)
        to = self._alias_address(address) if self.kind == "alias" else self.leads_to
        return Redirect(address, to or "", (self.id,), "" if to else self._nowhere_message(address))

    def _redirect_within_domain(self, address):
        """Redirect to the same name in the current domain, if it is in use there or became a former address later."""
        renamed = f"{local_part(address)}@{normalize_domain(self.alias_domain_id.name)}"
        if self._current([renamed]):
            return Redirect(address, renamed, (self.id,))
        later = self.search([("address", "=", renamed), ("active", "=", True)])
        if not later:
            return None
        redirect = later._redirect(renamed)
        return redirect._replace(address=address, entry_ids=(self.id, *redirect.entry_ids))

    def _alias_address(self, written_to):
        """Return the current address of the alias; the domain stays when the local part alone names the alias."""
        alias = self.alias_id
        if not alias.alias_name:
            return ""
        if alias.alias_incoming_local and (self._is_any_domain() or not alias.alias_domain_id):
            return f"{alias.alias_name}@{domain_of(written_to)}"
        return alias.alias_full_name if alias.alias_domain_id else ""

    def _nowhere_message(self, address):
        """Return why Odoo holds messages to the address, and what to do."""
        advice = self.env._("Choose its target under Former Addresses, or retire the entry there.")
        return f"{self._loss_message(address)} {advice}"

    def _loss_message(self, address):
        date = format_date(self.env, self.deleted_date or self.since)
        if self._target():
            return self.env._("%s redirects to an alias that has no name any more.", address)
        if not self.deleted_date:
            return self.env._("The target of %s no longer exists, and the address redirects nowhere.", address)
        if self.kind == "domain":
            return self.env._(
                "The domain of %(address)s was deleted on %(date)s, and the address redirects nowhere.",
                address=address,
                date=date,
            )
        if self.since < self.deleted_date:
            return self.env._(
                "The target of %(address)s was deleted on %(date)s, and the address redirects nowhere.",
                address=address,
                date=date,
            )
        return self.env._(
            "The %(kind)s %(address)s was deleted on %(date)s, and the address redirects nowhere.",
            kind=dict(self._fields["kind"]._description_selection(self.env))[self.kind].lower(),
            address=address,
            date=date,
        )

    @api.model
    def _own(self, addresses) -> set[str]:
        """Return which of these normalized addresses are former ones: they are ours, so Odoo sends no messages to them.

        In a former domain, only the names that Odoo used are ours, because people may have other mailboxes in it.
        """
        redirects = self._resolve(addresses) if self._any() else {}
        return {
            address for address, redirect in redirects.items() if redirect.to or self._last(redirect).kind != "domain"
        }

    @api.model
    def _last(self, redirect):
        """Return the last entry of a redirect: the one that decided."""
        return self.browse(redirect.entry_ids[-1])
