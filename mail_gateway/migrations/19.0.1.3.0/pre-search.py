"""Fill the table with the text that the search box searches, for all existing messages.

This runs before the ORM creates the table: PostgreSQL builds an index faster on existing rows than row by row.
"""

from odoo.tools.sql import table_exists

from odoo.addons.mail_gateway.tools.text.search_text import search_text

_SLICE = 5000


def migrate(cr, version):
    """Create and fill the table: PostgreSQL itself does so for texts in ASCII, and Python for all others, in slices."""
    if table_exists(cr, "mail_inbound_search"):
        return
    cr.execute(
        "CREATE TABLE mail_inbound_search (id serial PRIMARY KEY, inbound_message_id integer NOT NULL, text text)"
    )
    cr.execute(
        """
        INSERT INTO mail_inbound_search (inbound_message_id, text)
             SELECT id, lower(concat_ws(chr(10), left(nullif(email_from, ''), 1000), left(nullif(recipients, ''), 1000),
                                        left(nullif(subject, ''), 1000), left(nullif(message_id, ''), 1000)))
               FROM mail_inbound_message
              WHERE octet_length(concat(email_from, recipients, subject, message_id))
                    = char_length(concat(email_from, recipients, subject, message_id))
        """
    )
    cr.execute("CREATE UNIQUE INDEX mail_inbound_search_filled ON mail_inbound_search (inbound_message_id)")
    last = 0
    while rows := _beyond_ascii(cr, last):
        last = rows[-1][0]
        cr.execute_values(
            "INSERT INTO mail_inbound_search (inbound_message_id, text) VALUES %s",
            [(message, search_text(*values)) for message, *values in rows],
        )
    cr.execute("DROP INDEX mail_inbound_search_filled")


def _beyond_ascii(cr, last):
    """Return (id, From, recipients, subject, Message-Id) of the next messages that have no text yet."""
    cr.execute(
        """
        SELECT message.id, email_from, recipients, subject, message_id
          FROM mail_inbound_message message
     LEFT JOIN mail_inbound_search done ON done.inbound_message_id = message.id
         WHERE done.id IS NULL AND message.id > %s
      ORDER BY message.id LIMIT %s
        """,
        (last, _SLICE),
    )
    return cr.fetchall()
