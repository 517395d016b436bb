"""Fill the caller of messages that a program has handed over and that wait for a lane or a person.

Earlier versions let everybody who could log in hand over messages, and delivered them with all rights. From now on, Odoo
does what such a caller asked for with the caller's own rights.
"""


def migrate(cr, version):
    """Take the user who created the row for the caller; messages that are done need no caller."""
    cr.execute(
        """
        UPDATE mail_inbound_message SET caller_id = create_uid
         WHERE transport = 'call' AND caller_id IS NULL AND state IN ('received', 'deferred', 'held', 'failed')
        """
    )
