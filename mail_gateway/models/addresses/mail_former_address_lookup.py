from odoo import api, models
from odoo.tools import format_date

from ...tools.former_address import ANY_DOMAIN, Reached, Redirect, any_domain, entries_for, local_part
from ...tools.headers.addresses import domain_of, normalize_address, normalize_domain
from ...tools.headers.recipients import without_tags


class MailFormerRoute(models.Model):
    """Where mail to former addresses goes. All of it runs with all rights: senders have none."""

    _inherit = "mail.former.address"

    @api.model
    def _reach(self, addresses) -> dict[str, Reached]:
        """Where mail to addresses arrives: aliases, catchalls, bounce addresses, what former ones lead to.

        The exact address comes first, then it without its tags (RFC 5233): ``sales+shop@`` reaches ``sales@``.

        :param addresses: normalized
        :return: by address; those that are none of ours are not in it
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
        """Whom addresses belong to as core's routing has it; a name alone counts in some domains only."""
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
        """Domains as they are stored, by their comparable form: core compares them as they stand."""
        allowed = (self.env["ir.config_parameter"].sudo().get_param("mail.catchall.domain.allowed") or "").split(",")
        names = [*self._alias_domains().mapped("name"), *filter(None, allowed)]
        return {normalize_domain(name): name for name in reversed(names)}

    @staticmethod
    def _spelled(address, names):
        """An address with its domain as it is stored."""
        local, _at, domain = address.rpartition("@")
        return f"{local}@{names.get(domain, domain)}"

    @api.model
    def _resolve(self, addresses) -> dict[str, Redirect]:
        """Where mail to former addresses goes now: one indexed query when none of them is one.

        :param addresses: normalized
        :return: by address; those that are in use, unknown or retired are not in it
        """
        found = self._matching(addresses)
        owners = self._current(found) if found else {}
        redirects = (entry._redirect(address) for address, entry in found.items() if address not in owners)
        return {redirect.address: redirect for redirect in redirects if redirect}

    @api.model
    def _matching(self, addresses):
        """The entry that answers for each address: the most particular one."""
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
        """Whether a name alone may count in a domain, as mail.thread.message_route decides."""
        allowed = (self.env["ir.config_parameter"].sudo().get_param("mail.catchall.domain.allowed") or "").split(",")
        if not any(allowed):
            return True
        return domain in self._domain_names()

    @api.model
    def _alias_domains(self):
        """All of them: there are a few, and core keeps their addresses nowhere to search in."""
        return self.env["mail.alias.domain"].search([])  # pylint: disable=no-search-all

    @api.model
    def _current(self, addresses):
        """Whom addresses, and domains, belong to now: an alias or an alias domain, by address."""
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
        """Where this entry leads an address that it answers for.

        :return: None when the entry is of a whole domain and the address was never anybody's
        """
        self.ensure_one()
        if self.kind == "domain" and self.alias_domain_id:
            return self._redirect_within_domain(address)
        to = self._alias_address(address) if self.kind == "alias" else self.leads_to
        return Redirect(address, to or "", (self.id,), "" if to else self._nowhere_message(address))

    def _redirect_within_domain(self, address):
        """The same name in the current domain, if it is in use there or was given up after the domain."""
        renamed = f"{local_part(address)}@{normalize_domain(self.alias_domain_id.name)}"
        if self._current([renamed]):
            return Redirect(address, renamed, (self.id,))
        later = self.search([("address", "=", renamed), ("active", "=", True)])
        if not later:
            return None
        redirect = later._redirect(renamed)
        return redirect._replace(address=address, entry_ids=(self.id, *redirect.entry_ids))

    def _alias_address(self, written_to):
        """The current address of the alias; the domain stays when the alias goes by the name alone."""
        alias = self.alias_id
        if not alias.alias_name:
            return ""
        if alias.alias_incoming_local and (self._is_any_domain() or not alias.alias_domain_id):
            return f"{alias.alias_name}@{domain_of(written_to)}"
        return alias.alias_full_name if alias.alias_domain_id else ""

    def _nowhere_message(self, address):
        """Why mail to the address is held, and what helps."""
        advice = self.env._("Choose under Former Addresses what it leads to, or retire the entry there.")
        return f"{self._loss_message(address)} {advice}"

    def _loss_message(self, address):
        date = format_date(self.env, self.deleted_date or self.since)
        if self._target():
            return self.env._("%s led to an alias that has no name now.", address)
        if not self.deleted_date:
            return self.env._("What %s led to no longer exists; nothing stands in for it.", address)
        if self.kind == "domain":
            return self.env._(
                "The domain of %(address)s was deleted on %(date)s; nothing stands in for it.",
                address=address,
                date=date,
            )
        if self.since < self.deleted_date:
            return self.env._(
                "What %(address)s led to was deleted on %(date)s; nothing stands in for it.", address=address, date=date
            )
        return self.env._(
            "The %(kind)s %(address)s was deleted on %(date)s; nothing stands in for it.",
            kind=dict(self._fields["kind"]._description_selection(self.env))[self.kind].lower(),
            address=address,
            date=date,
        )

    @api.model
    def _own(self, addresses) -> set[str]:
        """The former ones among normalized addresses: they are ours, so that nobody mails to them.

        Of a whole domain only the names that were used here are: it may have mailboxes of people as well.
        """
        redirects = self._resolve(addresses) if self._any() else {}
        return {
            address for address, redirect in redirects.items() if redirect.to or self._last(redirect).kind != "domain"
        }

    @api.model
    def _last(self, redirect):
        """The most particular entry of a lead."""
        return self.browse(redirect.entry_ids[-1])


class MailAliasDomain(models.Model):
    _inherit = "mail.alias.domain"

    def _mailboxes(self):
        """The catchall and the bounce address, by what they are."""
        self.ensure_one()
        return {"catchall": self.catchall_email, "bounce": self.bounce_email}

    @api.model
    def _find_aliases(self, email_list):
        """Extends core's method: former addresses are ours, too, and those with a tag or a domain in its own letters.

        No contact is made of them, no mail sent to them.
        """
        found = super()._find_aliases(email_list)
        left = {email: normalize_address(email) for email in email_list if email and email not in found}
        former = self.env["mail.former.address"].sudo()
        own = former._own([address for address in left.values() if address])
        variants = {address for email, address in left.items() if address and ("+" in email or not email.isascii())}
        own |= {address for address, reached in (former._reach(variants) if variants else {}).items() if reached.to}
        return [email for email in email_list if email in found or left.get(email) in own] if own else found
