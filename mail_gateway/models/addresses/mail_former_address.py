from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ...tools.former_address import ANY_DOMAIN, comparable


class MailFormerAddress(models.Model):
    """An address or domain that was given up, and what its mail leads to now.

    An entry links to what took its place, not to a name: a second rename leads on to the current one. An entry
    without a link holds its mail. A retired (inactive) entry does nothing.
    """

    _name = "mail.former.address"
    _description = "Former Address"
    _rec_name = "address"
    _order = "since desc, id desc"

    kind = fields.Selection(
        [("alias", "Alias"), ("catchall", "Catchall"), ("bounce", "Bounce"), ("domain", "Domain")],
        string="Was",
        required=True,
        default="alias",
        help="What the address was, and what it leads to.\n"
        "Domain: every address in it leads to the same name in the current domain.",
    )
    address = fields.Char(
        "Former Address",
        required=True,
        help="An address (sales@old.example), a name in any domain (sales@*), or for a domain its name (old.example).",
    )
    alias_id = fields.Many2one("mail.alias", "Current Alias", ondelete="set null", index="btree_not_null")
    alias_domain_id = fields.Many2one(
        "mail.alias.domain", "Current Domain", ondelete="set null", index="btree_not_null"
    )
    leads_to = fields.Char(compute="_compute_leads_to", store=True, help="Empty: nothing stands in; mail is held.")
    since = fields.Datetime(default=fields.Datetime.now, required=True, help="When the address was given up.")
    deleted_date = fields.Datetime(
        "Deleted", readonly=True, help="When what the address led to was deleted; empty while something is there."
    )
    active = fields.Boolean(default=True, help="Retired entries are inactive: their addresses are unknown ones.")
    note = fields.Text("History")
    inbound_message_ids = fields.Many2many("mail.inbound.message", string="Inbound Messages", readonly=True)
    message_count = fields.Integer("Messages", compute="_compute_messages")
    last_message_date = fields.Datetime("Last Message", compute="_compute_messages")

    _address_unique = models.UniqueIndex(
        "(address)", "There is an entry for this address already. If you don't see it, it is a retired one."
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
        """How many messages still come to the old address, and when the last one did: may it be retired?"""
        groups = self.env["mail.inbound.message"]._read_group(
            [("former_address_ids", "in", self.ids)], ["former_address_ids"], ["__count", "received_date:max"]
        )
        found = {entry.id: (count, last) for entry, count, last in groups}
        for entry in self:
            entry.message_count, entry.last_message_date = found.get(entry.id, (0, False))

    # ------------------------------------------------------------------ what is accepted

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: addresses are stored comparable."""
        for vals in vals_list:
            self._make_comparable(vals, vals.get("kind") or self.default_get(["kind"]).get("kind"))
        entries = super().create(vals_list)
        self.env.registry.clear_cache()
        return entries

    def write(self, vals):
        """Extends core's method: addresses are stored comparable; what leads somewhere again is not deleted."""
        if "address" in vals:
            self._make_comparable(vals, vals.get("kind") or self[:1].kind)
        if vals.get("alias_id") or vals.get("alias_domain_id"):
            vals = {"deleted_date": False, **vals}
        result = super().write(vals)
        if "active" in vals:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        """Extends core's method: whether there are entries is known without asking the database."""
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
        """Whether there is an active entry.

        Kept in memory, so that nobody without entries pays for asking. Another process may have made the first one
        a moment ago: nothing that could lose mail may rest on this.
        """
        return bool(self.sudo().search_count([("active", "=", True)], limit=1))

    @api.constrains("address", "kind")
    def _check_address(self):
        for entry in self:
            if comparable(entry.address, entry.kind == "domain") == entry.address:
                continue
            if entry.kind == "domain":
                raise ValidationError(self.env._("“%s” is no domain. Write a domain like old.example.", entry.address))
            raise ValidationError(
                self.env._(
                    "“%(address)s” is no e-mail address. Write an address like sales@old.example, or sales@%(any)s for "
                    "a name in any domain.",
                    address=entry.address,
                    any=ANY_DOMAIN,
                )
            )

    @api.constrains("address", "kind", "active")
    def _check_former(self):
        """An address in use is no former one: its mail goes to whom it belongs to."""
        active = self.filtered("active")
        owners = self.sudo()._current(active.mapped("address"))
        for entry in active:
            if owner := owners.get(entry.address):
                raise ValidationError(
                    self.env._(
                        "%(address)s is in use (%(what)s %(owner)s) and can't be a former address.",
                        address=entry.address,
                        what=owner._description,
                        owner=owner.display_name,
                    )
                )

    @api.constrains("kind", "alias_id", "alias_domain_id")
    def _check_target(self):
        for entry in self:
            if not entry._target() and not entry.deleted_date:
                raise ValidationError(self.env._("Choose what %s leads to now: an alias, or a domain.", entry.address))

    def _target(self):
        """The alias or alias domain that stands in for the address; empty when nothing does."""
        self.ensure_one()
        return self.alias_id if self.kind == "alias" else self.alias_domain_id

    # ------------------------------------------------------------------ what the postmaster does

    def action_open_messages(self):
        """Show the messages that came to the former address.

        :raises AccessError: for whoever is no postmaster
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
