"""Fill the sender's address of messages that wait for a lane or a person.

The ORM would compute it for every message that was ever stored, all of them in memory at once. Nobody needs it for
messages that are done: they have none.
"""

from odoo.tools.sql import column_exists, create_column

from odoo.addons.mail_gateway.tools.headers.addresses import author_address

_TABLE = "mail_inbound_message"
_SLICE = 1000


def migrate(cr, version):
    """Create the column before the ORM does: the ORM computes a stored field only if it creates the column itself."""
    if column_exists(cr, _TABLE, "sender"):
        return
    create_column(cr, _TABLE, "sender", "varchar")
    last = 0
    while rows := _waiting_after(cr, last):
        last = rows[-1][0]
        _write(cr, [(message, author_address(email_from)) for message, email_from in rows])


def _waiting_after(cr, last):
    """Return (id, From) of the next messages that wait for a lane or a person."""
    cr.execute(
        """
        SELECT id, email_from FROM mail_inbound_message
         WHERE state IN ('received', 'deferred', 'held', 'failed') AND id > %s
         ORDER BY id LIMIT %s
        """,
        (last, _SLICE),
    )
    return cr.fetchall()


def _write(cr, rows):
    cr.execute_values(
        """
        UPDATE mail_inbound_message message SET sender = found.sender
          FROM (VALUES %s) AS found (id, sender)
         WHERE message.id = found.id AND found.sender IS NOT NULL
        """,
        rows,
    )
