"""Who wrote the messages that wait, and to whom, read anew from their sources.

Earlier versions took names for addresses where those contain an @, and lists for the authors of what came through them.
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
    """What has not changed is not written: nothing of what waits is touched for nothing."""
    headers = read.headers
    values = {"email_from": headers.sender, "sender": read.sender, "recipients": headers.recipients}
    if changed := {name: value or False for name, value in values.items() if (message[name] or "") != value}:
        message._correct(changed)
