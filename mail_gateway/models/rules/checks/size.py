from odoo import models

from ....tools.policy import Stage

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

    def _sender_message(self):
        return self.env._("It is larger than %s MB.", self._megabytes())

    def _look(self, incoming):
        if incoming.may_be_large or incoming.size <= self._most_bytes():
            return None
        words = {"size": f"{incoming.size / _MEGABYTE:.1f}", "limit": self._megabytes()}
        if incoming.is_head:
            return self.env._(
                "%(size)s MB; up to %(limit)s MB are taken in. Only its headers were fetched; the message itself stays on "
                "the mail server. Fetch It has the next visit fetch it.",
                **words,
            )
        return self.env._("%(size)s MB; up to %(limit)s MB are taken in.", **words)

    def _most_bytes(self) -> int:
        """The largest message that is let pass, in bytes."""
        return self._megabytes() * _MEGABYTE

    def _megabytes(self) -> int:
        return self.env["ir.config_parameter"]._get_mail_parameter(SIZE_PARAMETER)
