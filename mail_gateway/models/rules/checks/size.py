"""The check for messages that are too large."""

from odoo import models

from ....tools.policy import Stage

SIZE_PARAMETER = "mail_gateway.size_limit"
_MEGABYTE = 1024 * 1024


class MailCheckSize(models.AbstractModel):
    """Stops messages that need more memory than a worker has."""

    _name = "mail.check.size"
    _inherit = "mail.check"
    _description = "Message Too Large"
    _stage = Stage.SOURCE

    def _explanation(self):
        return self.env._("Messages larger than %s MB.", self._megabytes())

    def _sender_message(self):
        return self.env._("It is larger than %s MB.", self._megabytes())

    def _look(self, incoming):
        if incoming.may_be_large or incoming.size <= self._most_bytes():
            return None
        words = {"size": f"{incoming.size / _MEGABYTE:.1f}", "limit": self._megabytes()}
        if incoming.is_head:
            return self.env._(
                "The message has %(size)s MB; the limit is %(limit)s MB. Only its headers were fetched. Choose Fetch Full "
                "Message to fetch the rest from the mail server.",
                **words,
            )
        return self.env._("The message has %(size)s MB; the limit is %(limit)s MB.", **words)

    def _most_bytes(self) -> int:
        """Return the size of the largest message that does not match, in bytes."""
        return self._megabytes() * _MEGABYTE

    def _megabytes(self) -> int:
        return self.env["ir.config_parameter"]._get_mail_parameter(SIZE_PARAMETER)
