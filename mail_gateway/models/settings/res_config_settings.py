"""The settings of mail: each field checks the value that it saves, and shows the value that is effective."""

from odoo import api, fields, models

from ...tools.parameters import MIRRORED, PARAMETERS

# field -> the system parameter whose checks the value has to pass
_ADDRESSES = {
    "mail_catchall_alias": "mail.catchall.alias",
    "mail_bounce_alias": "mail.bounce.alias",
    "mail_default_from": "mail.default.from",
}
# texts: checked when they change; existing values are not
_TEXTS = {"mail_from_filter": "mail.default.from_filter", "inbound_authserv_id": "mail_gateway.authserv_id"}
# numbers and choices: saved in their stored form, shown as they are effective
_EFFECTIVE = {
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
    """The settings of incoming and outgoing mail, stored as system parameters or on the alias domain."""

    _inherit = "res.config.settings"

    inbound_lanes = fields.Integer(
        "Delivery Lanes",
        config_parameter=_EFFECTIVE["inbound_lanes"],
        help="How many inbound messages Odoo delivers at the same time. Raise it when messages wait although the server "
        "is idle.",
    )
    inbound_retention_days = fields.Integer(
        "Keep Sources For",
        config_parameter=_EFFECTIVE["inbound_retention_days"],
        help="Days after which Odoo deletes the source of a message that was delivered, rejected or discarded. Held and "
        "failed messages keep their source until somebody decides, and messages marked “Keep Source” keep it for good.",
    )
    inbound_size_limit = fields.Integer(
        "Largest Message",
        config_parameter=_EFFECTIVE["inbound_size_limit"],
        help="Odoo holds larger messages, since delivering one takes several times its size in memory. 500 MB at most.",
    )
    inbound_alert = fields.Selection(
        [("notification", "Notification"), ("activity", "Activity"), ("nothing", "None")],
        "Postmaster Alerts",
        config_parameter=_EFFECTIVE["inbound_alert"],
        help="How Odoo alerts postmasters.\n"
        "Notification: in Odoo or by e-mail, as each postmaster prefers.\n"
        "Activity: one activity for each postmaster, which Odoo marks as done when no message waits any more.",
    )
    inbound_alert_hours = fields.Integer(
        "Minimum Interval",
        config_parameter=_EFFECTIVE["inbound_alert_hours"],
        help="Hours between two alerts. Odoo reports the first message at once, and reports later ones together when "
        "this time is over.",
    )
    inbound_notice_limit = fields.Integer(
        "Maximum Notices",
        config_parameter=_EFFECTIVE["inbound_notice_limit"],
        help="Notices that Odoo sends to all senders together within an hour. Beyond that, it alerts postmasters instead. "
        "Senders can be forged, so notices about a flood of spam would reach people who did not write it.",
    )
    inbound_authserv_id = fields.Char(
        "Trusted Mail Servers",
        config_parameter=_TEXTS["inbound_authserv_id"],
        help="The names that your own mail servers write into the header Authentication-Results, separated by commas. "
        "Odoo sends no notice about messages that failed their DMARC check.",
    )
    outgoing_retention_days = fields.Integer(
        "Keep Sending Details For",
        config_parameter=_EFFECTIVE["outgoing_retention_days"],
        help="Days after which Odoo deletes the record of which server sent an e-mail, and why.",
    )
    # These belong to the alias domain selected in the form, which becomes the company's only when the form is saved.
    # They are neither related nor inverse fields: those are written one by one, or without knowing which of them were
    # given, and catchall and bounce may have to change places in one step.
    mail_catchall_alias = fields.Char(
        "Catchall",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Replies to Odoo's messages go to this address, unless the record has an alias of its own. Enter only the "
        "part before the @.",
    )
    mail_bounce_alias = fields.Char(
        "Bounces",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Messages that can't be delivered return to this address. Enter only the part before the @.",
    )
    mail_default_from = fields.Char(
        "Default From",
        compute="_compute_mail_addresses",
        readonly=False,
        help="Replaces the address of an author that the outgoing mail server may not use; the author's name stays. Enter "
        "the part before the @, or a complete address. If empty, all authors keep their addresses.",
    )
    mail_from_filter = fields.Char(
        "FROM Filtering",
        config_parameter=_TEXTS["mail_from_filter"],
        help="Domains and addresses that this server may use as From, separated by commas. The Default From replaces all "
        "others. If empty, odoo-bin's option from_filter applies or, without that, your alias domains. Outgoing mail "
        "servers have filters of their own.",
    )
    incoming_limit_number = fields.Integer(
        "New Records",
        config_parameter=_EFFECTIVE["incoming_limit_number"],
        help="How many records an alias may create within the period, at least 1.",
    )
    incoming_limit_period = fields.Integer(
        "Period", config_parameter=_EFFECTIVE["incoming_limit_period"], help="Minutes, at least 1."
    )
    incoming_limit_scope = fields.Selection(
        [("sender", "Sender"), ("alias", "Alias")],
        "Counted Per",
        config_parameter=_EFFECTIVE["incoming_limit_scope"],
        help="Sender: each sender may create as many records, so a busy alias is not slowed down.\n"
        "Alias: all senders to an alias together may create as many records.",
    )

    @api.model
    def get_values(self):
        """Extends core's method: for a bad value in the database, the form shows the value that is used instead."""
        self.check_access("read")  # core checks no rights
        read = self.env["ir.config_parameter"]._get_mail_parameter
        return {**super().get_values(), **{field: read(key) for field, key in _EFFECTIVE.items()}}

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: saves nothing if the system parameters refuse a value."""
        split = [self._split(vals) for vals in vals_list]
        settings = super().create([self._checked(others) for others, _addresses in split])
        for record, (_others, addresses) in zip(settings, split, strict=True):
            record._change_addresses(addresses)
        return settings

    def write(self, vals):
        """Extends core's method: saves nothing if the system parameters refuse a value."""
        others, addresses = self._split(vals)
        result = super().write(self._checked(others))
        for settings in self:
            settings._change_addresses(addresses)
        return result

    @staticmethod
    def _split(vals):
        """Return (all other values, the addresses)."""
        addresses = {field: vals[field] for field in _ADDRESSES if field in vals}
        return {field: value for field, value in vals.items() if field not in addresses}, addresses

    def _checked(self, vals):
        """Return values in their stored form. Texts are checked only when they change; core would delete a 0.

        :raises ValidationError: for the first value that can't be used
        """
        given = {field: key for field, key in _EFFECTIVE.items() if field in vals}
        checked = {field: self._stored_form(field, key, vals[field] or 0) for field, key in given.items()}
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
        """Write the addresses that changed, all at once; unchanged values are not checked.

        :param dict addresses: {field: value as it was typed}
        :raises ValidationError: for the first value that can't be used
        """
        domain, wanted = self.alias_domain_id, {}
        for field, value in addresses.items():
            key = _ADDRESSES[field]
            if domain._differ(MIRRORED[key], value):  # checked before core changes it
                wanted[MIRRORED[key]] = self._stored_form(field, key, value or "")
        domain._follow(wanted)

    def set_values(self):
        """Extends core's method: activates as many lanes as the user chose."""
        self.check_access("write")
        before = self.default_get(["inbound_lanes"])["inbound_lanes"]
        super().set_values()
        if self.inbound_lanes != before:  # a lane that somebody switched off by hand stays off
            self.env["mail.inbound.message"]._set_lane_count(self.inbound_lanes)
