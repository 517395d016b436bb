"""Sources that a postmaster keeps for longer than the retention period."""

from odoo import fields, models
from odoo.exceptions import UserError


class MailInboundMessage(models.Model):
    """Sources that the retention period does not apply to."""

    _inherit = "mail.inbound.message"

    keep_source = fields.Boolean(
        readonly=True,
        help="Odoo does not delete the source of this message after the retention period, until a postmaster stops "
        "keeping it.",
    )

    _kept_index = models.Index("(id) WHERE keep_source IS TRUE")  # the condition that the ORM writes

    def action_keep_source(self):
        """Exempt the sources of messages from the retention period.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when a source is deleted, or all of them are kept
        """
        messages = self._as_postmaster()
        if gone := messages.filtered(lambda message: not message._source_bytes(1))[:1]:
            raise UserError(self.env._("The source of “%s” is deleted already.", gone.display_name))
        loose = messages.filtered(lambda message: not message.keep_source)
        if not loose:
            raise UserError(self.env._("The chosen sources are kept already."))
        loose._decided("keep").write({"keep_source": True})
        return self._notify(self.env._("Odoo keeps the source after the retention period: %s", loose._counted()))

    def action_let_source_go(self):
        """Have the retention period apply to the sources of messages again.

        :return: an action that shows a notification
        :raises AccessError: when the user is no postmaster
        :raises UserError: when none of the sources is kept
        """
        kept = self._as_postmaster().filtered("keep_source")
        if not kept:
            raise UserError(
                self.env._("None of the chosen sources is kept: Odoo deletes them after the retention period anyway.")
            )
        kept._decided("let_go").write({"keep_source": False})
        return self._notify(self.env._("Odoo deletes the source after the retention period: %s", kept._counted()))
