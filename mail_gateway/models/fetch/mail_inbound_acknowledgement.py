from odoo import api, fields, models


class MailInboundAcknowledgement(models.Model):
    """Stored messages whose mail server was not told yet: what a run that broke off leaves for the next one.

    Rows of their own, since lanes write the messages while the fetch goes on.
    """

    _name = "mail.inbound.acknowledgement"
    _description = "Acknowledgement Owed to a Mail Server"
    _rec_name = "remote_key"

    server_id = fields.Many2one("fetchmail.server", required=True, index=True, ondelete="cascade")
    remote_key = fields.Char(required=True)

    @api.model
    def _owe(self, keys):
        """Note, in the transaction that stores the messages, that the servers are to be told.

        :param list keys: (id of the server, remote key) of each message
        """
        self.create([{"server_id": server_id, "remote_key": key} for server_id, key in keys])
