"""Acknowledgements that a fetch still has to send."""

from odoo import api, fields, models


class MailInboundAcknowledgement(models.Model):
    """A stored message that is not acknowledged yet; if a fetch breaks off, the next one acknowledges it.

    These are rows of their own, since lanes write the messages while the fetch goes on.
    """

    _name = "mail.inbound.acknowledgement"
    _description = "Pending Acknowledgement"
    _rec_name = "remote_key"

    server_id = fields.Many2one("fetchmail.server", required=True, index=True, ondelete="cascade")
    remote_key = fields.Char(required=True)

    @api.model
    def _owe(self, keys):
        """Record pending acknowledgements, in the transaction that stores the messages.

        :param list keys: (id of the server, remote key) of each message
        """
        self.create([{"server_id": server_id, "remote_key": key} for server_id, key in keys])
