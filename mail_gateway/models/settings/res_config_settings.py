from odoo import api, fields, models

from ...tools.parameters import MIRRORED, PARAMETERS

# field -> the system parameter whose checks it has to pass
_ADDRESSES = {
    "mail_catchall_alias": "mail.catchall.alias",
    "mail_bounce_alias": "mail.bounce.alias",
    "mail_default_from": "mail.default.from",
}
# texts: checked when they change, what stands there already is not
_TEXTS = {"mail_from_filter": "mail.default.from_filter", "inbound_authserv_id": "mail_gateway.authserv_id"}
# numbers and choices: saved in their stored form, shown as they count
_COUNTED = {
    "incoming_limit_number": "mail.incoming.limit.alias",
    "incoming_limit_period": "mail.incoming.limit.period",
    "incoming_limit_scope": "mail.incoming.limit.scope",
    "inbound_lanes": "mail_gateway.lanes",
    "inbound_size_limit": "mail_gateway.size_limit",
    "inbound_retention_days": "mail_gateway.source_retention_days",
    "inbound_alert": "mail_gateway.alert",
    "inbound_alert_hours": "mail_gateway.alert_hours",
    "inbound_notice_limit": "mail_gateway.notice_limit",
    "outgoing_retention_days": "mail_gateway.selection_retention_days",
}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    inbound_lanes = fields.Integer(
        "Delivery Lanes",
        config_parameter=_COUNTED["inbound_lanes"],
        help="How many inbound messages are delivered at the same time.",
    )
    inbound_retention_days = fields.Integer(
        "Keep Sources",
        config_parameter=_COUNTED["inbound_retention_days"],
        help="Days after which the source of a message that was dealt with is deleted. What was held or failed keeps it "
        "until somebody decides, and messages marked to be kept keep it for good.",
    )
    inbound_size_limit = fields.Integer(
        "Largest Message",
        config_parameter=_COUNTED["inbound_size_limit"],
        help="Larger ones are held: Odoo would need several times their size in memory.",
    )
    inbound_alert = fields.Selection(
        [("notification", "By a notification"), ("activity", "By an activity"), ("nothing", "Not at all")],
        "Postmasters Are Told",
        config_parameter=_COUNTED["inbound_alert"],
        help="By a notification: in Odoo or by e-mail, as each of them prefers.\n"
        "By an activity: one To-Do of each postmaster, done once nothing waits any more.",
    )
    inbound_alert_hours = fields.Integer(
        "At Most Every",
        config_parameter=_COUNTED["inbound_alert_hours"],
        help="Hours. The first message is told at once; those after it are counted, and told together when the time is "
        "over.",
    )
    inbound_notice_limit = fields.Integer(
        "At Most",
        config_parameter=_COUNTED["inbound_notice_limit"],
        help="Notices within an hour, to all senders together. When more would be sent, postmasters are told instead. "
        "Senders can be forged, so a flood of spam would reach people who did not write it.",
    )
    inbound_authserv_id = fields.Char(
        "Trusted Mail Hosts",
        config_parameter=_TEXTS["inbound_authserv_id"],
        help="The names by which your own mail hosts sign the header Authentication-Results, separated by commas. No notice "
        "is sent about messages that failed their DMARC check.",
    )
    outgoing_retention_days = fields.Integer(
        "Keep Sending Details",
        config_parameter=_COUNTED["outgoing_retention_days"],
        help="Days after which it is forgotten through which server an e-mail left, and why.",
    )
    # Of the alias domain chosen in the form, which may be another one than the company has until it is saved. Neither
    # related nor inverse fields: those are written one by one, or without knowing which of them were given, and
    # catchall and bounce have to change places in one step.
    mail_catchall_alias = fields.Char(
        "Catchall",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Replies to Odoo's messages go to this address, unless the record has an alias of its own. Only the part "
        "before the @.",
    )
    mail_bounce_alias = fields.Char(
        "Bounces",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Messages that cannot be delivered come back to this address. Only the part before the @.",
    )
    mail_default_from = fields.Char(
        "Default From",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Stands in for an author whose address the outgoing server may not use; the author's name is kept. The "
        "part before the @, or a complete address. Empty: authors keep their addresses.",
    )
    mail_from_filter = fields.Char(
        "FROM Filter",
        config_parameter=_TEXTS["mail_from_filter"],
        help="Domains and addresses in whose name it sends, separated by commas. Other authors are replaced by the "
        "Default From. Empty: as odoo-bin's own option from_filter says; without that, your alias domains count. "
        "Outgoing email servers have filters of their own.",
    )
    incoming_limit_number = fields.Integer(
        "New Records", config_parameter=_COUNTED["incoming_limit_number"], help="From 1 on."
    )
    incoming_limit_period = fields.Integer(
        "Within", config_parameter=_COUNTED["incoming_limit_period"], help="Minutes, from 1 on."
    )
    incoming_limit_scope = fields.Selection(
        [("sender", "Each sender by itself"), ("alias", "All senders together")],
        "Counted",
        config_parameter=_COUNTED["incoming_limit_scope"],
        help="Counting each sender by itself does not slow down an alias that many people write to.",
    )

    @api.model
    def get_values(self):
        """Extends core's method: a bad value in the database shows as the default that counts instead."""
        self.check_access("read")  # core asks nobody
        read = self.env["ir.config_parameter"]._get_mail_parameter
        return {**super().get_values(), **{field: read(key) for field, key in _COUNTED.items()}}

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: refuses what the system parameters refuse; nothing is saved then."""
        split = [self._split(vals) for vals in vals_list]
        settings = super().create([self._checked(others) for others, _addresses in split])
        for record, (_others, addresses) in zip(settings, split, strict=True):
            record._change_addresses(addresses)
        return settings

    def write(self, vals):
        """Extends core's method: the same."""
        others, addresses = self._split(vals)
        result = super().write(self._checked(others))
        for settings in self:
            settings._change_addresses(addresses)
        return result

    @staticmethod
    def _split(vals):
        """All other values, and the addresses."""
        addresses = {field: vals[field] for field in _ADDRESSES if field in vals}
        return {field: value for field, value in vals.items() if field not in addresses}, addresses

    def _checked(self, vals):
        """Values in their stored form. Core would delete a parameter for a 0. What stands there already is not checked.

        :raises ValidationError: for the first that can't be used
        """
        counted = {field: key for field, key in _COUNTED.items() if field in vals}
        checked = {field: self._stored_form(field, key, vals[field] or 0) for field, key in counted.items()}
        for field, key in _TEXTS.items():
            text = vals.get(field)
            if text and text != self.env["ir.config_parameter"].get_param(key):
                checked[field] = self._stored_form(field, key, text)
        return {**vals, **checked}

    def _stored_form(self, field, key, value):
        label = self._fields[field].get_description(self.env, ["string"])["string"]
        return PARAMETERS[key].kind(self.env["ir.config_parameter"]._check_mail_value(key, value, label))

    @api.depends("alias_domain_id")
    def _compute_mail_addresses(self):
        for settings in self:
            for field, key in _ADDRESSES.items():
                settings[field] = settings.alias_domain_id[MIRRORED[key]]

    def _change_addresses(self, addresses):
        """Write what was changed, all at once; what stands there already is not even checked.

        :param addresses: {field: what was typed}
        :raises ValidationError: for the first that can't be used
        """
        domain, wanted = self.alias_domain_id, {}
        for field, value in addresses.items():
            key = _ADDRESSES[field]
            if domain._differ(MIRRORED[key], value):  # checked before core makes something else of it
                wanted[MIRRORED[key]] = self._stored_form(field, key, value or "")
        domain._follow(wanted)

    def set_values(self):
        """Extends core's method: as many lanes work as were chosen."""
        self.check_access("write")
        before = self.default_get(["inbound_lanes"])["inbound_lanes"]
        super().set_values()
        if self.inbound_lanes != before:  # whoever switched a lane off by hand meant it
            self.env["mail.inbound.message"]._set_lane_count(self.inbound_lanes)
