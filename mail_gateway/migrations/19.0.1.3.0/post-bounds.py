"""Shorten indexed values to the length that an index accepts."""

from odoo.tools import SQL

from odoo.addons.mail_gateway.tools.text.indexed_text import INDEXED_BYTES, bounded

_COLUMNS = (
    ("mail_inbound_message", ("sender", "message_id", "conversation", "remote_key")),
    ("mail_inbound_message_id_lock", ("message_id",)),
    ("mail_inbound_created_record", ("target", "counted_for")),
    ("mail_inbound_sender_notice", ("told", "sender", "cause", "fingerprint")),
    ("mail_inbound_folder", ("account", "folder")),
    ("mail_gateway_allowed", ("sender",)),
)


def migrate(cr, version):
    """Shorten indexed values as new ones are shortened: Odoo looks up by them what mail servers still list."""
    for table, columns in _COLUMNS:
        for column in columns:
            _shorten(cr, SQL.identifier(table), SQL.identifier(column))


def _shorten(cr, table, column):
    cr.execute(
        SQL("SELECT id, %s FROM %s WHERE octet_length(%s) > %s ORDER BY id", column, table, column, INDEXED_BYTES)
    )
    for row_id, text in cr.fetchall():
        cr.execute(SQL("UPDATE %s SET %s = %s WHERE id = %s", table, column, bounded(text), row_id))
