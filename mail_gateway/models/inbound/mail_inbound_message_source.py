"""The sources of inbound messages, byte for byte."""

import base64
from io import BytesIO

from odoo import api, models
from odoo.tools import SQL

# Larger sources bypass the ORM, which would keep several copies of them in memory.
LARGE_BYTES = 2**20
# Odoo stores bytes in base64: 4 characters for 3 bytes
PART_CHARS = 4 * 2**20
_SENT_BYTES = 3 * 2**16
COPIED_BYTES = 4 * 2**16
# A row in PostgreSQL's binary format of COPY: signature, flags and extension; 2 fields, the first an integer
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8) + (2).to_bytes(2, "big") + (4).to_bytes(4, "big")
_COPY_END = b"\xff\xff"


class MailInboundMessage(models.Model):
    """Writes and reads the sources of messages, a few megabytes at a time."""

    _inherit = "mail.inbound.message"

    # the name of a value that create() takes: the source as bytes
    SOURCE_BYTES = "source_bytes"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends core's method: accepts sources as bytes instead of base64, under the name SOURCE_BYTES."""
        sources = [None if "source" in vals else vals.get(self.SOURCE_BYTES) for vals in vals_list]
        messages = super().create(list(map(self._with_source, vals_list, sources)))
        for message, source in zip(messages, sources, strict=True):
            if source and len(source) > LARGE_BYTES:
                message._write_source(source)
        return messages

    def _with_source(self, vals, source):
        vals = {name: value for name, value in vals.items() if name != self.SOURCE_BYTES}
        if source and len(source) <= LARGE_BYTES:
            vals["source"] = base64.b64encode(source)
        return vals

    def _write_source(self, source: bytes):
        """Write a large source to the database piece by piece."""
        self.ensure_one()
        cr = self.env.cr
        cr.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS inbound_source_copy (message_id integer, source bytea)"
            " ON COMMIT DELETE ROWS"
        )
        row = _CopyRow(self.id, source)
        cr.copy_expert("COPY inbound_source_copy (message_id, source) FROM STDIN (FORMAT binary)", row, COPIED_BYTES)
        cr.execute(
            SQL(
                "UPDATE mail_inbound_message SET source = copied.source FROM inbound_source_copy copied"
                " WHERE mail_inbound_message.id = copied.message_id AND copied.message_id = %s",
                self.id,
            )
        )
        cr.execute(SQL("DELETE FROM inbound_source_copy WHERE message_id = %s", self.id))
        self.invalidate_recordset(["source"])

    def _source_bytes(self, most: int | None = None) -> bytes:
        """Return the message as it arrived; empty after Odoo has deleted its source.

        :param most: return at most so many bytes from the beginning; None for all
        """
        self.ensure_one()
        if not self.id:  # in memory only
            return base64.b64decode(self.with_context(bin_size=False, bin_size_source=False).source or b"")[:most]
        self.check_access("read")
        self.flush_recordset(["source"])
        source, offset = BytesIO(), 0
        while most is None or source.tell() < most:
            letters = PART_CHARS if most is None else min(PART_CHARS, -(-(most - source.tell()) // 3) * 4)
            part = self._source_part(offset, letters)
            source.write(base64.b64decode(part))
            offset += len(part)
            if len(part) < letters:
                break
        if most is not None:
            source.truncate(most)
        return source.getvalue()

    def _source_part(self, offset, count):
        self.env.cr.execute(
            SQL(
                "SELECT substring(source FROM %s FOR %s) FROM mail_inbound_message WHERE id = %s",
                offset + 1,
                count,
                self.id,
            )
        )
        row = self.env.cr.fetchone()
        return (row and row[0]) or b""


class _CopyRow:
    """A file from which COPY reads one row; the source is never copied as a whole."""

    def __init__(self, row_id, source):
        length = -(-len(source) // 3) * 4
        self._head = _COPY_HEAD + row_id.to_bytes(4, "big") + length.to_bytes(4, "big")
        self._source = memoryview(source)
        self._parts = self._written()

    def _written(self):
        yield self._head
        for start in range(0, len(self._source), _SENT_BYTES):
            yield base64.b64encode(self._source[start : start + _SENT_BYTES])
        yield _COPY_END

    def read(self, _size):
        """Return the next part, which is never longer than COPY asks for."""
        return next(self._parts, b"")
