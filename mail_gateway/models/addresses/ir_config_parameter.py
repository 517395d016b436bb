"""The system parameters of mail and of this addon: Odoo checks them, and keeps them equal to the alias domain's values."""

import logging

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import config

from ...tools.parameters import MIRRORED, PARAMETERS, BadValue, ParameterProblem, good_entries

_logger = logging.getLogger(__name__)

# Marks that a parameter takes over a value of the alias domain; an object, so that no remote caller can pass it.
_MIRROR_KEY = "mail_gateway_mirror"
_MIRRORING = object()
# (database, key, value) of the bad values that this process has logged
_logged = set()


class IrConfigParameter(models.Model):
    """Checks parameters when they are saved; those that Odoo 19 keeps on the alias domain mirror it.

    They mirror the alias domain of the main company. While it has one, the four parameters exist and have the same
    values: when either is written, the other follows in the same transaction.
    """

    _inherit = "ir.config_parameter"

    # ------------------------------------------------------------------ saving

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: checks parameters of mail, and updates the alias domain."""
        if self._is_mirroring() or not any(vals.get("key") in PARAMETERS for vals in vals_list):
            return super().create(vals_list)
        parameters = super().create([self._checked(vals) for vals in vals_list])
        self._change_alias_domain({parameter.key: parameter.value for parameter in parameters})
        return parameters

    def write(self, vals):
        """Extends core's method: checks parameters of mail, and updates the alias domain."""
        keys = {vals.get("key"), *self.mapped("key")} if vals.keys() & {"key", "value"} else set()
        if self._is_mirroring() or not keys & PARAMETERS.keys():
            return super().write(vals)
        given_up = dict.fromkeys(self.mapped("key"))
        for parameter in self:
            super(IrConfigParameter, parameter).write(parameter._checked(vals))
        self._change_alias_domain({**given_up, **{parameter.key: parameter.value for parameter in self}})
        return True

    def unlink(self):
        """Extends core's method: a deleted parameter has its default value.

        If there is an alias domain, its parameters are created again at once, with the defaults. The domain name has
        no default and stays, since messages to it would be lost. To stop using it, remove it from the company.
        """
        deleted = dict.fromkeys(self.mapped("key"))
        result = super().unlink()
        if not self._is_mirroring():
            self._change_alias_domain(deleted)
        return result

    def _is_mirroring(self):
        return self.env.context.get(_MIRROR_KEY) is _MIRRORING

    def _checked(self, vals):
        """Return the values to save, with the parameter's value in its stored form.

        :raises ValidationError: when the value can't be used
        """
        key = vals.get("key", self.key)
        value = vals.get("value", self.value)
        if key not in PARAMETERS or value in (None, False):
            return vals
        return {**vals, "value": self._check_mail_value(key, value, self.env._("System parameter “%s”", key))}

    @api.model
    def _check_mail_value(self, key, value, where):
        """Return the stored form of a value.

        :param str key: the parameter
        :param str value: its value as it was typed
        :param str where: the place where it was typed, for the error
        :raises ValidationError: when the value can't be used; says what is wrong, where, and what to do
        """
        try:
            return PARAMETERS[key].read(str(value))
        except BadValue as bad:
            raise ValidationError(
                self.env._("%(where)s: %(why)s", where=where, why=self._problem_message(bad))
            ) from bad

    def _problem_message(self, bad):
        """Say what is wrong with a value, and what to do."""
        if not bad.part.strip():
            return self.env._("This can't be empty.")
        return self._address_problem_message(bad) or self._value_problem_message(bad)

    def _address_problem_message(self, bad):
        match bad.problem:
            case ParameterProblem.DOMAIN:
                return self.env._("“%s” is not a domain. Enter it like mycompany.com, without @ and spaces.", bad.part)
            case ParameterProblem.LOCAL_PART:
                return self.env._(
                    "“%s” can't be the part of an address before the @. Enter only that part, such as catchall. It may "
                    "contain letters without accents, digits, dots, hyphens and underscores.",
                    bad.part,
                )
            case ParameterProblem.SENDER:
                return self.env._(
                    "“%s” is neither an address nor the part of an address before the @. Enter for example "
                    "notifications or notifications@mycompany.com.",
                    bad.part,
                )
            case ParameterProblem.FILTER:
                return self.env._(
                    "“%s” is neither a domain nor an address. Enter one or several, separated by commas, such as "
                    "mycompany.com, info@example.com.",
                    bad.part,
                )
            case ParameterProblem.HOST:
                return self.env._(
                    "“%s” is not the name of a mail server. Enter one or several, separated by commas, such as "
                    "mx.mycompany.com.",
                    bad.part,
                )
        return None

    def _value_problem_message(self, bad):
        match bad.problem:
            case ParameterProblem.NUMBER:
                limits = {"value": bad.part, "most": bad.most}
                return self.env._("“%(value)s” is not a whole number from 1 to %(most)s.", **limits)
            case ParameterProblem.ALERT:
                return self.env._("“%s” is unknown. Enter nothing, notification or activity.", bad.part)
        return self.env._("“%s” is unknown. Enter sender or alias.", bad.part)

    # ------------------------------------------------------------------ reading

    @api.model
    def _get_mail_parameter(self, key):
        """Return the effective value of a parameter.

        Parameters that Odoo 19 keeps on the alias domain are read there, if the main company has one. A bad value that
        bypassed every check is logged once and replaced: a size limit that is too large by the largest one, a filter by
        its valid entries, and others by the default.

        :param str key: one of :data:`PARAMETERS`
        :return: an int for numbers, otherwise a str, empty for none. `mail.default.from_filter` defaults to the
            `from_filter` of odoo-bin
        """
        parameter = PARAMETERS[key]
        value = self._stored_mail_value(key)
        if value is None:
            return self._default_mail_value(key)
        try:
            return parameter.kind(parameter.read(value))
        except BadValue as bad:
            effective = self._instead_of(bad, key, value)
            self._log_bad_value(key, value, effective)
            return effective

    def _instead_of(self, bad, key, value):
        """Return the effective value of a parameter whose stored value can't be used as it is."""
        match bad.problem:
            case ParameterProblem.FILTER if entries := good_entries(value):
                return entries
            case ParameterProblem.NUMBER if key == "mail_gateway.size_limit" and bad.is_too_large:
                return bad.most
        return self._default_mail_value(key)

    def _stored_mail_value(self, key):
        if key in MIRRORED and (domain := self.env["res.company"]._main_company_of_mail().alias_domain_id):
            return domain[MIRRORED[key]] or ""
        return self._get_param(key)

    def _default_mail_value(self, key):
        parameter = PARAMETERS[key]
        if key == "mail.default.from_filter":
            return config.get("from_filter") or parameter.default
        return parameter.kind(parameter.default)

    def _log_bad_value(self, key, value, effective):
        known = (self.env.cr.dbname, key, value)
        if known not in _logged:
            _logged.add(known)
            _logger.warning("System parameter %s: %r can't be used; Odoo uses %r instead.", key, value, effective)

    # ------------------------------------------------------------------ the mirror

    @api.model
    def _settle_mail_parameters(self):
        """Create missing parameters and remove all differences; each installation and update of the addon calls this.

        If the main company has an alias domain, its values win, since Odoo 19 uses them. If it has none, as in a
        database that comes from Odoo 16, it gets one from the parameters, as core's `_migrate_icp_to_domain` does.
        """
        self._adopt_alias_domain()
        if self.env["res.company"]._main_company_of_mail().alias_domain_id:
            self._show_alias_domain()
        for key, parameter in PARAMETERS.items():
            if parameter.created and self._get_param(key) is None:
                self._show(key, parameter.default)

    def _adopt_alias_domain(self):
        name = self._get_mail_parameter("mail.catchall.domain")
        if not name or self.env["res.company"]._main_company_of_mail().alias_domain_id:
            return
        try:
            with self.env.cr.savepoint():
                self._change_alias_domain({"mail.catchall.domain": name})
        except UserError as error:  # values that existed before must not make the installation fail
            _logger.warning(
                "No alias domain can be created from the system parameters of mail; correct them: %s", error
            )

    @api.model
    def _change_alias_domain(self, values):
        """Copy parameters to the main company's alias domain.

        :param dict values: {key: stored form, or None for its default}; keys that have no field there are ignored
        :raises ValidationError: when the alias domain does not accept them
        """
        wanted = {
            MIRRORED[key]: PARAMETERS[key].default if value is None else value
            for key, value in values.items()
            if key in MIRRORED
        }
        if not wanted:
            return
        company = self.env["res.company"]._main_company_of_mail()
        company._use_alias_domain(wanted.get("name"))
        company.alias_domain_id._follow(wanted)
        self._show_alias_domain()
        if not company.alias_domain_id:
            self._check_catchall_is_not_bounce()

    def _check_catchall_is_not_bounce(self):
        catchall = self._get_mail_parameter("mail.catchall.alias")
        if catchall == self._get_mail_parameter("mail.bounce.alias"):
            raise ValidationError(self._same_address_message(catchall))

    def _same_address_message(self, address):
        return self.env._(
            "“%s” can't be both the catchall and the bounce address, because Odoo could not distinguish a reply from a "
            "bounce. Choose another address for one of them.",
            address,
        )

    @api.model
    def _show_alias_domain(self):
        """Copy the values of the main company's alias domain to the parameters."""
        domain = self.env["res.company"]._main_company_of_mail().alias_domain_id
        if domain:
            for key, field in MIRRORED.items():
                self._show(key, domain[field] or "")
        else:
            # Otherwise the next update would create the domain again. The local parts are kept for the next domain.
            self._mirrored("mail.catchall.domain").unlink()

    def _show(self, key, value):
        """Write a value that is effective already: it is neither checked nor copied to the alias domain again."""
        if self._get_param(key) == value:
            return
        if parameter := self._mirrored(key):
            parameter.value = value
        else:
            parameter.create({"key": key, "value": value})

    def _mirrored(self, key):
        return self.sudo().with_context(**{_MIRROR_KEY: _MIRRORING}).search([("key", "=", key)])
