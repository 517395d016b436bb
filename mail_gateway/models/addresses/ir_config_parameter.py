import logging

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import config

from ...tools.parameters import MIRRORED, PARAMETERS, BadValue, ParameterProblem, good_entries

_logger = logging.getLogger(__name__)

# Marks the writing of what the alias domain says already; an object, so that no caller from outside can bring it.
_MIRROR_KEY = "mail_gateway_mirror"
_MIRRORING = object()
# (database, key, value) of bad values that this process has told about
_told = set()


class IrConfigParameter(models.Model):
    """The parameters of mail and of this addon: checked when saved; those that Odoo 19 keeps on the alias domain mirror it.

    The mirror is the alias domain of the main company. As long as that has one, its four parameters exist and say the
    same: whichever of both is written, the other follows in the same transaction.
    """

    _inherit = "ir.config_parameter"

    # ------------------------------------------------------------------ saving

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: checks parameters of mail, and has the alias domain follow."""
        if self._is_mirroring() or not any(vals.get("key") in PARAMETERS for vals in vals_list):
            return super().create(vals_list)
        parameters = super().create([self._checked(vals) for vals in vals_list])
        self._change_alias_domain({parameter.key: parameter.value for parameter in parameters})
        return parameters

    def write(self, vals):
        """Extends core's method: checks parameters of mail, and has the alias domain follow."""
        keys = {vals.get("key"), *self.mapped("key")} if vals.keys() & {"key", "value"} else set()
        if self._is_mirroring() or not keys & PARAMETERS.keys():
            return super().write(vals)
        given_up = dict.fromkeys(self.mapped("key"))
        for parameter in self:
            super(IrConfigParameter, parameter).write(parameter._checked(vals))
        self._change_alias_domain({**given_up, **{parameter.key: parameter.value for parameter in self}})
        return True

    def unlink(self):
        """Extends core's method: deleting a parameter means its default.

        Where there is an alias domain, its parameters are back at once, with the defaults. The domain itself has none
        and stays: mail to it would be lost. To give it up, take it from the company.
        """
        deleted = dict.fromkeys(self.mapped("key"))
        result = super().unlink()
        if not self._is_mirroring():
            self._change_alias_domain(deleted)
        return result

    def _is_mirroring(self):
        return self.env.context.get(_MIRROR_KEY) is _MIRRORING

    def _checked(self, vals):
        """Values to save, the parameter's value in its stored form.

        :raises ValidationError: when it can't be used
        """
        key = vals.get("key", self.key)
        value = vals.get("value", self.value)
        if key not in PARAMETERS or value in (None, False):
            return vals
        return {**vals, "value": self._check_mail_value(key, value, self.env._("System parameter “%s”", key))}

    @api.model
    def _check_mail_value(self, key, value, where):
        """The stored form of a value.

        :param key: whose value
        :param where: where it was typed, in words
        :raises ValidationError: what is wrong, where, and what to do
        """
        try:
            return PARAMETERS[key].read(str(value))
        except BadValue as bad:
            raise ValidationError(
                self.env._("%(where)s: %(why)s", where=where, why=self._problem_message(bad))
            ) from bad

    def _problem_message(self, bad):
        if not bad.part.strip():
            return self.env._("This can't be empty.")
        match bad.problem:
            case ParameterProblem.DOMAIN:
                return self.env._("“%s” is no domain. Write it like mycompany.com, without @ and spaces.", bad.part)
            case ParameterProblem.LOCAL_PART:
                return self.env._(
                    "“%s” can't stand before the @ of an address. Write only that part, in letters without accents, "
                    "digits, dots, hyphens and underscores, like catchall.",
                    bad.part,
                )
            case ParameterProblem.SENDER:
                return self.env._(
                    "“%s” is neither an address nor the part of one before its @. Write notifications or "
                    "notifications@mycompany.com, say.",
                    bad.part,
                )
            case ParameterProblem.FILTER:
                return self.env._(
                    "“%s” is neither a domain nor an address. Write one or several, separated by commas, like "
                    "mycompany.com, info@example.com.",
                    bad.part,
                )
            case ParameterProblem.NUMBER:
                words = {"value": bad.part, "most": bad.most}
                return self.env._("“%(value)s” is not a whole number from 1 to %(most)s.", **words)
            case ParameterProblem.ALERT:
                return self.env._("“%s” is unknown. Write nothing, notification or activity.", bad.part)
            case ParameterProblem.HOST:
                return self.env._(
                    "“%s” is no name of a mail host. Write one or several, separated by commas, like mx.mycompany.com.",
                    bad.part,
                )
        return self.env._("“%s” is unknown. Write sender or alias.", bad.part)

    # ------------------------------------------------------------------ reading

    @api.model
    def _get_mail_parameter(self, key):
        """What counts for a parameter of mail.

        Those that Odoo 19 keeps on the alias domain are read there, if the main company has one. A bad value that came
        past every check is told once to the log and replaced by the default.

        :param key: one of :data:`PARAMETERS`
        :return: a whole number for what is counted, else a text, empty for none. `mail.default.from_filter` defaults to
            the `from_filter` of odoo-bin
        """
        parameter = PARAMETERS[key]
        value = self._stored_mail_value(key)
        if value is None:
            return self._default_mail_value(key)
        try:
            return parameter.kind(parameter.read(value))
        except BadValue as bad:
            counts = (bad.problem is ParameterProblem.FILTER and good_entries(value)) or self._default_mail_value(key)
            self._tell_bad_value(key, value, counts)
            return counts

    def _stored_mail_value(self, key):
        if key in MIRRORED and (domain := self.env["res.company"]._main_company_of_mail().alias_domain_id):
            return domain[MIRRORED[key]] or ""
        return self._get_param(key)

    def _default_mail_value(self, key):
        parameter = PARAMETERS[key]
        if key == "mail.default.from_filter":
            return config.get("from_filter") or parameter.default
        return parameter.kind(parameter.default)

    def _tell_bad_value(self, key, value, counts):
        known = (self.env.cr.dbname, key, value)
        if known not in _told:
            _told.add(known)
            _logger.warning("System parameter %s: %r can't be used; %r counts instead.", key, value, counts)

    # ------------------------------------------------------------------ the mirror

    @api.model
    def _settle_mail_parameters(self):
        """Called by each installation and update of the addon: create what is absent, end every difference.

        Where the main company has an alias domain, that counts, since it is what Odoo 19 uses. Where it has none, as
        in a database that comes from Odoo 16, it gets one from the parameters, as core's `_migrate_icp_to_domain` does.
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
        except UserError as error:  # an installation does not fail for what stood in the database before
            _logger.warning("The system parameters of mail make no alias domain, until somebody mends them: %s", error)

    @api.model
    def _change_alias_domain(self, values):
        """Have the main company's alias domain say what its parameters say.

        :param values: {key: stored form, or None for its default}; keys that have no place there are left alone
        :raises ValidationError: when the alias domain does not take them
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
            "“%s” can't be both the catchall and the bounce address: a reply could not be told from mail that came "
            "back. Choose another one for either.",
            address,
        )

    @api.model
    def _show_alias_domain(self):
        """Have the parameters say what the main company's alias domain says."""
        domain = self.env["res.company"]._main_company_of_mail().alias_domain_id
        if domain:
            for key, field in MIRRORED.items():
                self._show(key, domain[field] or "")
        else:
            # Else the next update would bring the domain back. The local parts wait for the next one.
            self._mirrored("mail.catchall.domain").unlink()

    def _show(self, key, value):
        """Write a value that is in force already: neither checked nor told to the alias domain again."""
        if self._get_param(key) == value:
            return
        if parameter := self._mirrored(key):
            parameter.value = value
        else:
            parameter.create({"key": key, "value": value})

    def _mirrored(self, key):
        return self.sudo().with_context(**{_MIRROR_KEY: _MIRRORING}).search([("key", "=", key)])
