from odoo import models

from ...tools.delivery import Stage

SIZE_PARAMETER = "mail_gateway.size_limit"
_MEGABYTE = 1024 * 1024


class MailCheckSize(models.AbstractModel):
    """Keeps messages from Odoo that would take more memory than a worker has."""

    _name = "mail.check.size"
    _inherit = "mail.check"
    _description = "Too large"
    _stage = Stage.SOURCE

    def _explanation(self):
        return self.env._("Messages of more than %s MB.", self._megabytes())

    def _look(self, incoming):
        if incoming.size <= self._megabytes() * _MEGABYTE:
            return None
        size = f"{incoming.size / _MEGABYTE:.1f}"
        return self.env._("%(size)s MB; up to %(limit)s MB are taken in.", size=size, limit=self._megabytes())

    def _megabytes(self) -> int:
        return self.env["ir.config_parameter"]._get_mail_parameter(SIZE_PARAMETER)
