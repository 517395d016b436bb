"""Who handed over what waits for a person.

Earlier versions let everybody hand messages over who could log in, and delivered them with all rights. What such a caller
asked for is done with the caller's own rights from now on.
"""


def migrate(cr, version):
    """The caller created the row; those that were dealt with ask for nothing any more."""
    cr.execute(
        """
        UPDATE mail_inbound_message SET caller_id = create_uid
         WHERE transport = 'call' AND caller_id IS NULL AND state IN ('received', 'deferred', 'held', 'failed')
        """
    )
