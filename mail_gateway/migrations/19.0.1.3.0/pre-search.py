"""The text that the search box looks through, of all messages that are there already.

Before the ORM makes the table: indexes are built faster on what is there than row by row.
"""

from odoo.tools.sql import table_exists

from odoo.addons.mail_gateway.tools.text.search_text import search_text

_SLICE = 5000


def migrate(cr, version):
    """Make the table and fill it: PostgreSQL by itself with what is ASCII, the rest is read here, some at a time."""
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
    """(id, From, recipients, subject, Message-Id) of the next messages that have no text yet."""
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
