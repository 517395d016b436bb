"""The history of addresses: renames and deletions add entries to the list of former addresses."""

from odoo import api, fields, models
from odoo.fields import Domain


class MailFormerAddress(models.Model):
    """Records that an address was renamed, taken over or deleted. Callers use these methods with all rights."""

    _inherit = "mail.former.address"

    @api.model
    def _remember(self, vals_list):
        """Record addresses that went out of use; values that are no address or still in use are left out.

        :param list vals_list: values of the entries; `note` is the next line of their history
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
        """Return all values of an entry, so that nothing remains of an earlier one."""
        defaults = {"alias_id": False, "alias_domain_id": False, "deleted_date": False, "active": True}
        return {**defaults, "since": fields.Datetime.now(), **vals}

    @staticmethod
    def _gone(note):
        """Return the values of an entry without a target."""
        now = fields.Datetime.now()
        return {"since": now, "deleted_date": now, "note": note}

    @api.model
    def _deactivate(self, addresses, within=None):
        """End the entries of addresses that are in use again: messages to them belong to the new owner.

        :param list addresses: addresses and domains that were taken over; empty ones are ignored
        :param str within: a domain whose addresses are checked, too
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
        # an entry of a former domain with a target stays active: it still redirects the addresses that are not in use

    @api.model
    def _mark_deleted(self, targets):
        """Mark the entries that redirect to records about to be deleted: Odoo holds messages to them from now on."""
        field = "alias_id" if targets._name == "mail.alias" else "alias_domain_id"
        for entry in self.with_context(active_test=False).search([(field, "in", targets.ids)]):
            if entry._target() in targets:
                line = entry._history(self.env._("%s was deleted.", entry.leads_to or entry._target().display_name))
                entry.write({"deleted_date": fields.Datetime.now(), "note": line})

    @api.model
    def _redirects_elsewhere(self, domain, owner) -> bool:
        """Return whether a domain name is in use, or is a former name of an alias domain other than `owner`."""
        if self._current([domain]):
            return True
        entry = self.search([("address", "=", domain), ("alias_domain_id", "!=", False), ("active", "=", True)])
        return bool(entry) and entry.alias_domain_id != owner

    def _history(self, line):
        """Return the note with one more line."""
        today = fields.Date.to_string(fields.Date.context_today(self))
        line = self.env._("%(date)s, %(user)s: %(what)s", date=today, user=self.env.user.name, what=line)
        return "\n".join(filter(None, (self.note, line)))

    @api.model
    def _warning(self, address, taker):
        """Return the onchange result that warns before a former address is taken over.

        :param str address: the address in its comparable form, or None
        :param taker: the record that takes it over
        :return: empty when there is nothing to warn about
        """
        redirect = self._resolve([address]).get(address) if address else None
        entry = self._last(redirect) if redirect else self
        if not redirect or (taker and entry._target() == taker):
            return {}
        where = self.env._("So far, it redirects to %s.", redirect.to) if redirect.to else entry._loss_message(address)
        return {
            "warning": {
                "title": self.env._("Former Address"),
                "message": self.env._(
                    "%(address)s is a former address. %(where)s Once you save, messages to it are delivered here.",
                    address=address,
                    where=where,
                ),
            }
        }
