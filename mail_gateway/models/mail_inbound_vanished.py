from odoo import api, models
from odoo.tools import SQL

from ..tools.bounds import bounded


class MailInboundVanished(models.Model):
    """Names of messages that their mail server no longer lists, and may give to others."""

    _inherit = "mail.inbound.message"

    @api.model
    def _forget_vanished(self, server, prefix, keys):
        """Free the remote keys that begin with `prefix` and are not among `keys`.

        Rows that a lane works on have their turn next time: nobody waits for it.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE mail_inbound_message SET remote_key = 'gone:' || id || ':' || remote_key
                WHERE id IN (
                    SELECT id FROM mail_inbound_message message
                    WHERE server_id = %s AND starts_with(remote_key, %s)
                        AND NOT EXISTS (SELECT FROM unnest(%s) AS listed(key) WHERE key = message.remote_key)
                    FOR UPDATE SKIP LOCKED
                )
                """,
                server.id,
                prefix,
                [bounded(key) for key in keys],
            )
        )
        self.invalidate_model(["remote_key"])
