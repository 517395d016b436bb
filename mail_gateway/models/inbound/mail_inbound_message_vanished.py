"""Keys of messages that their mail server no longer has."""

from odoo import api, models
from odoo.tools import SQL

from ...tools.text.indexed_text import bounded


class MailInboundMessageVanished(models.Model):
    """Names of messages that their mail server no longer lists, and may give to others."""

    _inherit = "mail.inbound.message"

    @api.model
    def _forget_vanished(self, server, prefix, keys):
        """Free the remote keys that begin with `prefix` and are not among `keys`, nor one of them with a digest added.

        Rows that a lane works on are left for the next time.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE mail_inbound_message SET remote_key = 'gone:' || id || ':' || remote_key
                WHERE id IN (
                    SELECT id FROM mail_inbound_message message
                    WHERE server_id = %(server)s AND starts_with(remote_key, %(prefix)s)
                        AND NOT EXISTS (SELECT FROM unnest(%(keys)s) AS listed(key) WHERE key = message.remote_key)
                        AND NOT EXISTS (
                            SELECT FROM unnest(%(keys)s) AS listed(key)
                            WHERE key = regexp_replace(remote_key, ';SHA256=[0-9a-f]{64}(;COPY=[0-9]+)?$', '')
                        )
                    FOR UPDATE SKIP LOCKED
                )
                """,
                server=server.id,
                prefix=prefix,
                keys=[bounded(key) for key in keys],
            )
        )
        self.invalidate_model(["remote_key"])
