"""The list of former addresses: its entries, and the conditions for valid ones."""

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ...tools.former_address import ANY_DOMAIN, comparable


class MailFormerAddress(models.Model):
    """An address or domain that is no longer in use, and what it redirects to.

    An entry links to the record that replaced it, not to a name, so after a second rename it redirects to the current
    name. Odoo holds messages to an entry without a link. A retired (inactive) entry has no effect.
    """

    _name = "mail.former.address"
    _description = "Former Address"
    _rec_name = "address"
    _order = "since desc, id desc"

    kind = fields.Selection(
        [("alias", "Alias"), ("catchall", "Catchall"), ("bounce", "Bounce"), ("domain", "Domain")],
        string="Type",
        required=True,
        default="alias",
        help="What the address was used for, and so what it can redirect to. A former domain redirects each of its "
        "addresses to the address of the same name in the current domain.",
    )
    address = fields.Char(
        "Former Address",
        required=True,
        help="An address (sales@old.example), a local part in any domain (sales@*), or the name of a domain (old.example).",
    )
    alias_id = fields.Many2one("mail.alias", "Current Alias", ondelete="set null", index="btree_not_null")
    alias_domain_id = fields.Many2one(
        "mail.alias.domain", "Current Domain", ondelete="set null", index="btree_not_null"
    )
    leads_to = fields.Char(
        "Redirects To",
        compute="_compute_leads_to",
        store=True,
        help="The address or domain that receives the messages. If empty, messages to the former address are held.",
    )
    since = fields.Datetime(
        default=fields.Datetime.now, required=True, help="When the address went out of use: renamed or deleted."
    )
    deleted_date = fields.Datetime(
        "Deleted On", readonly=True, help="When the target was deleted. Empty while there is a target."
    )
    active = fields.Boolean(
        default=True, help="Clear to retire the entry: messages to its address are treated like those to unknown ones."
    )
    note = fields.Text("History")
    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Inbound Messages", readonly=True)
    message_count = fields.Integer("Messages", compute="_compute_messages")
    last_message_date = fields.Datetime("Last Message", compute="_compute_messages")

    _address_unique = models.UniqueIndex(
        "(address)", "There is already an entry for this address. If you don't see it, look among the retired entries."
    )

    @api.depends(
        "kind",
        "alias_id.alias_full_name",
        "alias_domain_id.name",
        "alias_domain_id.catchall_alias",
        "alias_domain_id.bounce_alias",
    )
    def _compute_leads_to(self):
        for entry in self:
            domain = entry.alias_domain_id
            entry.leads_to = {
                "alias": entry.alias_id.alias_full_name,
                "catchall": domain.catchall_email,
                "bounce": domain.bounce_email,
                "domain": domain.name,
            }.get(entry.kind)

    @api.depends("inbound_message_ids")
    def _compute_messages(self):
        """Count the messages that still come to the former address, which show whether the entry may be retired."""
        groups = self.env["mail.inbound.message"]._read_group(
            [("former_address_ids", "in", self.ids)], ["former_address_ids"], ["__count", "received_date:max"]
        )
        found = {entry.id: (count, last) for entry, count, last in groups}
        for entry in self:
            entry.message_count, entry.last_message_date = found.get(entry.id, (0, False))

    # ------------------------------------------------------------------ valid entries

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: addresses are stored in their comparable form."""
        for vals in vals_list:
            self._make_comparable(vals, vals.get("kind") or self.default_get(["kind"]).get("kind"))
        entries = super().create(vals_list)
        self.env.registry.clear_cache()
        return entries

    def write(self, vals):
        """Extends core's method: addresses are stored in their comparable form; a new target clears the deletion."""
        if "address" in vals:
            self._make_comparable(vals, vals.get("kind") or self[:1].kind)
        if vals.get("alias_id") or vals.get("alias_domain_id"):
            vals = {"deleted_date": False, **vals}
        result = super().write(vals)
        if "active" in vals:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        """Extends core's method: clears the cache of :meth:`_any`."""
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    @staticmethod
    def _make_comparable(vals, kind):
        if vals.get("address"):
            vals["address"] = comparable(vals["address"], kind == "domain") or vals["address"]

    @api.model
    @tools.ormcache()
    def _any(self) -> bool:
        """Return whether there is an active entry.

        The result is cached, so that databases without entries need no query. Another process may have created the first
        entry a moment ago, so nothing that could lose a message may depend on this.
        """
        return bool(self.sudo().search_count([("active", "=", True)], limit=1))

    @api.constrains("address", "kind")
    def _check_address(self):
        for entry in self:
            if comparable(entry.address, entry.kind == "domain") == entry.address:
                continue
            if entry.kind == "domain":
                raise ValidationError(
                    self.env._("“%s” is not a domain. Enter a domain such as old.example.", entry.address)
                )
            raise ValidationError(
                self.env._(
                    "“%(address)s” is not an e-mail address. Enter an address such as sales@old.example, or "
                    "sales@%(any)s for a local part in any domain.",
                    address=entry.address,
                    any=ANY_DOMAIN,
                )
            )

    @api.constrains("address", "kind", "active")
    def _check_former(self):
        """Refuse an entry for an address in use, because messages to it belong to its owner."""
        active = self.filtered("active")
        owners = self.sudo()._current(active.mapped("address"))
        for entry in active:
            if owner := owners.get(entry.address):
                raise ValidationError(
                    self.env._(
                        "%(address)s is in use (%(what)s %(owner)s) and can't be a former address. Rename or delete "
                        "that first.",
                        address=entry.address,
                        what=owner._description,
                        owner=owner.display_name,
                    )
                )

    @api.constrains("kind", "alias_id", "alias_domain_id")
    def _check_target(self):
        for entry in self:
            if not entry._target() and not entry.deleted_date:
                raise ValidationError(self.env._("Choose the alias or the domain that %s redirects to.", entry.address))

    def _target(self):
        """Return the alias or alias domain that the address redirects to; empty when there is none."""
        self.ensure_one()
        return self.alias_id if self.kind == "alias" else self.alias_domain_id

    # ------------------------------------------------------------------ actions

    def action_open_messages(self):
        """List the messages that came to the former address.

        :return: an action
        :raises AccessError: for users who are not postmasters
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Messages to %s", self.address),
            "res_model": "mail.inbound.message",
            "view_mode": "list,form,graph",
            "domain": [("former_address_ids", "in", self.ids)],
        }
