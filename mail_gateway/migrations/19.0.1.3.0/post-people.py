"""Read again from their sources who wrote the messages that wait, and to whom.

Earlier versions took a display name with an @ for an address, and a mailing list for the author of its messages.
"""

import base64

from odoo import SUPERUSER_ID, api

from odoo.addons.mail_gateway.tools.headers.message_head import HEADER_BYTES
from odoo.addons.mail_gateway.tools.source_values import read_source

_SLICE = 200
# In base64, as the ORM keeps binary fields: four letters for each three bytes.
_HEAD_LETTERS = -(-HEADER_BYTES // 3) * 4


def migrate(cr, version):
    """Read the heads of messages that a lane or a person will look at, a few at a time."""
    messages = api.Environment(cr, SUPERUSER_ID, {})["mail.inbound.message"]
    last = 0
    while rows := _waiting_after(cr, last):
        last = rows[-1][0]
        for message, letters in rows:
            _write(messages.browse(message), read_source(base64.b64decode(bytes(letters))))
        messages.env.flush_all()


def _waiting_after(cr, last):
    cr.execute(
        """
        SELECT id, substring(source FROM 1 FOR %s) FROM mail_inbound_message
         WHERE state IN ('received', 'deferred', 'held', 'failed') AND source IS NOT NULL AND id > %s
         ORDER BY id LIMIT %s
        """,
        (_HEAD_LETTERS, last, _SLICE),
    )
    return cr.fetchall()


def _write(message, read):
    """Write only the values that have changed, so that no waiting message is updated without need."""
    headers = read.headers
    values = {"email_from": headers.sender, "sender": read.sender, "recipients": headers.recipients}
    if changed := {name: value or False for name, value in values.items() if (message[name] or "") != value}:
        message._correct(changed)
